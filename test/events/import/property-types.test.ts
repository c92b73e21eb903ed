import { describe, expect, test } from '@jest/globals'
import { draftOf, uncheckedDraftOf } from './importing.ts'

const $defs = {
  Part: { $anchor: 'part', type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
  Other: { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] },
  State: { description: 'Where it is.', type: 'string', enum: ['new', 'done'] },
  Text: { type: 'string', description: 'A text.' },
  MaybeText: { type: ['string', 'null'] },
  Missing: { $ref: 'other.json#/$defs/Missing' },
  Alias: { $ref: '#/$defs/Part' },
  'Order Line': { type: 'object', properties: { sku: { type: 'string' } } },
  'a/b~c': { type: 'integer' },
  'a%b': { type: 'integer' },
}

function thing(properties: Readonly<Record<string, unknown>>, required: readonly string[]): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://example.com/schemas/thing.json',
    title: 'Thing',
    type: 'object',
    properties,
    required,
    $defs: {
      ...$defs,
      city: { $id: 'city.json', type: 'object', properties: { zip: { $anchor: 'zip', type: 'boolean' } } },
    },
  }
}

/** The field for a required member `it` (or of another name) of an object with this schema. */
function fieldOf(schema: unknown, name = 'it', required = true): string | undefined {
  const sdl = uncheckedDraftOf(thing({ [name]: schema }, required ? [name] : []))
  const [, fields = ''] = /^type Thing \{\n((?:.*\n)*?)\}\n/m.exec(sdl) ?? []
  return fields
    .split('\n')
    .findLast((line) => line !== '')
    ?.trim()
}

type Row = [what: string, schema: unknown, field: string]

/** Each row is a test; the gateway accepts a draft with all of them. */
function table(rows: readonly Row[]): void {
  test.each(rows)('%s', (_what, schema, field) => {
    expect(fieldOf(schema)).toBe(field)
  })

  test('the gateway accepts all of them', () => {
    const members = rows.map(([, schema], index) => [`it${index}`, schema] as const)
    const sdl = draftOf(thing(Object.fromEntries(members), ['it1']))
    expect(sdl.match(/^ {2}it\d+: /gm)).toHaveLength(rows.length)
  })
}

describe('null', () => {
  table([
    ['is not allowed by a type', { type: 'string' }, 'it: String!'],
    ['is a type of its own', { type: ['string', 'null'] }, 'it: String'],
    ['is a value of an enum', { type: 'string', enum: ['a', 'b', null] }, 'it: ThingIt'],
    ['is a value of an enum without type', { enum: ['a', 'b', null] }, 'it: ThingIt'],
    ['is the only value', { const: null }, 'it: JSON'],
    ['is the only type', { type: 'null' }, 'it: JSON'],
    ['is allowed where nothing is required', {}, 'it: JSON'],
    ['is allowed by true', true, 'it: JSON'],
    ['is not allowed in a mixture of types', { type: ['string', 'object'] }, 'it: JSON! # mixed: string, object'],
    ['is allowed in a mixture', { type: ['string', 'object', 'null'] }, 'it: JSON # mixed: string, object'],
    ['may be allowed by a schema elsewhere', { $ref: 'a.json' }, leadsOut('a.json')],
    ['is allowed by nullable', { type: 'string', nullable: true }, 'it: String'],
    ['is not allowed by nullable: false', { type: 'string', nullable: false }, 'it: String!'],
    ['is allowed beside a reference', { $ref: '#/$defs/Text', nullable: true }, 'it: String'],
    ['is allowed beside allOf', { allOf: [{ $ref: '#/$defs/Part' }], nullable: true }, 'it: Part'],
    ['is allowed by the only part', { allOf: [{ type: ['string', 'null'] }] }, 'it: String'],
    ['is allowed by all parts', { allOf: [{ $ref: '#/$defs/MaybeText' }, { type: ['string', 'null'] }] }, 'it: String'],
    ['is refused by one part', { allOf: [{ type: ['string', 'null'] }, { type: 'string' }] }, 'it: String!'],
    ['is refused by the schema itself', { type: 'string', allOf: [{ $ref: '#/$defs/MaybeText' }] }, 'it: String!'],
    ['is not decided by annotations', { allOf: [{ $ref: '#/$defs/MaybeText' }, { minLength: 1 }] }, 'it: String'],
    ['is one alternative', { oneOf: [{ type: 'null' }, { $ref: '#/$defs/Part' }] }, 'it: Part'],
    ['is one alternative as list of types', { anyOf: [{ type: ['null'] }, { $ref: '#/$defs/Part' }] }, 'it: Part'],
    ['is one alternative as constant', { anyOf: [{ const: null }, { $ref: '#/$defs/Part' }] }, 'it: Part'],
    ['is one alternative as enum', { anyOf: [{ enum: [null] }, { $ref: '#/$defs/Part' }] }, 'it: Part'],
    ['is allowed by the only alternative', { oneOf: [{ $ref: '#/$defs/MaybeText' }] }, 'it: String'],
    ['is allowed by one of two', { oneOf: [{ type: 'boolean' }, { type: ['boolean', 'null'] }] }, 'it: Boolean'],
    ['is allowed by none of two', { oneOf: [{ type: 'boolean' }, { type: 'boolean', const: true }] }, 'it: Boolean!'],
    ['is allowed by the alternative of anything', { anyOf: [{ type: 'string' }, {}] }, 'it: JSON'],
    ['is an element', { type: 'array', items: { type: ['integer', 'null'] } }, 'it: [Int]!'],
    ['is no element', { type: 'array', items: { type: 'integer' } }, 'it: [Int!]!'],
    ['may be an element of any list', { type: 'array', items: {} }, 'it: [JSON]!'],
    ['may be an element of a list without schema', { type: 'array' }, 'it: [JSON]!'],
    ['may be an element of a list of true', { type: 'array', items: true }, 'it: [JSON]!'],
    [
      'may be an element of lists elsewhere',
      { type: 'array', items: { $ref: 'a.json' } },
      leadsOut('a.json', '[JSON]!'),
    ],
  ])

  test('is in a member that is not required', () => {
    expect(fieldOf({ type: 'string' }, 'it', false)).toBe('it: String')
  })
})

