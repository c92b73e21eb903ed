import { hasLastWord, hasWord, isIdName, moneyWords, timeWords } from '../inference/leaf-type.ts'
import type { SchemaParts } from './schema-parts.ts'

export function stringType({ format }: SchemaParts, words: readonly string[]): string {
  switch (format) {
    case 'date-time':
      return 'DateTime'
    case 'date':
      return 'Date'
    case 'uuid':
      return 'UUID'
    case 'decimal':
      return 'Decimal'
    default:
      return isIdName(words) ? 'ID' : 'String'
  }
}

/** Of JSON Schema's users: OpenAPI, protobuf, Java and Rust. */
const wideFormats: ReadonlySet<string> = new Set(['int64', 'uint32', 'uint64', 'uint', 'long'])
const narrowFormats: ReadonlySet<string> = new Set(['int8', 'int16', 'int32', 'uint8', 'uint16'])
export const integerFormats: ReadonlySet<string> = new Set([...wideFormats, ...narrowFormats])
export const numberFormats: ReadonlySet<string> = new Set(['float', 'double', 'decimal'])

/** The format that holds the values of all of them, if there is one. */
export function widest(formats: readonly (string | undefined)[]): string | undefined {
  const [first, ...rest] = new Set(formats)
  return rest.length === 0 ? first : formats.find((format) => format !== undefined && wideFormats.has(format))
}

const [minInt, maxInt] = [-(2 ** 31), 2 ** 31 - 1]

export function numberType(
  type: string,
  { format, minimum, maximum, multipleOf, values = [] }: SchemaParts,
  words: readonly string[],
): string {
  if (type === 'number') {
    const isDecimal = format === 'decimal' || (multipleOf !== undefined && multipleOf < 1) || hasWord(words, moneyWords)
    return isDecimal ? 'Decimal' : 'Float'
  }
  if (isIdName(words)) return 'ID'
  if (format !== undefined && integerFormats.has(format)) return wideFormats.has(format) ? 'BigInt' : 'Int'
  const bounds = [minimum ?? 0, maximum ?? 0, ...values.map(Number)]
  const isWide = bounds.some((bound) => bound < minInt || bound > maxInt) || hasLastWord(words, timeWords)
  return isWide ? 'BigInt' : 'Int'
}
