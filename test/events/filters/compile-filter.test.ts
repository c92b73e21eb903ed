import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { GraphQLOutputType } from 'graphql'
import { GatewayError } from '../../../src/errors.ts'
import { compileFilter } from '../../../src/events/filters/compile-filter.ts'
import { TypedObject, type TypedValue } from '../../../src/events/model/typed-value.ts'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'
import { enumMapping, eventSchema, fieldMapping } from '../access/build-schema.ts'
import { passes } from './reference-filter.ts'

const leaves = {
  id: 'ID',
  name: 'String',
  count: 'Int',
  weight: 'Float',
  big: 'BigInt',
  total: 'Decimal',
  open: 'Boolean',
  status: 'Status',
  at: 'DateTime',
  tags: 'String',
} as const
const leafFields = Object.entries(leaves).map(([name, type]) => `${name}: ${name === 'tags' ? '[String]' : type}`)
const mappings = Object.fromEntries(Object.keys(leaves).map((name) => [name, fieldMapping(name, { filterable: true })]))
const schema = eventSchema(
  `type Subscription { order: Order orders: [Order] shipment: Shipment node: Node }
  type Order implements Node { ${leafFields.join(' ')} secret: String customer: Order lines: [Order] }
  interface Node { id: ID }
  union Shipment = Order | Packed
  type Packed { id: ID packed: Int }
  enum Status { OPEN DONE }`,
  {
    enums: { Status: enumMapping({ OPEN: 'open', DONE: 'done' }) },
    objects: {
      Order: {
        ...mappings,
        secret: fieldMapping('secret'),
        customer: fieldMapping('customer'),
        lines: fieldMapping('lines'),
      },
      Packed: { id: fieldMapping('id', { filterable: true }), packed: fieldMapping('packed', { filterable: true }) },
    },
  },
)
const typeOf = (field: string) => schema.schema.getSubscriptionType()?.getFields()[field]?.type as GraphQLOutputType
const compile = (filter: unknown, field = 'order') => compileFilter(schema, typeOf(field), filter)
const order = (fields: Record<string, TypedValue>) => new TypedObject('Order', fields)

