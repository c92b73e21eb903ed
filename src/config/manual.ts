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
      'Flags override environment variables, and those override the defaults: `warren start --port 5000`, or `WARREN_PORT=5000 warren start`.',
      'An unknown flag, an unknown variable that begins with `WARREN_`, or an invalid value stops the start with one line that names it.',
      'The exit status is 2. `warren check-config` prints the effective configuration with secrets masked.',
    ].join('\n'),
    ...groups.map((group) =>
      [`## ${group}\n`, '| variable, flag | default | meaning |', '|---|---|---|', ...namesOf(group).map(row)].join(
        '\n',
      ),
    ),
    [
      '## Values from files\n',
      'A variable that ends in `_FILE` in a table names a file with the value. A line break at the end of the file is ignored.',
      'Setting both is an error, unless one is a flag and the other a variable. The flag then wins.',
    ].join('\n'),
    [
      '## What changes without a restart\n',
      'At SIGHUP the gateway reads its options file (`WARREN_OPTIONS_FILE`) again and applies these options. It closes no connection:\n',
      ...optionNames.filter((name) => options[name].reload).map((name) => `* \`${variableOf(name)}\``),
      '\nNew limits apply to new connections and requests; a connection above a lower limit keeps what it has. `WARREN_MAX_BUFFERED_BYTES` applies to',
      'new connections. The log names other changed options, which need a restart. If the file is invalid, the gateway logs the error and changes',
      'nothing. Sources are created and deleted through the API while the gateway runs.',
    ].join('\n'),
    [
      '## What is checked together\n',
      '* The ports must differ.',
      '* An address beyond loopback requires your own secret. With a generated secret, `WARREN_HOST=0.0.0.0` is refused.',
      '* In Kubernetes, the gateway ignores the variables that a Service called `warren` adds to every Pod (`WARREN_PORT=tcp://…`,',
      '  `WARREN_SERVICE_HOST` and similar ones).',
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
