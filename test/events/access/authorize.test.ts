import { describe, expect, test } from '@jest/globals'
import { GatewayError } from '../../../src/errors.ts'
import { authorize } from '../../../src/events/access/authorize.ts'
import { demandSelection } from '../../../src/events/access/selected-fields.ts'
import {
  allow,
  argument,
  claim,
  clientId,
  enumMapping,
  eventField,
  eventSchema,
  fieldMapping,
  header,
} from './build-schema.ts'
import { callerWith, noToken } from './callers.ts'

const tenant = claim('https://example.com/claims', 'tenant')
const field = eventField('order', {
  conditions: [
    argument('id', 'ID'),
    argument('ids', '[ID!]'),
    argument('count', 'Int'),
    argument('total', 'Decimal'),
    argument('weight', 'Float'),
    argument('open', 'Boolean'),
    argument('states', '[State!]'),
  ],
  allow: [allow()],
  filterable: true,
})
const owned = eventField('owned', {
  conditions: [argument('tenants', '[ID!]', { owners: [tenant] }), argument('ids', '[ID!]')],
})
const needed = eventField('needed', { conditions: [argument('id', 'ID!')], allow: [allow()] })
const placed = eventField('placed', { ownerPlaces: [{ claim: tenant, place: header('tenant') }] })
const schema = eventSchema(
  `type Subscription { order(id: ID): Order owned: Order needed(id: ID!): Order placed: Order }
  type Order { id: ID card: String } enum State { OPEN DONE }`,
  {
    events: [field, owned, needed, placed],
    enums: { State: enumMapping({ OPEN: 'open', DONE: 'done' }) },
    objects: {
      Order: {
        id: fieldMapping('id', { filterable: true }),
        card: fieldMapping('card', { filterable: true, allow: [allow('pci')] }),
      },
    },
  },
)
const alice = callerWith({ sub: 'alice' })
const conditions = (args: Record<string, unknown>, caller = alice) => authorize(schema, field, args, caller)
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

function errorOf(act: () => unknown): GatewayError {
  try {
    act()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('expected an error')
}

describe('an invalid argument is named', () => {
  test.each<[what: string, args: Record<string, unknown>, field: string, message: string]>([
    ['an empty list', { ids: [] }, 'ids', 'ids: expected at least one value, got an empty list'],
    ['101 values', { ids: numbers(101) }, 'ids', 'ids: expected at most 100 values, got 101'],
    ['101 equal values', { ids: numbers(101).map(() => '1') }, 'ids', 'ids: expected at most 100 values, got 101'],
    ['a list for one value', { id: ['1'] }, 'id', 'id: expected one value of the type ID, got a list'],
    ['null in a list', { ids: ['1', null] }, 'ids', 'ids: expected a value of the type ID, got null'],
    ['a string for an Int', { count: '7' }, 'count', 'count: expected a value of the type Int, got "7"'],
    ['a word for a Decimal', { total: 'seven' }, 'total', 'total: expected a value of the type Decimal, got "seven"'],
    [
      'an exponent of 16 digits',
      { total: '1e1000000000000000' },
      'total',
      'total: expected a value of the type Decimal, got "1e1000000000000000"',
    ],
    [
      'an infinite Float',
      { weight: Number.POSITIVE_INFINITY },
      'weight',
      'weight: expected a value of the type Float, got Infinity',
    ],
    ['a string for a Boolean', { open: 'true' }, 'open', 'open: expected a value of the type Boolean, got "true"'],
    [
      'an unknown enum value',
      { states: ['OPEN', 'open'] },
      'states',
      'states: expected a value of the type State, got "open"',
    ],
    ['an object', { id: {} }, 'id', 'id: expected a value of the type ID, got an object'],
  ])('%s', (_what, args, name, message) => {
    expect(errorOf(() => conditions(args))).toMatchObject({ code: 'BAD_USER_INPUT', field: name, message })
  })

  test('a required argument that is null', () => {
    expect(errorOf(() => authorize(schema, needed, { id: null }, alice))).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'id',
    })
  })
})

describe('equal conditions have equal keys', () => {
  test.each<[what: string, a: Record<string, unknown>, b: Record<string, unknown>]>([
    ['the order and repetition of values', { ids: ['2', '1', '2'] }, { ids: ['1', '2'] }],
    ['one value and a list of it', { ids: '1' }, { ids: ['1'] }],
    ['null and absent', { id: null, ids: undefined }, {}],
    ['numbers of equal value', { total: '1.50', weight: 0 }, { total: '15e-1', weight: -0 }],
    ['built-in arguments', { after: 'cursor', last: 3 }, {}],
    [
      'equal filters',
      { filter: { id: { in: ['a', 'b'] }, and: [{}] } },
      { filter: { and: { id: { in: ['b', 'a', 'a'] } } } },
    ],
    ['a filter without conditions', { filter: { id: { in: null } } }, {}],
  ])('%s', (_what, a, b) => {
    expect(conditions(a).key).toBe(conditions(b).key)
  })

  test.each<[what: string, a: Record<string, unknown>, b: Record<string, unknown>]>([
    ['another argument', { id: '1' }, { ids: ['1'] }],
    ['another value', { id: '1' }, { id: '01' }],
    ['texts that differ in case', { id: 'a' }, { id: 'A' }],
    ['values that could be joined', { ids: ['1,2'] }, { ids: ['1', '2'] }],
    ['another filter', { filter: { id: { eq: 'a' } } }, { filter: { id: { ne: 'a' } } }],
    ['no filter', { filter: { id: { eq: null } } }, {}],
    ['a filter that nothing passes', { filter: { not: {} } }, {}],
  ])('and not for %s', (_what, a, b) => {
    expect(conditions(a).key).not.toBe(conditions(b).key)
  })

  test('of at most 200 characters', () => {
    const ids = numbers(100).map((id) => `order-${id}`)
    expect(conditions({ ids }).key.length).toBeLessThanOrEqual(200)
    expect(conditions({ ids }).key).toBe(conditions({ ids: ids.toReversed() }).key)
    expect(conditions({ ids }).key).not.toBe(conditions({ ids: ids.slice(1) }).key)
  })
})

