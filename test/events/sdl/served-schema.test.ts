import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import {
  buildSchema,
  coerceInputValue,
  type GraphQLScalarType,
  getIntrospectionQuery,
  graphqlSync,
  isInputObjectType,
  isScalarType,
  lexicographicSortSchema,
  printSchema,
  printType,
} from 'graphql'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { printDirectives } from '../../../src/events/sdl/directives/definitions.ts'
import { breakingChanges, printServedSchema } from '../../../src/events/sdl/type-system/served-schema.ts'
import { printedSchema } from '../../../src/graphql/schema.ts'
import { orderField, printedMistakes, schemaOf } from './reading.ts'

const specification = readFileSync(new URL('specification.sdl.txt', import.meta.url), 'utf8')

const everything = `
  """About the schema.""" schema { query: Query }
  "Served beside Warren's." type Query { quote(sku: ID! = "a" @deprecated(reason: "b"), at: DateTime = "2026-11-28T10:15:30+02:00"): Quote @request(routingKey: "q") }
  type Subscription {
    event(kind: Kind = A): Event @events(exchange: "e", history: true)
    order(id: ID): Order! @events(exchange: "o", gap: ERROR, history: true) @state(key: "/id")
  }
  interface Node @key(fields: "id") { id: ID! }
  type Order implements Node @shareable { id: ID! @filterable @tag(name: "x") total: Decimal @filterable lines: [Line!] at: DateTime @filterable kind: [Kind] @filterable }
  type Line { sku: String @filterable, "Old." old: Int @deprecated }
  extend type Line { count: BigInt @deprecated(reason: "c") @filterable }
  union Event = Order | Quote | EventGap
  extend type Order @eventType(name: "order")
  type Quote @eventType(name: "*") { id: ID! @filterable day: Date money: Money uuid: UUID data: JSON }
  scalar Money @specifiedBy(url: "https://example.com/money")
  enum Kind { A "B." B @deprecated C @value(unknown: true) }
  input Choice @oneOf { a: ID b: [Int!] }
  input Deep { choice: Choice = {a: "x"} deep: Deep price: Decimal = "1.10" count: BigInt = 7 }
  type Mutation { send(deep: Deep = {price: "2"}): Published! @publish(exchange: "s") }
  directive @mine(deep: Deep) on QUERY | FIELD_DEFINITION
  type Mine { id: ID @mine(deep: {}) }`

describe('the served schema', () => {
  test.each([
    ['the specification', specification, true],
    ['the specification without the schema of Warren', specification, false],
    ['a schema with every kind of type', everything, true],
    ['a schema with every kind of type without the schema of Warren', everything, false],
  ])('is the same after printing and building: %s', (_what, sdl, core) => {
    const { schema } = schemaOf(sdl, { core })
    const printed = printServedSchema(schema)
    const built = buildSchema(printed)
    expect(`${printSchema(lexicographicSortSchema(built))}\n`).toBe(printed)
    expect(printed).not.toMatch(/@(?!specifiedBy|deprecated|oneOf|mine)\w/)
    const { errors } = graphqlSync({ schema: schema.schema, source: getIntrospectionQuery({ oneOf: true }) })
    expect(errors).toBeUndefined()
  })

  test('passes descriptions and the directives of GraphQL through', () => {
    const { schema } = schemaOf(everything, { core: false })
    const printed = printServedSchema(schema)
    expect(printed).toContain('"""About the schema."""')
    expect(printed).toContain('"""Served beside Warren\'s."""')
    expect(printed).toContain('sku: ID! = "a" @deprecated(reason: "b")')
    expect(printed).toContain('"""Old."""\n  old: Int @deprecated')
    expect(printed).toContain('scalar Money @specifiedBy(url: "https://example.com/money")')
    expect(printed).toContain('input Choice @oneOf {')
    expect(printed).toContain('directive @mine(deep: Deep) on FIELD_DEFINITION | QUERY')
  })

  test('is the schema of Warren and nothing else without files', () => {
    const { schema } = schemaOf([])
    expect(printServedSchema(schema)).toBe(printedSchema())
    expect([schema.events.size, schema.publications.size, schema.requests.size]).toEqual([0, 0, 0])
  })

  test('has a placeholder where no query field is left', () => {
    const { schema } = schemaOf(orderField(''), { core: false })
    expect(Object.keys(schema.schema.getQueryType()?.getFields() ?? {})).toEqual(['_empty'])
    expect(schema.schema.getMutationType()).toBeUndefined()
    expect(schema.schema.getType('ClientChannel')).toBeUndefined()
  })

  test('leaves the schema of Warren as it was', () => {
    const before = printedSchema()
    schemaOf(everything)
    expect(printedSchema()).toBe(before)
  })
})