describe('a value passes', () => {
  test.each<[filter: Record<string, unknown>, value: TypedValue, expected: boolean]>([
    [{ id: { eq: '7' } }, order({ id: '7' }), true],
    [{ id: { eq: '7' } }, order({ id: '07' }), false],
    [{ name: { eq: 'a' } }, order({ name: 'A' }), false],
    [{ total: { eq: '1.5' } }, order({ total: '1.50' }), true],
    [{ total: { gt: '9007199254740992' } }, order({ total: '9007199254740993' }), true],
    [{ total: { lt: '1e999999999' } }, order({ total: '9'.repeat(1_000) }), true],
    [{ big: { lte: '-10' } }, order({ big: '-9' }), false],
    [{ weight: { eq: 0 } }, order({ weight: -0 }), true],
    [{ weight: { in: [-0] } }, order({ weight: 0 }), true],
    // What the code of a scalar may make: neither equal nor in order.
    [{ weight: { ne: 0 } }, order({ weight: Number.NaN }), true],
    [{ weight: { gte: 0 } }, order({ weight: '1' }), false],
    [{ open: { ne: false } }, order({ open: 0 }), true],
    [{ status: { in: ['OPEN'] } }, order({ status: 1 }), false],
    [{ total: { gt: '0.5' } }, order({ total: 1 }), true],
    [{ total: { eq: '0' } }, order({ total: true }), false],
    [{ total: { lte: '0' } }, order({ total: true }), false],
    [{ at: { lte: '2026-01-01T00:00:00Z' } }, order({ at: 'yesterday' }), false],
    [{ at: { gte: '2026-01-01T00:00:00Z' } }, order({ at: 1_767_225_600_000 }), false],
    [{ at: { gte: '2026-01-01T00:00:00Z', lte: '2026-01-01T00:00:00Z' } }, order({ at: '2026-01-01T00:00:00z' }), true],
    [{ name: { startsWith: '1' } }, order({ name: 12 }), false],
    [{ count: { gte: 3, lt: 5 } }, order({ count: 5 }), false],
    [{ at: { eq: '2026-01-01T00:00:00Z' } }, order({ at: '2026-01-01T01:00:00.000+01:00' }), true],
    [{ at: { lt: '2026-01-01T00:00:00.0002Z' } }, order({ at: '2026-01-01T00:00:00.0001Z' }), true],
    [{ at: { gt: '2016-12-31T23:59:59.9Z' } }, order({ at: '2016-12-31T23:59:60Z' }), true],
    [{ name: { startsWith: 'ab' } }, order({ name: 'abc' }), true],
    [{ name: { startsWith: '' } }, order({ name: null }), false],
    // Null answers only `eq: null`, `ne` and `exists: false`.
    [{ name: { eq: null } }, order({ name: null }), true],
    [{ name: { ne: 'a' } }, order({ name: null }), true],
    [{ name: { ne: null } }, order({ name: null }), false],
    [{ name: { exists: false } }, order({ name: null }), true],
    [{ name: { eq: 'a' } }, order({ name: null }), false],
    [{ name: { in: ['a'] } }, order({ name: null }), false],
    [{ count: { lt: 5 } }, order({ count: null }), false],
    [{ count: { gte: 5 } }, order({ count: null }), false],
    [{ not: { count: { lt: 5 } } }, order({ count: null }), true],
    [{ name: { exists: true } }, order({ name: '' }), true],
    // A null object is an object of nulls.
    [{ customer: { name: { ne: 'a' } } }, order({ customer: null }), true],
    [{ customer: { name: { eq: 'a' } } }, order({ customer: null }), false],
    [{ customer: { exists: false } }, order({ customer: null }), true],
    // Some element.
    [{ tags: { eq: 'b' } }, order({ tags: ['a', 'b'] }), true],
    [{ tags: { eq: 'a', ne: 'b' } }, order({ tags: ['b', 'c'] }), false],
    [{ tags: { ne: 'a' } }, order({ tags: [] }), false],
    [{ tags: { exists: false } }, order({ tags: null }), true],
    [
      { lines: { name: { eq: 'a' }, count: { gt: 1 } } },
      order({ lines: [order({ name: 'a', count: 1 }), order({ name: 'b', count: 2 })] }),
      false,
    ],
    [{ lines: { name: { eq: 'a' }, count: { gt: 1 } } }, order({ lines: [order({ name: 'a', count: 2 })] }), true],
    [{ or: [{ name: { eq: 'a' } }, { count: { eq: 1 } }] }, order({ name: 'b', count: 1 }), true],
    [{ and: [{ name: { eq: 'a' } }, { count: { eq: 1 } }] }, order({ name: 'b', count: 1 }), false],
  ])('%j', (filter, value, expected) => {
    expect(compile(filter)?.test(value)).toBe(expected)
  })

  test('as a member of a union or interface, by the fields that it has', () => {
    const packed = new TypedObject('Packed', { id: '1', packed: 3 })
    expect(compile({ packed: { gt: 2 } }, 'shipment')?.test(packed)).toBe(true)
    expect(compile({ packed: { gt: 2 } }, 'shipment')?.test(order({ id: '1' }))).toBe(false)
    expect(compile({ id: { eq: '1' } }, 'shipment')?.fields).toEqual(new Set(['Order.id', 'Packed.id']))
    expect(compile({ id: { eq: '1' } }, 'node')?.test(order({ id: '1' }))).toBe(true)
  })

  test('if it is a list with an element that passes', () => {
    expect(compile({ count: { eq: 1 } }, 'orders')?.test([order({ count: 0 }), order({ count: 1 })])).toBe(true)
    expect(compile({ count: { eq: 1 } }, 'orders')?.test([])).toBe(false)
  })
})