function leadsOut(reference: string, type = 'JSON'): string {
  return `it: ${type} # the reference "${reference}" leads out of the document`
}

describe('numbers', () => {
  const big = 2 ** 31
  table([
    ['an integer', { type: 'integer' }, 'it: Int!'],
    ['the bounds of 32 bits', { type: 'integer', minimum: -big, maximum: big - 1 }, 'it: Int!'],
    ['below 32 bits', { type: 'integer', minimum: -big - 1 }, 'it: BigInt!'],
    ['above 32 bits', { type: 'integer', maximum: big }, 'it: BigInt!'],
    ['an exclusive bound below', { type: 'integer', exclusiveMinimum: -(2 ** 40) }, 'it: BigInt!'],
    ['an exclusive bound above', { type: 'integer', exclusiveMaximum: 2 ** 40 }, 'it: BigInt!'],
    ['an inclusive bound before an exclusive one', { type: 'integer', minimum: 0, exclusiveMinimum: true }, 'it: Int!'],
    ['a bound that is no number', { type: 'integer', maximum: 'many' }, 'it: Int!'],
    ['a constant above 32 bits', { type: 'integer', const: big }, 'it: BigInt!'],
    ['32 bits by format, whatever the bound', { type: 'integer', format: 'int32', maximum: 2 ** 40 }, 'it: Int!'],
    ['16 bits', { type: 'integer', format: 'uint16' }, 'it: Int!'],
    ['64 bits', { type: 'integer', format: 'int64' }, 'it: BigInt!'],
    ['32 bits without sign', { type: 'integer', format: 'uint32' }, 'it: BigInt!'],
    ['64 bits without sign', { type: 'integer', format: 'uint64' }, 'it: BigInt!'],
    ['64 bits without type', { format: 'int64' }, 'it: BigInt!'],
    ['a double without type', { format: 'double' }, 'it: Float!'],
    ['an unknown format', { type: 'integer', format: 'port' }, 'it: Int!'],
    ['a number', { type: 'number' }, 'it: Float!'],
    ['a bound without type', { minimum: 0 }, 'it: Float!'],
    ['an upper bound without type', { maximum: 0 }, 'it: Float!'],
    ['places without type', { multipleOf: 0.01 }, 'it: Decimal!'],
    ['places that are null', { type: 'number', multipleOf: null }, 'it: Float!'],
    ['a whole number of tens', { type: 'number', multipleOf: 10 }, 'it: Float!'],
    ['a whole number', { type: 'number', multipleOf: 1 }, 'it: Float!'],
    ['two places', { type: 'number', multipleOf: 0.01 }, 'it: Decimal!'],
    ['a decimal', { type: 'number', format: 'decimal' }, 'it: Decimal!'],
    ['a decimal in a text', { type: 'string', format: 'decimal' }, 'it: Decimal!'],
    ['an integer or a number', { type: ['integer', 'number'] }, 'it: Float!'],
    ['a number or an integer', { type: ['number', 'integer'] }, 'it: Float!'],
    ['a number or a text', { type: ['number', 'string'] }, 'it: JSON! # mixed: number, string'],
    ['a text or a number', { type: ['string', 'number'] }, 'it: JSON! # mixed: string, number'],
    ['a text or an integer', { type: ['string', 'integer'] }, 'it: JSON! # mixed: string, integer'],
    ['alternatives of 32 and 64 bits', alternatives({ format: 'int32' }, { format: 'int64' }), 'it: BigInt!'],
    ['alternatives of small and large ones', alternatives({ maximum: 9 }, { maximum: big }), 'it: BigInt!'],
    ['alternatives of low and large ones', alternatives({ minimum: -big - 1 }, { minimum: 0 }), 'it: BigInt!'],
    ['alternatives of small ones', alternatives({ maximum: 9 }, { minimum: 0 }), 'it: Int!'],
    ['alternatives with places', { type: 'number', anyOf: [{ multipleOf: 0.1 }, { multipleOf: 2 }] }, 'it: Decimal!'],
    ['the bound before those of alternatives', { maximum: big, ...alternatives({ maximum: 9 }, {}) }, 'it: BigInt!'],
    ['parts with bounds', { type: 'integer', allOf: [{ minimum: -big - 1 }, { maximum: 0 }] }, 'it: BigInt!'],
    ['a part with the upper bound', { type: 'integer', allOf: [{ maximum: big }, {}] }, 'it: BigInt!'],
    ['a part with places', { type: 'number', allOf: [{ multipleOf: 0.5 }, {}] }, 'it: Decimal!'],
    ['a part with the format', { type: 'integer', allOf: [{ format: 'int64' }, { format: 'int32' }] }, 'it: BigInt!'],
    ['one alternative with the bound', { type: 'integer', oneOf: [{ maximum: big }] }, 'it: BigInt!'],
  ])

  test.each<[name: string, type: string, field: string]>([
    ['total', 'number', 'total: Decimal!'],
    ['customerId', 'integer', 'customerId: ID!'],
    ['createdAt', 'integer', 'createdAt: BigInt!'],
    ['customerId', 'string', 'customerId: ID!'],
  ])('the name %s of the type %s decides', (name, type, field) => {
    expect(fieldOf({ type }, name)).toBe(field)
  })

  test('an id is a text or an integer, and nothing else', () => {
    expect(fieldOf({ type: ['string', 'integer'] }, 'orderId')).toBe('orderId: ID!')
    expect(fieldOf({ type: ['integer', 'string'] }, 'orderId')).toBe('orderId: ID!')
    expect(fieldOf({ type: ['integer', 'boolean'] }, 'orderId')).toBe('orderId: JSON! # mixed: integer, boolean')
    expect(fieldOf({ type: ['boolean', 'string'] }, 'orderId')).toBe('orderId: JSON! # mixed: boolean, string')
  })

  test('a number keeps its digits', () => {
    const draft = (schema: string) =>
      uncheckedDraftOf(`{ "$schema": "", "title": "T", "properties": { "it": ${schema} }, "required": ["it"] }`)
    expect(draft('{ "const": 12345678901234567890 }')).toContain('  it: BigInt!\n')
    expect(draft('{ "enum": [1.10, 2.50] }')).toContain('  it: Float!\n')
    expect(draft('{ "type": "number", "example": 12.50 }')).toContain('  it: Float! # such as 12.50\n')
    expect(draft('{ "type": "integer", "maximum": 9223372036854775807 }')).toContain('  it: BigInt!\n')
    expect(draft('{ "type": "object", "additionalProperties": 1.10 }')).toContain('  it: JSON!\n')
  })
})