describe('filters', () => {
  const { schema } = schemaOf(everything)
  const printed = (name: string) => {
    const type = schema.schema.getType(name)
    return type ? printType(type) : ''
  }

  test('have the operators of each type', () => {
    expect(printed('OrderFilter')).toBe(`input OrderFilter {
  id: IDFilter
  total: DecimalFilter
  lines: LineFilter
  at: DateTimeFilter
  kind: KindFilter
  and: [OrderFilter!]
  or: [OrderFilter!]
  not: OrderFilter
  exists: Boolean
}`)
    expect(printed('IDFilter')).toBe(
      'input IDFilter {\n  eq: ID\n  ne: ID\n  in: [ID!]\n  startsWith: String\n  exists: Boolean\n}',
    )
    expect(printed('DateTimeFilter')).toContain('  lt: DateTime\n  lte: DateTime\n  gt: DateTime\n  gte: DateTime\n')
    expect(printed('KindFilter')).toBe(
      'input KindFilter {\n  eq: Kind\n  ne: Kind\n  in: [Kind!]\n  exists: Boolean\n}',
    )
    expect(printed('LineFilter')).toContain('sku: StringFilter\n  count: BigIntFilter')
    expect(printed('EventFilter')).toContain('id: IDFilter\n  total: DecimalFilter')
    expect(isInputObjectType(schema.schema.getType('MineFilter'))).toBe(false)
  })

  test('are an argument of the fields with something to filter by', () => {
    const types = schema.schema.getSubscriptionType()?.getFields()
    const filterOf = (name: string) => types?.[name]?.args.find((arg) => arg.name === 'filter')?.type
    expect(String(filterOf('order'))).toBe('OrderFilter')
    expect(String(filterOf('event'))).toBe('EventFilter')
    expect(schema.events.get('order')).toMatchObject({ filterable: true, builtIn: { filter: 'filter' } })
    const { schema: own } = schemaOf(
      'type Subscription { order(filter: ID): Order @events(exchange: "a") }\ntype Order { id: ID @filterable }',
    )
    expect(own.events.get('order')).toMatchObject({ filterable: false, builtIn: { filter: undefined } })
  })
})

test('history: true adds a query field', () => {
  const { schema } = schemaOf(everything)
  const { eventHistory, orderHistory } = schema.schema.getQueryType()?.getFields() ?? {}
  const args = (field: typeof eventHistory) =>
    field?.args.map(({ name, type, defaultValue }) => [name, String(type), defaultValue])
  expect(args(eventHistory)).toEqual([
    ['kind', 'Kind', 'A'],
    ['filter', 'EventFilter', undefined],
    ['after', 'Cursor', undefined],
    ['first', 'Int', 100],
  ])
  expect(args(orderHistory)?.map(([name]) => name)).toEqual(['id', 'filter', 'after', 'first'])
  expect(String(eventHistory?.type)).toBe('EventHistory!')
  const fieldsOf = (name: string) => printType(schema.schema.getType(name) as never).match(/^ {2}\w+: .*$/gm)
  expect(fieldsOf('EventHistory')).toEqual([
    '  events: [Event]!',
    '  cursor: Cursor!',
    '  hasMore: Boolean!',
    '  gap: EventGap',
  ])
  expect(fieldsOf('OrderHistory')?.[0]).toBe('  events: [Order!]!')
})

test('@state adds a query field', () => {
  const { schema } = schemaOf(`type Subscription {
    order(id: ID!, since: Cursor): Order @events(exchange: "o") @state(key: "/id", deleteOn: ["gone"])
    device(status: [String!]): Device @events(exchange: "d", invalid: NULL) @state(key: "/id") @allow
  }
  type Order { id: ID! @filterable }
  type Device { id: ID! }`)
  const { orderState, deviceState } = schema.schema.getQueryType()?.getFields() ?? {}
  expect(orderState?.args.map(({ name, type, defaultValue }) => [name, String(type), defaultValue])).toEqual([
    ['id', 'ID!', undefined],
    ['filter', 'OrderFilter', undefined],
    ['first', 'Int', 100],
    ['after', 'String', undefined],
  ])
  expect(deviceState?.args.map(({ name }) => name)).toEqual(['status', 'first', 'after'])
  expect(String(orderState?.type)).toBe('OrderStateConnection!')
  const fieldsOf = (name: string) => printType(schema.schema.getType(name) as never).match(/^ {2}\w+: .*$/gm)
  expect(fieldsOf('OrderStateConnection')).toEqual([
    '  nodes: [Order!]!',
    '  endCursor: String',
    '  hasMore: Boolean!',
    '  cursor: Cursor!',
  ])
  // `invalid: NULL` may leave nothing of a value.
  expect(fieldsOf('DeviceStateConnection')?.[0]).toBe('  nodes: [Device]!')
})

