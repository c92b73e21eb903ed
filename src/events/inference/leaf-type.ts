import { enumValueName, singular, wordsOf } from '../draft/names.ts'
import type { NumberStats, TextStats } from './leaf-stats.ts'
import type { JsonKind, Shape } from './shape.ts'

/** The type of a place that holds neither objects nor lists. */
export interface LeafType {
  /** A scalar, or `enum`. */
  readonly type: string
  /** The texts of an enum, most frequent first. */
  readonly words?: readonly string[]
  readonly as?: 'EPOCH_SECONDS' | 'EPOCH_MILLIS'
  /** Why it is not more exact. */
  readonly note?: string
}

const maxEnumWords = 12
/** Each word must have come this often on average: a few samples prove no enum. */
const minRepeats = 5

const idWords = new Set(['id', 'uuid', 'guid', 'ulid'])
/** Texts of such members repeat and are no enum: there will be more of them. */
const openWords = new Set([
  ...idWords,
  ...'name user username login author owner actor email mail host hostname address ip tag label key title'.split(' '),
  ...'city country region locale language lang zone timezone tenant sku code version token path url uri by'.split(' '),
])
export const timeWords = new Set(
  'at on time timestamp ts date datetime created updated modified expires epoch when'.split(' '),
)
export const moneyWords = new Set(
  'price amount total subtotal cost fee tax vat balance discount sum net gross payment revenue salary'.split(' '),
)

/** Chooses by what was seen at the place, and by the member's name where that is ambiguous. */
export function leafTypeOf(member: string, shape: Shape): LeafType {
  const kinds = shape.kinds
  const words = wordsOf(member)
  if (kinds.length === 0) return { type: 'JSON', note: 'always null' }
  if (kinds.length === 2 && kinds.includes('text') && kinds.includes('number')) {
    if (isIdName(words) && shape.numbers.areIntegers) return { type: 'ID' }
    if (hasWord(words, moneyWords) && shape.text.areNumeric) return { type: 'Decimal' }
  }
  const [kind] = kinds
  if (kinds.length > 1) return { type: 'JSON', note: `mixed: ${mixed(shape, kinds)}` }
  if (kind === 'text') return textType(words, shape.text)
  if (kind === 'number') return numberType(words, shape.numbers)
  return { type: kind === 'boolean' ? 'Boolean' : 'JSON' }
}

function textType(words: readonly string[], text: TextStats): LeafType {
  if (text.areUuids) return { type: 'UUID' }
  if (text.areDateTimes) return { type: 'DateTime' }
  if (text.areDates) return { type: 'Date' }
  if (isIdName(words)) return { type: 'ID' }
  if (text.areNumeric && hasWord(words, moneyWords)) return { type: 'Decimal' }
  const found = hasLastWord(words, openWords) ? undefined : enumWords(text)
  return found ? { type: 'enum', words: found } : { type: 'String' }
}

/** The words if they are few, repeat, and have distinct names. */
function enumWords({ count, distinct, isOpen, areUpperWords, areLowerWords }: TextStats): string[] | undefined {
  if (isOpen || (!areUpperWords && !areLowerWords)) return undefined
  if (distinct.size < 2 || distinct.size > maxEnumWords || count < minRepeats * distinct.size) return undefined
  const words = [...distinct].sort(([, a], [, b]) => b - a).map(([word]) => word)
  return new Set(words.map(enumValueName)).size === words.length ? words : undefined
}

/** Milliseconds of 1990 and of 2100. */
const [earliest, latest] = [631_152_000_000, 4_102_444_800_000]

function numberType(words: readonly string[], numbers: NumberStats): LeafType {
  if (numbers.areIntegers) {
    if (isIdName(words)) return { type: 'ID' }
    if (hasLastWord(words, timeWords)) {
      if (numbers.min >= earliest && numbers.max <= latest) return { type: 'DateTime', as: 'EPOCH_MILLIS' }
      if (numbers.min >= earliest / 1000 && numbers.max <= latest / 1000)
        return { type: 'DateTime', as: 'EPOCH_SECONDS' }
    }
    return { type: numbers.areInt32 ? 'Int' : 'BigInt' }
  }
  const isDecimal = !numbers.areDoubles || numbers.areDecimals || hasWord(words, moneyWords)
  return { type: isDecimal ? 'Decimal' : 'Float' }
}

export function isIdName(words: readonly string[]): boolean {
  return hasLastWord(words, idWords)
}

export function hasLastWord(words: readonly string[], set: ReadonlySet<string>): boolean {
  const last = words.at(-1)
  return last !== undefined && (set.has(last) || set.has(singular(last)) || (last === 'ids' && set.has('id')))
}

export function hasWord(words: readonly string[], set: ReadonlySet<string>): boolean {
  return words.some((word) => set.has(word))
}

function mixed(shape: Shape, kinds: readonly JsonKind[]): string {
  const counts: Record<JsonKind, number> = {
    text: shape.text.count,
    number: shape.numbers.count,
    boolean: shape.booleans,
    object: shape.objects,
    array: shape.arrays,
  }
  return kinds.map((kind) => `${kind} ${counts[kind]}`).join(', ')
}