function alternatives(...anyOf: object[]) {
  return { type: 'integer', anyOf }
}

describe('texts and values', () => {
  const words = (...values: unknown[]) => ({ type: 'string', enum: values })
  table([
    ['a date', { format: 'date' }, 'it: Date!'],
    ['a time', { type: 'string', format: 'date-time' }, 'it: DateTime!'],
    ['a UUID', { type: 'string', format: 'uuid' }, 'it: UUID!'],
    ['a format without a scalar', { type: 'string', format: 'email' }, 'it: String!'],
    ['alternatives of one format', { anyOf: [{ format: 'date' }, { format: 'date', minLength: 1 }] }, 'it: Date!'],
    ['alternatives of two formats', { anyOf: [{ format: 'date' }, { format: 'date-time' }] }, 'it: String!'],
    ['alternatives with and without format', { anyOf: [{ format: 'date' }, { type: 'string' }] }, 'it: String!'],
    [
      'the format before the alternatives',
      { format: 'date', anyOf: [{ minLength: 1 }, { pattern: 'a' }] },
      'it: Date!',
    ],
    ['a boolean', { type: 'boolean' }, 'it: Boolean!'],
    ['both booleans', { enum: [true, false] }, 'it: Boolean!'],
    ['one text', { const: 'a' }, 'it: String!'],
    ['the enum of one text', { enum: ['a'] }, 'it: String!'],
    ['an enum without values', { enum: [] }, 'it: JSON'],
    ['values of two kinds', { enum: ['a', true] }, 'it: JSON! # mixed: string, boolean'],
    ['a list as value', { const: [1] }, 'it: [JSON]!'],
    ['an object as value', { const: { a: 1 } }, 'it: JSON!'],
    ['texts that are names', words('a', 'b'), 'it: ThingIt!'],
    ['texts without letters', words('+', '-'), 'it: String!'],
    ['one text without letters', words('a', '_'), 'it: String!'],
    ['texts that are one name', words('a b', 'a-b'), 'it: String!'],
    ['a text that GraphQL cannot hold', words('a', 'b\ud800'), 'it: String!'],
    ['texts and what is no text', words('a', { b: 1 }), 'it: String!'],
    ['texts that YAML has as numbers', words(1, true), 'it: ThingIt!'],
    ['whole numbers', { type: 'integer', enum: [1, 2] }, 'it: ThingIt!'],
    ['numbers', { type: 'number', enum: [1, 2] }, 'it: Float!'],
    [
      'an enum among the types',
      { type: ['boolean', 'string'], enum: ['a', 'b'] },
      'it: JSON! # mixed: boolean, string',
    ],
    ['alternatives of constants', { oneOf: [{ const: 'a' }, { const: 'b' }] }, 'it: ThingIt!'],
    [
      'alternatives of constants and a text',
      { oneOf: [{ const: 'a' }, { const: 'b' }, { type: 'string' }] },
      'it: String!',
    ],
    [
      'the values before those of alternatives',
      { enum: ['a', 'b'], anyOf: [{ const: 'a' }, { const: 'c' }] },
      'it: ThingIt!',
    ],
    ['values in a part', { allOf: [{ type: 'string' }, { enum: ['a', 'b'] }] }, 'it: ThingIt!'],
    ['an enum that is referred to', { $ref: '#/$defs/State' }, 'it: State!'],
    ['an enum that is referred to as a part', { allOf: [{ $ref: '#/$defs/State' }] }, 'it: State!'],
  ])
})

