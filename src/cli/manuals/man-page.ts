import type { Command, Option as Flag, Help } from 'commander'
import { helpText } from '../../config/manual.ts'
import { flagOf, variableOf } from '../../config/options/option.ts'
import { type OptionName, optionNames } from '../../config/options/options.ts'
import { type ManualPage, manualPages } from './pages.ts'

/** The widest line. Longer lines are hard to read, also on a wide terminal. */
const maxWidth = 100
/** The longest term that has its description in the same line. */
const maxTerm = 26
const allOptions = new Set(['start', 'doctor', 'check-config'])

const nameByFlag = new Map<string, OptionName>(
  optionNames.flatMap((name) => [
    [flagOf(name), name],
    [`${flagOf(name)}-file`, name],
  ]),
)

/** Gives the command and those below it `--help` in the sections of a man page (man-pages(7)). */
export function withManPages(command: Command): Command {
  command.configureHelp({ formatHelp: (shown, helper) => manPage(shown, helper) })
  for (const inner of command.commands) withManPages(inner)
  return command
}

/** Whether it is an option of the gateway, which has a chapter of its own. */
export function isGatewayOption(flag: string | null | undefined): boolean {
  return nameByFlag.has(flag ?? '')
}

/** The page of a command. Throws for a command without one: each new command gets a page. */
export function manualPageOf(command: Command): ManualPage {
  const name = pathOf(command).slice(1).join(' ')
  const page = manualPages[name]
  if (!page) throw new Error(`src/cli/manuals/pages.ts: expected a page for "${name}"`)
  return page
}

function manPage(command: Command, helper: Help): string {
  const { more, examples, failed, seeAlso } = manualPageOf(command)
  const path = pathOf(command)
  const width = Math.min(helper.helpWidth ?? 80, maxWidth)
  const paragraph = (text: string): string => indented(wrapped(text, width - 2))
  const list = (entries: readonly (readonly [string, string])[]): string => listed(entries, width)
  const inner = helper.visibleCommands(command)
  const flags = helper.visibleOptions(command)
  const takesAll = allOptions.has(path[1] ?? '')
  const own = flags.filter(({ long }) => !isGatewayOption(long))
  const sections: [string, string][] = [
    ['NAME', paragraph(`${path.join(' ')} - ${command.description()}`)],
    ['SYNOPSIS', paragraph(helper.commandUsage(command))],
    ['DESCRIPTION', more === undefined ? '' : paragraph(more)],
    ['COMMANDS', list(inner.map((one) => [helper.subcommandTerm(one), helper.subcommandDescription(one)]))],
    ['ARGUMENTS', list(command.registeredArguments.map((one) => [one.name(), one.description]))],
    ['OPTIONS', list(own.map((flag) => [flag.flags, describe(flag)]))],
    ['OPTIONS OF THE GATEWAY', gatewayOptions(command, takesAll, flags, list, paragraph)],
    ['EXAMPLES', examples.map(([line, what]) => `  # ${what}\n  $ ${line}`).join('\n\n')],
    [
      'EXIT STATUS',
      list([
        ['0', 'Success.'],
        ['1', failed ?? 'Something failed. The reason is on standard error.'],
        ['2', 'The command or the configuration is wrong. The message names what was expected.'],
      ]),
    ],
    ['ENVIRONMENT', paragraph(environment(takesAll, flags))],
    ['SEE ALSO', paragraph([...related(command), ...seeAlso].join(', '))],
  ]
  return sections
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${name}\n${text}\n`)
    .join('\n')
}

function gatewayOptions(
  command: Command,
  takesAll: boolean,
  flags: readonly Flag[],
  list: (entries: readonly (readonly [string, string])[]) => string,
  paragraph: (text: string) => string,
): string {
  if (command.name() === 'start') return indented(helpText().trimEnd())
  if (takesAll) return paragraph('All options of warren start. `warren start --help` describes them.')
  return list(flags.filter(({ long }) => isGatewayOption(long)).map((flag) => [flag.flags, describe(flag)]))
}

function environment(takesAll: boolean, flags: readonly Flag[]): string {
  if (takesAll)
    return 'Each option of the gateway is also a variable, such as WARREN_PORT for --port. A flag overrides its variable. An unknown variable that begins with WARREN_ is an error.'
  const names = new Set(flags.flatMap(({ long }) => nameByFlag.get(long ?? '') ?? []))
  if (names.size === 0) return ''
  return `${[...names].map(variableOf).join(', ')}: as the flags of these options. A flag overrides its variable.`
}

/** The commands above and beside this one. */
function related(command: Command): string[] {
  const { parent } = command
  if (!parent) return []
  const siblings = parent.parent ? parent.commands.filter((one) => one !== command && one.name() !== 'help') : []
  return [parent, ...siblings].map((one) => pathOf(one).join(' '))
}

function pathOf(command: Command): string[] {
  return [...(command.parent ? pathOf(command.parent) : []), command.name()]
}

/** With its default, unless the description has it. */
function describe({ description, defaultValue }: Flag): string {
  const isShown = ['string', 'number'].includes(typeof defaultValue) && !description.includes('default')
  return isShown ? `${description} (default: ${String(defaultValue)})` : description
}

function listed(entries: readonly (readonly [string, string])[], width: number): string {
  const column = Math.min(maxTerm, Math.max(0, ...entries.map(([term]) => term.length))) + 2
  return entries
    .map(([term, text]) => {
      const lines = wrapped(text, width - 2 - column)
      const own = term.length + 2 > column ? [term.trimEnd(), ...lines.map((line) => ' '.repeat(column) + line)] : []
      if (own.length > 0) return indented(own)
      const [first = '', ...others] = lines
      return indented([term.padEnd(column) + first, ...others.map((line) => ' '.repeat(column) + line)])
    })
    .join('\n')
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function indented(text: string | readonly string[]): string {
  const lines = typeof text === 'string' ? text.split('\n') : text
  return lines.map((line) => (line === '' ? line : `  ${line}`)).join('\n')
}
