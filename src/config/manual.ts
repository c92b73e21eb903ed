import { flagOf, groups, type Option, variableOf } from './options/option.ts'
import { type OptionName, optionNames, options } from './options/options.ts'

/** The options of `warren start --help`. */
export function helpText(): string {
  return groups
    .map((group) => {
      const lines = namesOf(group).flatMap((name) => [
        `  ${flagOf(name)} <value>  ${variableOf(name)}  [${defaultOf(options[name])}]`,
        `      ${options[name].help}`,
        `      Expected: ${options[name].kind.expected}`,
      ])
      return `${group}\n${lines.join('\n')}\n`
    })
    .join('\n')
}

/** `docs/config.md`. */
export function configManual(): string {
  const parts = [
    '# Configuration',
    '<!-- Printed from src/config/options/options.ts by `npm run generate`; do not edit. -->',
    [
      'Flags beat environment variables, and those beat the defaults: `warren start --port 5000`, or `WARREN_PORT=5000 warren start`.',
      'An unknown flag, an unknown variable that begins with `WARREN_`, or a value that is not allowed stops the start with one line that',
      'names it; exit status 2. `warren check-config` prints what holds, secrets masked.',
    ].join('\n'),
    ...groups.map((group) =>
      [`## ${group}\n`, '| variable, flag | default | meaning |', '|---|---|---|', ...namesOf(group).map(row)].join(
        '\n',
      ),
    ),
    [
      '## Values from files\n',
      'Where a table names a variable that ends in `_FILE`, the value is read from the file at that path, without a line break at its end.',
      'Giving both is an error, unless one is a flag and the other a variable: then the flag holds.',
    ].join('\n'),
    [
      '## What changes without a restart\n',
      'At SIGHUP the gateway reads its options file (`WARREN_OPTIONS_FILE`) again and takes on what it says of these; nobody’s connection is closed:\n',
      ...optionNames.filter((name) => options[name].reload).map((name) => `* \`${variableOf(name)}\``),
      '\nLimits hold for what begins from then on: a connection that is over a lower limit keeps what it has. `WARREN_MAX_BUFFERED_BYTES` holds for new',
      'connections. Whatever else has changed is told to the log as waiting for a restart. A file that is wrong is told to the log, and nothing changes. Sources are',
      'made and deleted through the API while the gateway runs.',
    ].join('\n'),
    [
      '## What is checked together\n',
      '* The ports differ.',
      '* An address beyond loopback needs a secret of your own: with a generated one, `WARREN_HOST=0.0.0.0` is refused.',
      '* In Kubernetes, the variables that a Service called `warren` puts into every Pod (`WARREN_PORT=tcp://…`, `WARREN_SERVICE_HOST` and',
      '  their like) are passed over.',
    ].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function row(name: OptionName): string {
  const option: Option<unknown> = options[name]
  const names = [
    `\`${variableOf(name)}\``,
    ...(option.file ? [`\`${variableOf(name)}_FILE\``] : []),
    `\`${flagOf(name)}\``,
  ]
  const shown = option.default === undefined ? defaultOf(option) : `\`${option.default}\``
  return `| ${names.join('<br>')} | ${shown} | ${option.help} Expected: ${option.kind.expected}. |`
}

function namesOf(group: (typeof groups)[number]): OptionName[] {
  return optionNames.filter((name) => options[name].group === group)
}

function defaultOf(option: Option<unknown>): string {
  return option.default ?? option.unset ?? ''
}
