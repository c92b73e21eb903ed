/**
 * A number that JavaScript cannot hold, with the digits that were published. Browsers that do not
 * pass the source of a value to the reviver show the rounded number.
 */
export class PublishedNumber {
  readonly digits: string

  constructor(digits: string) {
    this.digits = digits
  }
}

/** Reviver for `JSON.parse` that keeps every digit. */
export function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || String(value) === source) return value
  return sameNumber(value, source) ? value : new PublishedNumber(source)
}

/** JSON with the digits that were published, indented. */
export function printJson(value: unknown, indent = ''): string {
  const inner = `${indent}  `
  if (value instanceof PublishedNumber) return value.digits
  if (Array.isArray(value))
    return value.length === 0
      ? '[]'
      : `[\n${value.map((item) => inner + printJson(item, inner)).join(',\n')}\n${indent}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).map(
    ([name, item]) => `${inner}${JSON.stringify(name)}: ${printJson(item, inner)}`,
  )
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`
}

/** Whether both have the same value: 1.50 is 1.5; 9007199254740993 is not 9007199254740992. */
function sameNumber(value: number, source: string): boolean {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value)
  const digits = source.replace(/e.*$/i, '').replace(/[-.]/g, '').replace(/^0+/, '')
  return digits.length <= 15
}
