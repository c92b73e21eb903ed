import { type GraphQLLeafType, isEnumType } from 'graphql'
import { checkDepth, UndecodableBody } from '../../core/body/decode-body.ts'
import { parseJson } from '../../core/json/parse-json.ts'
import { integerDigits } from '../matching/equality.ts'
import type { EnumMapping, EventSchema, FieldMapping } from '../model/event-schema.ts'
import { JsonScalar } from '../model/typed-value.ts'
import { isFullDate, isRfc3339 } from '../scalars/dates.ts'
import { isUuid } from '../scalars/uuid.ts'
import { dateTimeOfEpoch } from './epoch-time.ts'
import { type AnyNumber, doubleOf, int32Of, isNumber, numberOfText, tokenOf, wholeDigits } from './numbers.ts'

/** The value is of a kind that the type does not take. */
export const wrong = Symbol('wrong')
/** The value is of the right kind, but the type does not name it: an enum value, an event type. */
export const unnamed = Symbol('unnamed')

/** What a leaf is read to. */
export type LeafValue = string | number | boolean | JsonScalar | typeof wrong | typeof unnamed

/** Reads values of one leaf type. They are never null. */
export interface LeafReader {
  /** What the type takes, for errors. */
  readonly expected: string
  /** A JSON value of the body. */
  readonly ofJson: (value: unknown) => LeafValue
  /** The text of a header, word or property. */
  readonly ofText: (text: string) => LeafValue
}

/** Rules 4 and 6 of docs/guides/typed-events.md: by kind, without conversion. */
export function leafReader(schema: EventSchema, type: GraphQLLeafType, as: FieldMapping['as']): LeafReader {
  if (isEnumType(type)) {
    return enumReader(type.name, schema.enums.get(type.name) ?? namesOnly(type.getValues().map((value) => value.name)))
  }
  if (as !== undefined) return epochReader(as)
  return scalarReaders.get(type.name) ?? { ...anyJson, ofText: (text) => new JsonScalar(text) }
}

function enumReader(name: string, { byText, unknown }: EnumMapping): LeafReader {
  const ofText = (text: string) => byText.get(text) ?? unknown ?? unnamed
  return {
    expected: `a value of the enum ${name}`,
    ofText,
    ofJson(value) {
      const text = typeof value === 'string' ? value : integerDigits(value)
      return text === undefined ? wrong : ofText(text)
    },
  }
}

/** The mapping of an enum of Warren itself. */
function namesOnly(names: readonly string[]): EnumMapping {
  const same = new Map(names.map((name) => [name, name]))
  return { byText: same, textOf: same, unknown: undefined }
}

function epochReader(form: 'EPOCH_SECONDS' | 'EPOCH_MILLIS'): LeafReader {
  const ofJson = (value: unknown) => (isNumber(value) ? dateTimeOfEpoch(value, form) : undefined) ?? wrong
  return {
    expected: `a number of ${form === 'EPOCH_SECONDS' ? 'seconds' : 'milliseconds'} since 1970, of the years 1 to 9999`,
    ofJson,
    ofText: (text) => ofJson(numberOfText(text)),
  }
}

/** Text that passes as it was sent, if it has the form of the type. */
function textReader(expected: string, hasForm: (text: string) => boolean): LeafReader {
  const ofText = (text: string) => (hasForm(text) ? text : wrong)
  return { expected, ofText, ofJson: (value) => (typeof value === 'string' ? ofText(value) : wrong) }
}

/** Undefined: the type does not take this number. */
type Convert = (number: AnyNumber) => LeafValue | undefined

function numberReader(expected: string, convert: Convert): LeafReader {
  return {
    expected,
    ofJson: (value) => (isNumber(value) ? (convert(value) ?? wrong) : wrong),
    ofText: (text) => numberText(text, convert),
  }
}

/**
 * Decimal and BigInt are strings in GraphQL, so their input coercion takes strings as well as
 * numbers.
 */
function digitsReader(expected: string, convert: Convert): LeafReader {
  const { ofJson, ofText } = numberReader(expected, convert)
  return { expected, ofText, ofJson: (value) => (typeof value === 'string' ? ofText(value) : ofJson(value)) }
}

function numberText(text: string, convert: Convert): LeafValue {
  const number = numberOfText(text)
  return (number === undefined ? undefined : convert(number)) ?? wrong
}

const anyJson = { expected: 'a JSON value', ofJson: (value: unknown) => new JsonScalar(value) }

function jsonOfText(text: string): LeafValue {
  try {
    checkDepth(Buffer.from(text))
    return new JsonScalar(parseJson(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UndecodableBody) return wrong
    throw error
  }
}

const anyText = () => true

const scalarReaders: ReadonlyMap<string, LeafReader> = new Map<string, LeafReader>([
  [
    'ID',
    {
      expected: 'a string or an integer (ID)',
      ofText: (text) => text,
      ofJson: (value) => (typeof value === 'string' ? value : (integerDigits(value) ?? wrong)),
    },
  ],
  ['String', textReader('a string', anyText)],
  ['Cursor', textReader('a string (Cursor)', anyText)],
  [
    'Boolean',
    {
      expected: 'true or false',
      ofText: (text) => (text === 'true' ? true : text === 'false' ? false : wrong),
      ofJson: (value) => (typeof value === 'boolean' ? value : wrong),
    },
  ],
  ['Int', numberReader('a whole number in 32 bits (Int)', int32Of)],
  ['Float', numberReader('a number that a double holds (Float)', doubleOf)],
  ['BigInt', digitsReader('a whole number, or a string of one (BigInt)', wholeDigits)],
  ['Decimal', digitsReader('a number, or a string of one (Decimal)', tokenOf)],
  ['UUID', textReader('a UUID', isUuid)],
  ['DateTime', textReader('a date and time of RFC 3339', isRfc3339)],
  ['Date', textReader('a date such as 2026-11-28', isFullDate)],
  ['JSON', { ...anyJson, ofText: jsonOfText }],
])