describe('combinations', () => {
  const tenants = (count: number) =>
    callerWith({ 'https://example.com/claims': { tenant: numbers(count) }, scope: 'x' })

  test('of at most 1,000 values are accepted', () => {
    expect(authorize(schema, owned, {}, tenants(1_000)).values[0]).toHaveLength(1_000)
    expect(authorize(schema, owned, { ids: numbers(100) }, tenants(10)).values.map((texts) => texts?.length)).toEqual([
      10, 100,
    ])
  })

  test('of more are refused with the name of the limit', () => {
    expect(errorOf(() => authorize(schema, owned, { ids: numbers(100) }, tenants(11)))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      limit: 'tuples',
      message: 'expected arguments that make at most 1000 combinations of values, got 1100',
    })
  })
})

describe('a claim', () => {
  const verdict = (json: string, args: Record<string, unknown> = {}) => {
    try {
      const caller = callerWith({ scope: 'x' }, `{"https://example.com/claims":${json}}`)
      return authorize(schema, owned, args, caller).values[0]?.join()
    } catch (error) {
      return error instanceof GatewayError ? error.code : error
    }
  }

  test.each<[what: string, json: string, expected: string]>([
    ['is a string', '{"tenant":"a"}', 'a'],
    ['is an integer', '{"tenant":7}', '7'],
    ['is an integer with all its digits', '{"tenant":9007199254740993}', '9007199254740993'],
    ['is a list of these', '{"tenant":["b",7,"a",7]}', '7,a,b'],
    ['is absent', '{}', 'FORBIDDEN'],
    ['is null', '{"tenant":null}', 'FORBIDDEN'],
    ['is an object', '{"tenant":{"a":1}}', 'FORBIDDEN'],
    ['is a fraction', '{"tenant":7.5}', 'FORBIDDEN'],
    ['is a fraction that is whole', '{"tenant":7.0}', 'FORBIDDEN'],
    ['is an empty list', '{"tenant":[]}', 'FORBIDDEN'],
    ['is a list with null', '{"tenant":["a",null]}', 'FORBIDDEN'],
    ['is a list in a list', '{"tenant":[["a"]]}', 'FORBIDDEN'],
    ['is a boolean, which is no ID', '{"tenant":true}', 'FORBIDDEN'],
    ['is a list of 1,001', `{"tenant":${JSON.stringify(numbers(1_001))}}`, 'FORBIDDEN'],
  ])('%s', (_what, json, expected) => {
    expect(verdict(json)).toBe(expected)
  })

  test('that is invalid is refused for a given value too', () => {
    expect(verdict('{"tenant":["a",null]}', { tenants: ['a'] })).toBe('FORBIDDEN')
  })

  test('at a place of the field may be a boolean', () => {
    const caller = callerWith({ scope: 'x', 'https://example.com/claims': { tenant: true } })
    expect(authorize(schema, placed, {}, caller).values).toEqual([['true']])
  })
})

describe('a refusal', () => {
  test('has the same text whatever the values are', () => {
    const texts = [{ tenants: ['a'] }, { tenants: ['b', 'c'] }, {}].map(
      (args) => errorOf(() => authorize(schema, owned, args, alice)).message,
    )
    expect(new Set(texts)).toEqual(new Set(['this token does not allow you to use Subscription.owned in this way']))
  })

  test('without a token comes before errors of arguments', () => {
    expect(errorOf(() => authorize(schema, owned, { ids: [] }, noToken)).code).toBe('UNAUTHENTICATED')
    expect(errorOf(() => authorize(schema, field, { ids: [] }, noToken)).code).toBe('UNAUTHENTICATED')
  })
})

describe('an output field with scopes', () => {
  const used = { operation: 'Subscription', name: 'order' } as const
  const pci = callerWith({ sub: 'alice', scope: 'pci' })

  test('is selected and filtered by with the scope, and with a scope above it', () => {
    for (const caller of [pci, callerWith({ scope: 'operator' }), callerWith({ scope: 'event:order' })]) {
      demandSelection(schema, caller, used, ['Order.id', 'Order.card'])
      expect(conditions({ filter: { card: { eq: '4' } } }, caller).filter?.key).toBe('"card"(eq "4")')
    }
  })

  test('is refused without the scope, wherever the filter names it', () => {
    expect(errorOf(() => demandSelection(schema, alice, used, ['Order.id', 'Order.card'])).code).toBe('FORBIDDEN')
    expect(errorOf(() => demandSelection(schema, noToken, used, ['Order.card'])).code).toBe('UNAUTHENTICATED')
    for (const filter of [
      { card: { eq: '4' } },
      { not: { card: { exists: true } } },
      { or: [{ id: { eq: '1' } }, { card: { startsWith: '4' } }] },
    ])
      expect(errorOf(() => conditions({ filter })).code).toBe('FORBIDDEN')
  })
})

test('left-out values are taken from the new claims when authorized again', () => {
  const of = (sub: string) => authorize(schema, mine, {}, callerWith({ sub })).values
  const mine = eventField('owned', { conditions: [argument('id', 'ID', { owners: [clientId] })] })
  expect([of('alice'), of('bob')]).toEqual([[['alice']], [['bob']]])
})