const map = 'it: JSON! # a map: its member names are values'
const mixedList = 'it: [JSON!]! # mixed: string, object'

describe('lists, objects and maps', () => {
  const list = (items: unknown) => ({ type: 'array', items })
  table([
    ['a list without type', { items: { type: 'boolean' } }, 'it: [Boolean!]!'],
    ['a list of lists', list(list({ type: 'integer' })), 'it: [[Int!]!]!'],
    ['a list of ids by its name', list({ type: 'string' }), 'it: [String!]!'],
    ['a tuple of draft-07', { type: 'array', items: [{ type: 'string' }] }, 'it: [JSON]!'],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }] }, 'it: [JSON]!'],
    ['a tuple with more elements', { prefixItems: [{}], items: { type: 'string' } }, 'it: [JSON]!'],
    ['a tuple in a part', { ...list({ type: 'string' }), allOf: [{ prefixItems: [{}] }] }, 'it: [JSON]!'],
    ['a tuple in an alternative', { anyOf: [list({ type: 'string' }), { items: [{}] }] }, 'it: [JSON]!'],
    ['elements in a part', { type: 'array', allOf: [{ items: { type: 'string' } }] }, 'it: [String!]!'],
    ['one alternative with a condition', { ...list({ type: 'string' }), oneOf: [{ minItems: 1 }] }, 'it: [String!]!'],
    ['alternatives of lists', { anyOf: [list({ type: 'string' }), list({ type: 'string' })] }, 'it: [String!]!'],
    ['unlike lists', { anyOf: [list({ type: 'string' }), list({ type: 'object' })] }, mixedList],
    ['one list of anything', { anyOf: [list({ type: 'string' }), { type: 'array' }] }, 'it: [JSON]!'],
    ['a list or a text', { anyOf: [list({ type: 'string' }), { type: 'string' }] }, 'it: JSON! # mixed: array, string'],
    [
      'the elements before those of alternatives',
      { items: { type: 'string' }, anyOf: [list({}), list({})] },
      'it: [String!]!',
    ],
    ['an object without properties', { type: 'object' }, 'it: JSON!'],
    ['an object with names to come', { required: ['a'] }, 'it: JSON!'],
    ['a map', { type: 'object', additionalProperties: { type: 'string' } }, map],
    ['a map of anything', { additionalProperties: true }, map],
    ['a closed object without properties', { type: 'object', additionalProperties: false }, 'it: JSON!'],
    ['a map of draft 2019-09', { type: 'object', unevaluatedProperties: { type: 'string' } }, map],
    ['a map by patterns', { patternProperties: { '^a': {} } }, map],
    ['a map in a part', { allOf: [{ additionalProperties: true }] }, map],
    ['a map in the first of two parts', { allOf: [{ additionalProperties: true }, { minProperties: 1 }] }, map],
    ['a map as one alternative', { anyOf: [{ additionalProperties: true }, { type: 'object', required: ['a'] }] }, map],
    [
      'an object with alternatives',
      { additionalProperties: {}, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      map,
    ],
    ['objects without names as alternatives', { anyOf: [{ required: ['a'] }, { type: 'object' }] }, 'it: JSON!'],
    ['properties that GraphQL cannot hold', { properties: { '\ud800': {} } }, 'it: JSON!'],
    ['properties and a map', { properties: { a: {} }, additionalProperties: true }, 'it: ThingIt!'],
  ])
})

