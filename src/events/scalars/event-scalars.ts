import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { JsonNumber } from '../../core/json/json-number.ts'
import { shownValue } from '../../core/json/shown-value.ts'
import { isFullDate, isRfc3339 } from './dates.ts'
import { isUuid } from './uuid.ts'

/**
 * Scalars of typed events that Warren's own schema lacks. Their values are strings that pass as
 * sent. Each rejects with `BAD_USER_INPUT`, because clients send them in arguments.
 */
interface TextScalar {
  readonly name: string
  readonly description: string
  /** Completes "expected …". */
  readonly expected: string
  /** The text of a value in a document or in JSON; undefined if it is invalid. */
  readonly textOf: (value: unknown) => string | undefined
}

const badUserInput = { extensions: { code: 'BAD_USER_INPUT' } }
/** RFC 8259 §6. */
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const integer = /^-?(?:0|[1-9]\d*)$/

const decimal: TextScalar = {
  name: 'Decimal',
  description: 'A decimal number of any length, as a string with every digit.',
  expected: 'a number, or a string that contains one',
  textOf: (value) => matching(number, digitsOf(value)),
}

const bigInt: TextScalar = {
  name: 'BigInt',
  description: 'A whole number of any length, as a string with every digit.',
  expected: 'a whole number, or a string that contains one',
  textOf: (value) => matching(integer, digitsOf(value)),
}

const uuidText: TextScalar = {
  name: 'UUID',
  description: 'A UUID (RFC 9562), such as 5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10.',
  expected: 'a UUID such as "5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10"',
  textOf: (value) => (typeof value === 'string' && isUuid(value) ? value : undefined),
}

const date: TextScalar = {
  name: 'Date',
  description: 'A date (RFC 3339), such as 2026-11-28.',
  expected: 'a date such as "2026-11-28"',
  textOf: (value) => (typeof value === 'string' && isFullDate(value) ? value : undefined),
}

const dateTime: TextScalar = {
  name: 'DateTime',
  description: 'A date and time (RFC 3339), such as 2026-11-28T10:15:30Z.',
  expected: 'a date and time such as "2026-11-28T10:15:30Z"',
  textOf: (value) => (typeof value === 'string' && isRfc3339(value) ? value : undefined),
}

/** Made once for each schema, because a schema owns its types. */
export function newEventScalars(): GraphQLScalarType[] {
  return [decimal, bigInt, uuidText, date].map((scalar) => new GraphQLScalarType(configOf(scalar)))
}

/**
 * Lets a `DateTime` of Warren's own schema take and return text as it was sent. A `Date`, which the
 * resolvers of that schema return, is printed as before. Changes the type in place.
 */
export function keepDateTimesAsSent(type: GraphQLScalarType): void {
  const { parseValue, parseLiteral } = configOf(dateTime)
  const serializeDate = type.serialize
  type.parseValue = parseValue
  type.parseLiteral = parseLiteral
  type.serialize = (value) => (typeof value === 'string' && isRfc3339(value) ? value : serializeDate(value))
}

function configOf({ name, description, expected, textOf }: TextScalar) {
  const parse = (value: unknown): string => {
    const text = textOf(value)
    if (text === undefined)
      throw new GraphQLError(`${name}: expected ${expected}, got ${shownValue(value)}`, badUserInput)
    return text
  }
  return {
    name,
    description,
    serialize: parse,
    parseValue: parse,
    parseLiteral: (node: ValueNode) => parse(valueOf(node)),
  }
}

/** Numbers in documents have the same grammar as in JSON. */
function valueOf(node: ValueNode): unknown {
  if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return new JsonNumber(node.value)
  return node.kind === Kind.STRING || node.kind === Kind.BOOLEAN ? node.value : undefined
}

function digitsOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof JsonNumber) return value.token
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

function matching(pattern: RegExp, text: string | undefined): string | undefined {
  return text !== undefined && pattern.test(text) ? text : undefined
}
