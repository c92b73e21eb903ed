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

const [minInt, maxInt] = [-(2 ** 31), 2 ** 31 - 1]

export function numberType(
  type: string,
  { format, minimum, maximum, multipleOf }: SchemaParts,
  words: readonly string[],
): string {
  if (type === 'number') {
    const isDecimal = format === 'decimal' || (multipleOf !== undefined && multipleOf < 1) || hasWord(words, moneyWords)
    return isDecimal ? 'Decimal' : 'Float'
  }
  if (isIdName(words)) return 'ID'
  const isWide = (minimum ?? 0) < minInt || (maximum ?? 0) > maxInt || hasLastWord(words, timeWords)
  return format === 'int64' || format === 'uint64' || (isWide && format !== 'int32') ? 'BigInt' : 'Int'
}
