import { describe, expect, test } from '@jest/globals'
import { setWireType } from '../../../src/core/body/amqp-field-types.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import type { FieldMapping } from '../../../src/events/model/event-schema.ts'
import type { EventInput } from '../../../src/events/model/typed-value.ts'
import { JsonScalar, TypedObject } from '../../../src/events/model/typed-value.ts'
import { compileValidator } from '../../../src/events/values/compiled-validator.ts'
import { bindingOf, builtSchema, eventFieldOf, eventInput } from '../schema-builder.ts'

const types = 'enum Status { CREATED PAID OTHER } enum Strict { CREATED PAID } scalar Money'
const enums = {
  Status: { texts: { created: 'CREATED', '2': 'PAID' }, unknown: 'OTHER' },
  Strict: { texts: { created: 'CREATED', '2': 'PAID' } },
}

/** The JSON of one value of this type, or `invalid`, or `null`. */
function read(type: string, input: EventInput, from: 'body' | 'header', as?: FieldMapping['as']): string {
  const schema = builtSchema(`${types} type Subscription { event: T! } type T { value: ${type} }`, {
    enums,
    from: from === 'header' ? { 'T.value': { header: 'h' } } : {},
    as: { 'T.value': as },
  })
  const field = eventFieldOf(schema, 'event')
  const verdict = compileValidator(schema, field)(input, bindingOf(field))
  if (verdict.kind !== 'valid') return verdict.kind
  const value = verdict.value instanceof TypedObject ? verdict.value.fields['value'] : undefined
  return printJson(value instanceof JsonScalar ? value.value : value) ?? 'undefined'
}

function ofBody(type: string, json: string, as?: FieldMapping['as']): string {
  return read(type, eventInput({ json: parseJson(`{"value":${json}}`) }), 'body', as)
}

function ofHeader(type: string, value: unknown, as?: FieldMapping['as']): string {
  return read(type, eventInput({ properties: { headers: { h: value } } }), 'header', as)
}

describe('a value of the body', () => {
  test.each([
    ['ID', '"a"', '"a"'],
    ['ID', '7', '"7"'],
    ['ID', '9007199254740993', '"9007199254740993"'],
    ['ID', '7.0', 'invalid'],
    ['ID', 'true', 'invalid'],
    ['ID', '{}', 'invalid'],
    ['String', '"7"', '"7"'],
    ['String', '7', 'invalid'],
    ['Int', '7', '7'],
    ['Int', '7.0', '7'],
    ['Int', '70e-1', '7'],
    ['Int', '2147483647', '2147483647'],
    ['Int', '2147483648', 'invalid'],
    ['Int', '-2147483648', '-2147483648'],
    ['Int', '7.5', 'invalid'],
    ['Int', '"7"', 'invalid'],
    ['Int', 'true', 'invalid'],
    ['Float', '7', '7'],
    ['Float', '0.12345678901234567890123', '0.12345678901234568'],
    ['Float', '1.50', '1.5'],
    ['Float', '9007199254740992', '9007199254740992'],
    ['Float', '9007199254740993', 'invalid'],
    ['Float', '1e400', 'invalid'],
    ['Float', '1e-400', '0'],
    ['Float', '"7"', 'invalid'],
    ['Boolean', 'true', 'true'],
    ['Boolean', '"true"', 'invalid'],
    ['Boolean', '1', 'invalid'],
    ['BigInt', '123456789012345678901', '"123456789012345678901"'],
    ['BigInt', '"123456789012345678901"', '"123456789012345678901"'],
    ['BigInt', '7.0', '"7"'],
    ['BigInt', '-1.5e1', '"-15"'],
    ['BigInt', '7.5', 'invalid'],
    ['BigInt', '1e9999', 'invalid'],
    ['Decimal', '1.50', '"1.50"'],
    ['Decimal', '"1.50"', '"1.50"'],
    ['Decimal', '123456789012345678901.25', '"123456789012345678901.25"'],
    ['Decimal', '"1,50"', 'invalid'],
    ['Decimal', '"07"', 'invalid'],
    ['UUID', '"123E4567-e89b-12d3-a456-426614174000"', '"123E4567-e89b-12d3-a456-426614174000"'],
    ['UUID', '"123e4567"', 'invalid'],
    ['Date', '"2024-02-29"', '"2024-02-29"'],
    ['Date', '"2026-02-29"', 'invalid'],
    ['DateTime', '"2026-11-28t17:00:00.123456789+05:30"', '"2026-11-28t17:00:00.123456789+05:30"'],
    ['DateTime', '"2026-11-28 17:00:00Z"', 'invalid'],
    ['DateTime', '"2026-11-28T17:00:00"', 'invalid'],
    ['DateTime', '"2026-11-28T24:00:00Z"', 'invalid'],
    ['DateTime', '"2016-12-31T23:59:60Z"', '"2016-12-31T23:59:60Z"'],
    ['DateTime', '"2016-12-31T18:59:60-05:00"', '"2016-12-31T18:59:60-05:00"'],
    ['DateTime', '"2016-12-31T12:00:60Z"', 'invalid'],
    ['DateTime', '1700000000', 'invalid'],
    ['Cursor', '"c"', '"c"'],
    ['JSON', '{"a":[1.0,1e400]}', '{"a":[1.0,1e400]}'],
    ['Money', '{"amount":1.10}', '{"amount":1.10}'],
    ['Status', '"created"', '"CREATED"'],
    ['Status', '2', '"PAID"'],
    ['Status', '"2"', '"PAID"'],
    ['Status', '"CREATED"', '"OTHER"'],
    ['Status', '2.0', 'invalid'],
    ['Status', 'true', 'invalid'],
    ['Strict', '"shipped"', 'null'],
    ['Strict!', '"shipped"', 'invalid'],
    ['Strict', '{}', 'invalid'],
  ])('of the type %s: %s is read as %s', (type, json, expected) => {
    expect(ofBody(type, json)).toBe(expected)
  })

  test.each([
    ['String', '[]', 'invalid'],
    ['[String]', '"a"', 'invalid'],
    ['[String]', '["a",null]', '["a",null]'],
    ['[String!]', '["a",null]', 'invalid'],
    ['[[Int!]]', '[[1],null]', '[[1],null]'],
    ['[Strict]', '["created","x"]', '["CREATED",null]'],
    ['[Strict!]', '["created","x"]', 'invalid'],
    ['Int', 'null', 'null'],
    ['Int!', 'null', 'invalid'],
    ['JSON', 'null', 'null'],
    ['JSON!', 'null', 'invalid'],
  ])('of the type %s: nothing is wrapped, and null is only where it may be (%s)', (type, json, expected) => {
    expect(ofBody(type, json)).toBe(expected)
  })

  test.each([
    ['EPOCH_SECONDS', '1700000000', '"2023-11-14T22:13:20.000Z"'],
    ['EPOCH_SECONDS', '1700000000.5', '"2023-11-14T22:13:20.500Z"'],
    ['EPOCH_MILLIS', '1700000000123', '"2023-11-14T22:13:20.123Z"'],
    ['EPOCH_SECONDS', '1700000000123', 'invalid'],
    ['EPOCH_SECONDS', '"1700000000"', 'invalid'],
  ] as const)('as %s: %s is read as %s', (as, json, expected) => {
    expect(ofBody('DateTime', json, as)).toBe(expected)
  })
})