describe('a filter', () => {
  test.each<unknown>([
    undefined,
    null,
    {},
    { id: null },
    { id: undefined },
    { id: {} },
    { id: { in: null, lt: null, startsWith: null } },
    { id: { eq: undefined } },
    { and: [{}, {}] },
    { or: [{ id: { eq: '1' } }, {}] },
    { customer: { lines: {} } },
  ])('without a condition compiles to nothing: %j', (filter) => {
    expect(compile(filter)).toBeUndefined()
  })

  test.each<[one: unknown, other: unknown]>([
    [
      { id: { eq: '1' }, name: { eq: 'a' } },
      { name: { eq: 'a' }, id: { eq: '1' } },
    ],
    [{ and: [{ id: { eq: '1' } }, { and: [{ name: { eq: 'a' } }] }] }, { name: { eq: 'a' }, id: { eq: '1' } }],
    [{ or: [{ id: { eq: '1' } }] }, { id: { eq: '1' } }],
    [{ or: { id: { eq: '1' } } }, { id: { eq: '1' } }],
    [{ or: [{ id: { eq: '1' } }, { id: { eq: '1' } }] }, { id: { eq: '1' } }],
    [{ id: { in: ['2', '1', '2'] } }, { id: { in: ['1', '2'] } }],
    [{ id: { in: '1' } }, { id: { in: ['1'] } }],
    [{ total: { lt: '1.50' } }, { total: { lt: '15e-1' } }],
    [{ weight: { ne: -0 } }, { weight: { ne: 0 } }],
  ])('%j has the key of %j', (one, other) => {
    expect(compile(one)?.key).toBe(compile(other)?.key)
    expect(compile(one)?.key).toBeDefined()
  })

  test.each<[one: unknown, other: unknown]>([
    [{ id: { eq: '1' } }, { name: { eq: '1' } }],
    [{ id: { eq: '1' } }, { id: { ne: '1' } }],
    [{ id: { eq: '1' } }, { id: { in: ['1'] } }],
    [{ id: { eq: 'null' } }, { id: { eq: null } }],
    [{ name: { exists: true } }, { name: { exists: false } }],
    [{ name: { startsWith: 'a' } }, { name: { startsWith: 'b' } }],
    [{ count: { lt: 1 } }, { count: { lte: 1 } }],
    [{ count: { gt: 1 } }, { count: { gt: 2 } }],
    [{ not: { id: { eq: '1' } } }, { id: { eq: '1' } }],
    [{ or: [{ id: { eq: '1' } }, { name: { eq: 'a' } }] }, { and: [{ id: { eq: '1' } }, { name: { eq: 'a' } }] }],
  ])('%j has another key than %j', (one, other) => {
    expect(compile(one)?.key).not.toBe(compile(other)?.key)
  })

  test('names the fields that it reads, of nested objects too', () => {
    expect(compile({ not: { customer: { lines: { id: { eq: '1' } } } } })?.fields).toEqual(
      new Set(['Order.customer', 'Order.lines', 'Order.id']),
    )
  })
})