describe('the directives that are printed', () => {
  test('are accepted in the files, beside the schema of Warren or without it', () => {
    for (const core of [true, false]) {
      const { schema } = schemaOf([printDirectives(), specification], { core })
      expect(printServedSchema(schema)).toBe(printServedSchema(schemaOf(specification, { core }).schema))
    }
  })

  test('are valid SDL with all that files can use', () => {
    expect(() => buildSchema(`${printDirectives()}${specification.replaceAll(/ @key\([^)]*\)/g, '')}`)).not.toThrow()
  })

  test('are those of the specification', () => {
    const letter = readFileSync(new URL('directives.sdl.txt', import.meta.url), 'utf8')
    const { schema } = schemaOf([letter, specification])
    expect(schema.schema.getType('Place')).toBeUndefined()
    expect(schema.schema.getDirective('events')).toBeUndefined()
  })
})

test('lists what breaks clients', () => {
  const old = schemaOf(specification).schema
  const next = schemaOf(
    specification.replace('signedBy: String', 'signer: String').replace('region: String\n', 'region: String!\n'),
  ).schema
  expect(breakingChanges(old, next).toSorted()).toEqual(
    [
      'Subscription.orderChanged arg region has changed type from String to String!.',
      'ShipmentDelivered.signedBy was removed.',
    ].toSorted(),
  )
  expect(breakingChanges(old, schemaOf(`${specification} type More { id: ID }`).schema)).toEqual([])
})

describe('the scalars', () => {
  const { schema } = schemaOf(everything)
  const scalar = (name: string) => {
    const type = schema.schema.getType(name)
    if (!isScalarType(type)) throw new Error(`no scalar ${name}`)
    return type
  }
  const accepts = (type: GraphQLScalarType, value: unknown) => {
    try {
      return type.parseValue(value)
    } catch {
      return undefined
    }
  }

  test.each<[name: string, json: string, value: unknown]>([
    ['Decimal', '1.10', '1.10'],
    ['Decimal', '"123456789012345678901.10"', '123456789012345678901.10'],
    ['Decimal', '1e400', '1e400'],
    ['Decimal', '"07"', undefined],
    ['Decimal', 'true', undefined],
    ['BigInt', '9007199254740993', '9007199254740993'],
    ['BigInt', '"-5"', '-5'],
    ['BigInt', '"5.0"', undefined],
    ['BigInt', '1.5', undefined],
    ['UUID', '"5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10"', '5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10'],
    ['UUID', '"5e1a7c0e"', undefined],
    ['Date', '"2024-02-29"', '2024-02-29'],
    ['Date', '"2026-02-29"', undefined],
    ['DateTime', '"2026-11-28T10:15:30+02:00"', '2026-11-28T10:15:30+02:00'],
    ['DateTime', '"2026-11-28t10:15:30.123456789z"', '2026-11-28t10:15:30.123456789z'],
    ['DateTime', '"2016-12-31T23:59:60Z"', '2016-12-31T23:59:60Z'],
    ['DateTime', '"2026-11-28T10:15:60Z"', undefined],
    ['DateTime', '"2026-11-28"', undefined],
    ['DateTime', '1700000000', undefined],
    ['ID', '9007199254740993', '9007199254740993'],
    ['Money', '{"a":1}', { a: 1 }],
  ])('%s reads %s with every digit, or not at all', (name, json, value) => {
    expect(accepts(scalar(name), parseJson(json))).toEqual(value)
  })

  test('DateTime prints a Date of the resolvers of Warren as before', () => {
    const date = new Date('2026-11-28T10:15:30Z')
    expect(JSON.stringify(scalar('DateTime').serialize(date))).toBe('"2026-11-28T10:15:30.000Z"')
    expect(scalar('DateTime').serialize('2026-11-28T10:15:30+02:00')).toBe('2026-11-28T10:15:30+02:00')
  })

  test('are rejected as bad input', () => {
    const errors: unknown[] = []
    coerceInputValue(1, scalar('UUID'), (_path, _value, error) => errors.push(error.message))
    expect(errors).toEqual([
      expect.stringContaining('UUID: expected a UUID such as "5e1a7c0e-6a0b-4d5c-9f5e-2f1f3a7b9c10", got 1'),
    ])
  })
})

test('a default value is the value that the SDL has', () => {
  const { schema } = schemaOf(everything)
  const send = schema.schema.getMutationType()?.getFields()['send']
  expect(send?.args[0]?.defaultValue).toEqual({ choice: { a: 'x' }, price: '2', count: '7' })
  expect(printedMistakes('input A { of: A = null, list: [Int!] = 1 }')).toEqual([])
})