describe('the text of a header', () => {
  test.each([
    ['Int', '7', '7'],
    ['Int', '7.0', '7'],
    ['Int', '07', 'invalid'],
    ['Int', ' 7', 'invalid'],
    ['Int', '', 'invalid'],
    ['Int', 7, '7'],
    ['ID', '07', '"07"'],
    ['ID', 9007199254740993n, '"9007199254740993"'],
    ['String', '', '""'],
    ['String', true, '"true"'],
    ['Boolean', true, 'true'],
    ['Boolean', 'True', 'invalid'],
    ['Decimal', '1.50', '"1.50"'],
    ['Decimal', { '!': 'decimal', value: { places: 2, digits: 150 } }, '"1.50"'],
    ['DateTime', { '!': 'timestamp', value: 1_700_000_000 }, '"2023-11-14T22:13:20.000Z"'],
    ['Status', '2', '"PAID"'],
    ['Strict', 'x', 'null'],
    ['JSON', '{"a":1.0}', '{"a":1.0}'],
    ['JSON', '{', 'invalid'],
    ['Money', '12 EUR', '"12 EUR"'],
    ['String', null, 'null'],
    ['String', ['a'], 'null'],
    ['String', { a: 1 }, 'null'],
    ['String', Buffer.from('abc'), '"YWJj"'],
  ])('of the type %s: %p is read as %s', (type, value, expected) => {
    expect(ofHeader(type, value)).toBe(expected)
  })

  test.each([
    ['ID', '"7.0"'],
    ['String', '"7.0"'],
    ['Int', '7'],
    ['Float', '7'],
    ['Decimal', '"7.0"'],
  ])('that was sent as a double keeps its point, as an argument compares it: %s', (type, expected) => {
    const headers = { h: 7 }
    setWireType(headers, 'h', 'double')
    expect(read(type, eventInput({ properties: { headers } }), 'header')).toBe(expected)
  })

  test('is a number with EPOCH_SECONDS', () => {
    expect(ofHeader('DateTime', '1700000000', 'EPOCH_SECONDS')).toBe('"2023-11-14T22:13:20.000Z"')
  })
})
