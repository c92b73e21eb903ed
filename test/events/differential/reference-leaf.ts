import type { GraphQLLeafType } from 'graphql'
import { isEnumType } from 'graphql'
import type { EnumMapping, EventSchema, FieldMapping } from '../../../src/events/model/event-schema.ts'
import { Digits, type JsonTree, readTree } from './json-tree.ts'

/** The value is of a kind that the type does not take. */
export const notOfType = Symbol('not of the type')
/** An enum value that the SDL does not name. */
export const unknownValue = Symbol('an unknown enum value')

/** Printed JSON of the GraphQL value. */
type Outcome = string | typeof notOfType | typeof unknownValue

const numberText = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/
const integerText = /^-?(0|[1-9][0-9]*)$/

/** Reads a leaf from a value of the body. */
export function leafOfTree(
  schema: EventSchema,
  type: GraphQLLeafType,
  as: FieldMapping['as'],
  tree: JsonTree,
): Outcome {
  if (isEnumType(type)) {
    const mapping = schema.enums.get(type.name)
    if (!mapping) throw new Error(`no enum ${type.name}`)
    if (typeof tree === 'string') return enumValue(mapping, tree)
    return tree instanceof Digits && integerText.test(tree.token) ? enumValue(mapping, tree.token) : notOfType
  }
  if (as) return tree instanceof Digits ? epoch(as, tree.token) : notOfType
  switch (type.name) {
    case 'ID':
      if (typeof tree === 'string') return JSON.stringify(tree)
      return tree instanceof Digits && integerText.test(tree.token) ? `"${tree.token}"` : notOfType
    case 'String':
    case 'Cursor':
    case 'UUID':
    case 'Date':
    case 'DateTime':
      return typeof tree === 'string' ? text(type.name, tree) : notOfType
    case 'Boolean':
      return typeof tree === 'boolean' ? String(tree) : notOfType
    case 'Int':
    case 'Float':
      return tree instanceof Digits ? number(type.name, tree.token) : notOfType
    case 'BigInt':
    case 'Decimal':
      if (typeof tree === 'string') return numberText.test(tree) ? number(type.name, tree) : notOfType
      return tree instanceof Digits ? number(type.name, tree.token) : notOfType
    default:
      // JSON, and scalars of the team. The caller prints them.
      throw new Error(`${type.name} is any JSON`)
  }
}

/** Reads a leaf from text that is not in the body. */
export function leafOfText(schema: EventSchema, type: GraphQLLeafType, as: FieldMapping['as'], given: string): Outcome {
  if (isEnumType(type)) return enumValue(schema.enums.get(type.name) as EnumMapping, given)
  if (as) return numberText.test(given) ? epoch(as, given) : notOfType
  switch (type.name) {
    case 'Boolean':
      return given === 'true' || given === 'false' ? given : notOfType
    case 'Int':
    case 'Float':
    case 'BigInt':
    case 'Decimal':
      return numberText.test(given) ? number(type.name, given) : notOfType
    default:
      return text(type.name, given)
  }
}

/** The JSON that text holds, for the scalar JSON. */
export function treeOfText(given: string): JsonTree | typeof notOfType {
  try {
    JSON.parse(given)
  } catch {
    return notOfType
  }
  return readTree(given)
}

function enumValue({ byText, unknown }: EnumMapping, given: string): Outcome {
  const name = byText.get(given) ?? unknown
  return name === undefined ? unknownValue : JSON.stringify(name)
}

function text(type: string, given: string): Outcome {
  const good =
    type === 'UUID'
      ? /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(given)
      : type === 'Date'
        ? isDay(given)
        : type === 'DateTime'
          ? isMoment(given)
          : true
  return good ? JSON.stringify(given) : notOfType
}

function isDay(given: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(given)) return false
  // JavaScript moves a day that the month does not have into the next month.
  const date = new Date(`${given}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === given
}

function isMoment(given: string): boolean {
  const found = /^(.{10})T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[-+]\d\d:\d\d)$/.exec(given.toUpperCase())
  if (!found || !isDay(found[1] ?? '')) return false
  const [hour, minute, second] = [Number(found[2]), Number(found[3]), Number(found[4])]
  const zone = found[6] ?? ''
  if (zone !== 'Z' && (Number(zone.slice(1, 3)) > 23 || Number(zone.slice(4)) > 59)) return false
  if (hour > 23 || minute > 59 || second > 60) return false
  if (second < 60) return true
  const utc = new Date(`2024-07-02T${found[2]}:${found[3]}:59${zone}`)
  return utc.getUTCHours() === 23 && utc.getUTCMinutes() === 59
}

function epoch(as: 'EPOCH_SECONDS' | 'EPOCH_MILLIS', token: string): Outcome {
  const date = new Date(Math.round(Number(token) * (as === 'EPOCH_SECONDS' ? 1000 : 1)))
  const year = Number.isNaN(date.getTime()) ? 0 : date.getUTCFullYear()
  return year >= 1 && year <= 9999 ? JSON.stringify(date) : notOfType
}

function number(type: 'Int' | 'Float' | 'BigInt' | 'Decimal', token: string): Outcome {
  if (type === 'Decimal') return JSON.stringify(token)
  if (type === 'Float') {
    const nearest = Number(token)
    if (!Number.isFinite(nearest)) return notOfType
    if (integerText.test(token) && BigInt(token) !== BigInt(nearest)) return notOfType
    return JSON.stringify(nearest)
  }
  if (type === 'BigInt' && integerText.test(token)) return JSON.stringify(token)
  const whole = wholeValue(token)
  if (whole === undefined) return notOfType
  if (type === 'BigInt') return JSON.stringify(String(whole))
  return whole >= -(2n ** 31n) && whole < 2n ** 31n ? String(whole) : notOfType
}

/** The value of a whole number; undefined for others. Tests use small exponents only. */
function wholeValue(token: string): bigint | undefined {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [digits = '', fraction = ''] = mantissa.split('.')
  const scale = Number(exponent) - fraction.length
  if (Math.abs(scale) > 350) return undefined
  const all = BigInt(digits.replace('-', '') + fraction) * (digits.startsWith('-') ? -1n : 1n)
  if (scale >= 0) return all * 10n ** BigInt(scale)
  const divisor = 10n ** BigInt(-scale)
  return all % divisor === 0n ? all / divisor : undefined
}