describe('a filter is refused', () => {
  const nested = (depth: number): unknown => (depth === 1 ? { id: { eq: '1' } } : { not: nested(depth - 1) })
  const many = (count: number) => ({ or: Array.from({ length: count }, (_, id) => ({ id: { eq: String(id) } })) })

  test.each<[what: string, filter: unknown, error: Record<string, string>]>([
    ['with 21 conditions', many(21), { code: 'LIMIT_EXCEEDED', limit: 'filterConditions' }],
    ['of depth 6', nested(6), { code: 'LIMIT_EXCEEDED', limit: 'filterDepth' }],
    [
      'with 101 values',
      { id: { in: Array.from({ length: 101 }, (_, id) => String(id)) } },
      { code: 'LIMIT_EXCEEDED', limit: 'filterValues' },
    ],
    ['with no value', { id: { in: [] } }, { code: 'BAD_USER_INPUT', field: 'filter.id.in' }],
    ['with an empty or', { or: [] }, { code: 'BAD_USER_INPUT', field: 'filter.or' }],
    ['by an unknown field', { colour: { eq: '1' } }, { code: 'BAD_USER_INPUT', field: 'filter.colour' }],
    [
      'by a field that is not filterable',
      { not: { secret: { eq: '1' } } },
      { code: 'BAD_USER_INPUT', field: 'filter.not.secret' },
    ],
    ['with an unknown operator', { id: { like: '1' } }, { code: 'BAD_USER_INPUT', field: 'filter.id.like' }],
    ['with the order of an ID', { id: { lt: '1' } }, { code: 'BAD_USER_INPUT', field: 'filter.id.lt' }],
    ['with a date that is none', { at: { gt: 'today' } }, { code: 'BAD_USER_INPUT', field: 'filter.at.gt' }],
    ['that is a list', [{ id: { eq: '1' } }], { code: 'BAD_USER_INPUT', field: 'filter' }],
    ['that is a text', 'id', { code: 'BAD_USER_INPUT', field: 'filter' }],
    ['with a value in place of a condition', { id: '1' }, { code: 'BAD_USER_INPUT', field: 'filter.id' }],
    ['with null in a list', { or: [null] }, { code: 'BAD_USER_INPUT', field: 'filter.or.0' }],
    [
      'with a number as prefix',
      { name: { startsWith: 1 } },
      { code: 'BAD_USER_INPUT', field: 'filter.name.startsWith' },
    ],
    ['with a text for exists', { name: { exists: 'true' } }, { code: 'BAD_USER_INPUT', field: 'filter.name.exists' }],
    [
      'with a text for exists of an object',
      { customer: { exists: 1 } },
      { code: 'BAD_USER_INPUT', field: 'filter.customer.exists' },
    ],
    ['with no number for an Int', { count: { eq: '1' } }, { code: 'BAD_USER_INPUT', field: 'filter.count.eq' }],
    [
      'with an endless Float',
      { weight: { lt: Number.POSITIVE_INFINITY } },
      { code: 'BAD_USER_INPUT', field: 'filter.weight.lt' },
    ],
    ['with no number for a Decimal', { total: { gt: 'one' } }, { code: 'BAD_USER_INPUT', field: 'filter.total.gt' }],
    ['with a list for a Decimal', { total: { gt: ['1'] } }, { code: 'BAD_USER_INPUT', field: 'filter.total.gt' }],
    ['with a text for a Boolean', { open: { eq: 'true' } }, { code: 'BAD_USER_INPUT', field: 'filter.open.eq' }],
    ['with the order of a Boolean', { open: { lt: true } }, { code: 'BAD_USER_INPUT', field: 'filter.open.lt' }],
    ['with the order of an enum', { status: { gt: 'OPEN' } }, { code: 'BAD_USER_INPUT', field: 'filter.status.gt' }],
    ['with depth 6 by and', { and: [nested(5)] }, { code: 'LIMIT_EXCEEDED', limit: 'filterDepth' }],
    ['with depth 6 by fields', { customer: nested(5) }, { code: 'LIMIT_EXCEEDED', limit: 'filterDepth' }],
    [
      'with 21 conditions of objects',
      { and: [many(20), { customer: { exists: true } }] },
      { code: 'LIMIT_EXCEEDED', limit: 'filterConditions' },
    ],
    [
      'with null among values',
      { and: [{ id: { in: [null] } }] },
      { code: 'BAD_USER_INPUT', field: 'filter.and.0.id.in' },
    ],
  ])('%s', (_what, filter, error) => {
    let thrown: unknown
    try {
      compile(filter)
    } catch (caught) {
      thrown = caught
    }
    expect(thrown).toBeInstanceOf(GatewayError)
    expect(thrown).toMatchObject(error)
  })

  test('and accepted at the limits', () => {
    expect(compile(many(20))?.test(order({ id: '19' }))).toBe(true)
    expect(compile(nested(5))?.test(order({ id: '1' }))).toBe(true)
    expect(compile({ id: { in: Array.from({ length: 100 }, (_, id) => String(id)) } })?.test(order({ id: '99' }))).toBe(
      true,
    )
  })
})