describe('alternatives allow what one of them allows', () => {
  table([
    ['the type of all', { anyOf: [{ type: 'string' }, { type: 'string', maxLength: 9 }] }, 'it: String!'],
    ['anything', { anyOf: [{ $ref: '#/$defs/Part' }, {}] }, 'it: JSON'],
    ['anything, by true', { anyOf: [{ $ref: '#/$defs/Part' }, true] }, 'it: JSON'],
    ['what the type allows beside a condition', { type: 'integer', anyOf: [{}, { minimum: 0 }] }, 'it: Int!'],
    [
      'no more than the type',
      { type: 'integer', anyOf: [{ type: ['integer', 'string'] }, { minimum: 0 }] },
      'it: Int!',
    ],
    ['one schema twice', { anyOf: [{ $ref: '#/$defs/Part' }, { $ref: '#/$defs/Part' }] }, 'it: Part!'],
    ['a schema with and without name', { anyOf: [{ $ref: '#/$defs/Part' }, { $ref: '#/$defs/Alias' }] }, 'it: Part!'],
    ['one schema', { description: 'x', anyOf: [{ $ref: '#/$defs/Part' }] }, 'it: Part!'],
    ['two schemas', { anyOf: [{ $ref: '#/$defs/Part' }, { $ref: '#/$defs/Other' }] }, 'it: ThingIt!'],
    ['a schema elsewhere', { anyOf: [{ type: 'string' }, { $ref: 'b.json' }] }, leadsOut('b.json')],
    ['implied types', { anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, 'it: ThingIt!'],
    [
      'implied and declared types',
      { anyOf: [{ items: {} }, { type: 'boolean' }] },
      'it: JSON! # mixed: array, boolean',
    ],
  ])
})

describe('references', () => {
  table([
    ['a definition', { $ref: '#/$defs/Part' }, 'it: Part!'],
    ['a definition that refers to another one', { $ref: '#/$defs/Alias' }, 'it: Part!'],
    ['the document', { $ref: '#' }, 'it: Thing!'],
    ['the document by its id', { $ref: 'https://example.com/schemas/thing.json' }, 'it: Thing!'],
    ['the document relative to itself', { $ref: 'thing.json#/$defs/Part' }, 'it: Part!'],
    ['an anchor', { $ref: '#part' }, 'it: Part!'],
    ['a schema with an id', { $ref: 'city.json' }, 'it: City!'],
    ['a schema with an id, in full', { $ref: 'https://example.com/schemas/city.json' }, 'it: City!'],
    ['a schema with an id, by its path', { $ref: '/schemas/city.json#' }, 'it: City!'],
    ['a part of a schema with an id', { $ref: 'city.json#/properties/zip' }, 'it: Boolean!'],
    ['an encoded name', { $ref: '#/$defs/Order%20Line' }, 'it: OrderLine!'],
    ['an escaped name', { $ref: '#/$defs/a~1b~0c' }, 'it: Int!'],
    ['a name that is badly encoded', { $ref: '#/$defs/a%b' }, 'it: Int!'],
    ['no definition', { $ref: '#/$defs/Nothing' }, leadsOut('#/$defs/Nothing')],
    ['no anchor', { $ref: '#nothing' }, leadsOut('#nothing')],
    ['no part of a schema with an id', { $ref: 'city.json#/nothing' }, leadsOut('city.json#/nothing')],
    ['another document', { $ref: 'https://example.org/a.json#/a' }, leadsOut('https://example.org/a.json#/a')],
    ['a definition that leads out', { $ref: '#/$defs/Missing' }, leadsOut('other.json#/$defs/Missing')],
    ['a part that leads out', { allOf: [{ $ref: '#/$defs/Part' }, { $ref: 'a.json' }] }, leadsOut('a.json')],
    ['a document with the name of nothing', { $ref: 'undefined' }, leadsOut('undefined')],
    ['an anchor with the name of nothing', { $ref: '#undefined' }, leadsOut('#undefined')],
    ['a reference that is no text', { $ref: 7, type: 'string' }, 'it: String!'],
    ['a reference that is empty', { $ref: ' ', type: 'string' }, 'it: String!'],
  ])
})

describe('what is beside a reference or in parts holds together', () => {
  table([
    ['an annotation changes nothing', { $ref: '#/$defs/Part', title: 'X' }, 'it: Part!'],
    ['a part with an annotation', { allOf: [{ $ref: '#/$defs/Part' }, { title: 'X' }] }, 'it: Part!'],
    ['a part twice', { allOf: [{ $ref: '#/$defs/Part' }, { $ref: '#/$defs/Alias' }] }, 'it: Part!'],
    ['properties are added', { $ref: '#/$defs/Part', properties: { b: { type: 'string' } } }, 'it: ThingIt!'],
    ['a property becomes required', { $ref: '#/$defs/Part', required: ['b'] }, 'it: ThingIt!'],
    ['a deprecated place', { $ref: '#/$defs/Text', deprecated: true }, 'it: String! @deprecated'],
    ['a deprecated schema', { type: 'string', deprecated: true }, 'it: String! @deprecated'],
    ['a deprecated part', { allOf: [{ type: 'string', deprecated: true }, {}] }, 'it: String! @deprecated'],
    ['not deprecated', { $ref: '#/$defs/Text', deprecated: 'no' }, 'it: String!'],
    ['an example of a part', { allOf: [{ type: 'string', example: 'a' }, {}] }, 'it: String! # such as "a"'],
    ['the first of several examples', { type: 'integer', examples: [7, 8], example: 9 }, 'it: Int! # such as 7'],
    ['an example that is a boolean', { type: 'boolean', example: false }, 'it: Boolean! # such as false'],
    ['an example that is an object', { properties: { a: {} }, example: { a: 1 } }, 'it: ThingIt!'],
    [
      'an example and a note',
      { type: ['string', 'object'], example: 'a' },
      'it: JSON! # such as "a"; mixed: string, object',
    ],
  ])

  test('the description of the place comes before that of the schema', () => {
    const describedAs = (schema: object) =>
      /"(.*)"\n {2}it: /.exec(draftOf({ $schema: '', title: 'Thing', properties: { it: schema }, $defs }))?.[1]
    expect(describedAs({ $ref: '#/$defs/Text', description: 'The text of it.' })).toBe('The text of it.')
    expect(describedAs({ $ref: '#/$defs/Text' })).toBe('A text.')
    expect(describedAs({ allOf: [{ $ref: '#/$defs/Text' }, {}] })).toBe('A text.')
    expect(describedAs({ oneOf: [{ $ref: '#/$defs/Text' }] })).toBe('A text.')
    expect(describedAs({ description: 'Own.', oneOf: [{ $ref: '#/$defs/Text' }] })).toBe('Own.')
  })
})
