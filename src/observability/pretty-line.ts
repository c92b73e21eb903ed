import { stripVTControlCharacters } from 'node:util'

const colours = new Map([
  ['debug', 90],
  ['info', 36],
  ['warn', 33],
  ['error', 31],
])

/**
 * Formats a JSON log line for a terminal: `09:13:05.042 warn  text  name=value`, with stacks below.
 * Times are UTC, as in the JSON.
 */
export function prettyLine(json: string, colour: boolean): string {
  const { time, level, msg, ...details } = JSON.parse(json) as Record<string, unknown>
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[39m\u001b[22m` : text)
  const name = String(level)
  const stacks: string[] = []
  const pairs = Object.entries(details).map(([key, value]) => {
    if (!isLoggedError(value)) return `${key}=${printable(value)}`
    stacks.push(...value.stack.split('\n').slice(1).map(stripControls))
    return `${key}=${printable(value.message)}`
  })
  const head = [
    paint(2, String(time).slice(11, 23)),
    paint(colours.get(name) ?? 39, name.padEnd(5)),
    stripControls(String(msg)),
    ...(pairs.length > 0 ? [paint(2, pairs.join(' '))] : []),
  ].join(' ')
  return `${[head, ...stacks.map((line) => paint(2, line))].join('\n')}\n`
}

function isLoggedError(value: unknown): value is { message: string; stack: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'stack' in value &&
    'message' in value &&
    typeof value.stack === 'string'
  )
}

function printable(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@*-]+$/.test(value)) return value
  // Keep the escapes that `scrub` wrote for hidden characters readable.
  return stripControls(JSON.stringify(value) ?? '').replace(/\\(\\u\{[0-9a-f]+\})/g, '$1')
}

/** Text from the wire must not control the terminal or imitate a separate line. */
function stripControls(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, ' ')
}