describe('compared with the reference', () => {
  const values: Record<string, readonly TypedValue[]> = {
    ID: ['1', '01', 'a', ''],
    String: ['a', 'ab', 'A', ''],
    Int: [0, 1, -1, 7],
    Float: [0, -0, 0.1, 1, 1e300],
    BigInt: ['0', '-0', '7', '-7', '9007199254740993', '9007199254740992'],
    Decimal: ['0', '0.0', '1.5', '1.50', '15e-1', '-1.5', '1e3', '1000', '999.99', '1e-20'],
    Boolean: [true, false],
    Status: ['OPEN', 'DONE'],
    DateTime: [
      '2026-01-01T00:00:00Z',
      '2026-01-01T01:00:00+01:00',
      '2026-01-01T00:00:00.500Z',
      '2025-12-31T23:59:59.999Z',
    ],
  }
  const operatorsOf = (type: string) => [
    'eq',
    'ne',
    'in',
    'exists',
    ...(/Int|Float|Decimal|DateTime/.test(type) ? ['lt', 'lte', 'gt', 'gte'] : []),
    ...(/ID|String/.test(type) ? ['startsWith'] : []),
  ]

  const valueOf = (type: string) => fc.constantFrom(...(values[type] ?? []))
  const valueOrNull = (type: string) => fc.option(valueOf(type), { freq: 4 })
  const fields = Object.entries(leaves).map(
    ([name, type]) =>
      [
        name,
        name === 'tags' ? fc.option(fc.array(valueOrNull(type), { maxLength: 3 }), { freq: 4 }) : valueOrNull(type),
      ] as const,
  )
  const { orders } = fc.letrec<{ orders: TypedValue }>((tie) => {
    const depth = { depthIdentifier: 'orders', maxDepth: 3 }
    const line = fc.option(tie('orders'), { ...depth, freq: 9 })
    return {
      orders: fc
        .record<Record<string, TypedValue>>({
          ...Object.fromEntries(fields),
          customer: fc.option(tie('orders'), { ...depth, freq: 2 }),
          lines: fc.option(fc.array(line, { maxLength: 3, depthIdentifier: 'orders' }), { ...depth, freq: 4 }),
        })
        .map(order),
    }
  })

  const operand = (type: string, operator: string): fc.Arbitrary<unknown> => {
    if (operator === 'exists') return fc.boolean()
    return operator === 'in'
      ? fc.array(valueOf(type), { minLength: 2, maxLength: 2 })
      : fc.option(valueOf(type), { freq: 6 })
  }
  const leafConditions = (type: string) => {
    const condition = fc.oneof(
      ...operatorsOf(type).map((operator) => fc.tuple(fc.constant(operator), operand(type, operator))),
    )
    return fc.array(condition, { minLength: 1, maxLength: 2 }).map((conditions) => Object.fromEntries(conditions))
  }
  const leafMember = fc.oneof(
    ...Object.entries(leaves).map(([name, type]) => fc.tuple(fc.constant(name), leafConditions(type))),
  )
  const { filters } = fc.letrec<{ filters: Record<string, unknown> }>((tie) => {
    const inner = tie('filters')
    const member = fc.oneof<fc.MaybeWeightedArbitrary<[string, unknown]>[]>(
      { depthIdentifier: 'filters', maxDepth: 4 },
      { weight: 5, arbitrary: leafMember },
      { weight: 1, arbitrary: fc.tuple(fc.constant('not'), inner) },
      { weight: 2, arbitrary: fc.tuple(pick('and', 'or'), fc.array(inner, { minLength: 2, maxLength: 2 })) },
      {
        weight: 2,
        arbitrary: fc.tuple(
          pick('customer', 'lines'),
          weighted<unknown>([1, fc.record({ exists: fc.boolean() })], [9, inner]),
        ),
      },
    )
    return { filters: fc.array(member, { minLength: 1, maxLength: 2 }).map((members) => Object.fromEntries(members)) }
  })

  test('filters and values give the same verdicts, and equal keys the same', () => {
    const byKey = new Map<string, Record<string, unknown>>()
    let [compared, passed] = [0, 0]
    const input = fc.tuple(filters, fc.array(orders, { minLength: 5, maxLength: 5 }))
    const check = fc.property(input, ([filter, compareWith]) => {
      let compiled: ReturnType<typeof compile>
      try {
        compiled = compile(filter)
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'LIMIT_EXCEEDED') return
        throw error
      }
      const same = byKey.get(compiled?.key ?? '') ?? filter
      byKey.set(compiled?.key ?? '', same)
      for (const value of compareWith) {
        const expected = passes(leaves, filter, value)
        const actual = compiled ? compiled.test(value) : true
        if (actual !== expected || passes(leaves, same, value) !== expected) {
          throw new Error(`expected ${expected}, got ${actual}: ${JSON.stringify({ filter, same, value })}`)
        }
        compared += 1
        if (actual) passed += 1
      }
    })
    const parameters = runs(600)
    fc.assert(check, parameters)
    if (!isWholeRun) return
    expect(compared).toBeGreaterThan(3 * parameters.numRuns)
    expect(passed / compared).toBeGreaterThan(0.2)
    expect(passed / compared).toBeLessThan(0.8)
  })
})
