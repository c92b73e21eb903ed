import { describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { JsonScalar, TypedObject } from '../../../src/events/model/typed-value.ts'
import { compileProjection } from '../../../src/events/projection/compiled-projection.ts'
import { fixedProjection } from '../../../src/events/projection/fixed-projection.ts'
import { OperationProjections } from '../../../src/events/projection/operation-projections.ts'
import { builtSchema } from '../schema-builder.ts'

const { schema } = builtSchema(`
  type Subscription { order(id: ID, when: Boolean): Order event: Event! numbers: [Float] }
  interface Named { name: String }
  type Order implements Named { id: ID! name: String raw: JSON price(unit: String!): Decimal customer: Customer! }
  type Customer { id: ID! orders: [Order!] }
  union Event = Packed | Sent
  type Packed implements Named { name: String weight: Float } type Sent { name: Int! }
`)
const order = new TypedObject('Order', {
  id: 'o1',
  name: 'Größe "L"',
  raw: new JsonScalar(parseJson('{"n":1.0}')),
  price: '1.50',
  customer: new TypedObject('Customer', { id: '7', orders: null }),
})

function utf8(latin1: string | undefined): string | undefined {
  return latin1 === undefined ? undefined : Buffer.from(latin1, 'latin1').toString()
}

describe('a compiled projection', () => {
  const printed = (text: string, variables?: Record<string, unknown>) =>
    utf8(compileProjection(schema, parse(text), undefined, variables)?.print(order))

  test('prints the selection in response order, as latin1 of UTF-8', () => {
    expect(
      printed(`subscription { mine: order { __typename name ...F raw customer { id } ... on Named { id: name } } }
        fragment F on Order { customer { __typename } price(unit: "EUR") }`),
    ).toBe(
      '{"data":{"mine":{"__typename":"Order","name":"Größe \\"L\\"","customer":{"__typename":"Customer","id":"7"},' +
        '"price":"1.50","raw":{"n":1.0},"id":"Größe \\"L\\""}}}',
    )
  })

  test('of nothing is an empty object', () => {
    expect(printed('subscription { order { id @skip(if: true) } }')).toBe('{"data":{"order":{}}}')
  })

  test.each([
    ['selects several root fields', 'subscription { order { id } event { __typename } }', {}],
    ['selects only __typename', 'subscription { __typename }', {}],
    ['is a query', '{ none }', {}],
    ['has an invalid variable', 'subscription S($id: ID!) { order(id: $id) { id } }', {}],
    ['has null in a directive', 'subscription S($a: Boolean = true) { order { id @skip(if: $a) } }', { a: null }],
    ['has null in an argument', 'subscription S($u: String = "m") { order { price(unit: $u) } }', { u: null }],
  ])('is left to graphql-js where the operation %s', (_what, text, variables) => {
    expect(compileProjection(schema, parse(text), undefined, variables)).toBeUndefined()
  })

  test('prints null and lists', () => {
    const numbers = compileProjection(schema, parse('subscription { numbers }'), undefined, {})
    expect(numbers?.print(null)).toBe('{"data":{"numbers":null}}')
    expect(numbers?.print([1, null, -0, 1e21, 0.5])).toBe('{"data":{"numbers":[1,null,0,1e+21,0.5]}}')
  })

  test('throws for a value of another schema', () => {
    const event = compileProjection(schema, parse('subscription { event { __typename } }'), undefined, {})
    expect(() => event?.print(null)).toThrow('expected Packed or Sent, got null')
    expect(() => event?.print(order)).toThrow('expected Packed or Sent, got Order')
    const name = compileProjection(schema, parse('subscription { order { id } }'), undefined, {})
    expect(() => name?.print(new TypedObject('Order', {}))).toThrow('a typed value does not fit the schema')
  })

  test('names the selected fields, of interfaces too', () => {
    const text = 'subscription { event { ... on Named { name } ... on Sent { name @include(if: false) } } }'
    const selected = compileProjection(schema, parse(text), undefined, {})?.selectedFields
    expect([...(selected ?? [])].sort()).toEqual(['Named.name', 'Packed.name'])
  })
})

describe('the projections of an operation', () => {
  const text = `subscription S($id: ID!, $full: Boolean = false) {
    order(id: $id) { id customer @include(if: $full) { id } }
  }`

  test('are one for all values of root arguments', () => {
    const operation = new OperationProjections(schema, parse(text), 'S')
    const first = operation.of({ id: '1' })
    expect(first).toBeDefined()
    expect(operation.of({ id: '2', full: false })).toBe(first)
    // The caller coerces the arguments.
    expect(operation.of({})).toBe(first)
    const full = operation.of({ id: '1', full: true })
    expect(full).not.toBe(first)
    expect(utf8(full?.print(order))).toBe('{"data":{"order":{"id":"o1","customer":{"id":"7"}}}}')
    expect(operation.of({ id: '1', full: 'yes' })).toBeUndefined()
  })

  test('depend on variables of root directives, fragments and inner arguments', () => {
    const other = `subscription S($a: Boolean!, $b: Boolean!, $u: String!, $id: ID) {
      ...R @include(if: $a)
    } fragment R on Subscription { order(id: $id) @skip(if: $b) { price(unit: $u) } }`
    const operation = new OperationProjections(schema, parse(other), undefined)
    const given = { a: true, b: false, u: 'm', id: '1' }
    const first = operation.of(given)
    expect(first).toBeDefined()
    expect(operation.of({ ...given, id: '2' })).toBe(first)
    expect(operation.of({ ...given, u: 'n' })).not.toBe(first)
    expect(operation.of({ ...given, a: false })).toBeUndefined()
    expect(operation.of({ ...given, b: true })).toBeUndefined()
  })

  test('are kept in bounded number', () => {
    const operation = new OperationProjections(
      schema,
      parse('subscription S($u: String!) { order { price(unit: $u) } }'),
      undefined,
    )
    for (let number = 0; number < 1_000; number += 1) expect(operation.of({ u: String(number) })).toBeDefined()
    expect(operation.of({ u: '999' })).toBe(operation.of({ u: '999' }))
  })
})

describe('the fixed projection', () => {
  test('selects every field without required arguments, to level 5', () => {
    const inner = new TypedObject('Customer', { id: '9', orders: [order] })
    const outer = new TypedObject('Order', { ...order.fields, customer: inner })
    const customer = (id: string, orders = '') => `"customer":{"id":"${id}"${orders}}`
    const leaves = '"id":"o1","name":"Größe \\"L\\"","raw":{"n":1.0}'
    expect(utf8(fixedProjection(schema, 'order')?.print(outer))).toBe(
      `{${leaves},${customer('9', `,"orders":[{${leaves},${customer('7', ',"orders":null')}}]`)}}`,
    )
  })

  test('ends at level 5', () => {
    const selected = fixedProjection(builtSchema('type Subscription { a: A } type A { n: Int a: A }').schema, 'a')
    const value = (levels: number): TypedObject =>
      new TypedObject('A', { n: levels, a: levels === 1 ? null : value(levels - 1) })
    expect(selected?.print(value(7))).toBe('{"n":7,"a":{"n":6,"a":{"n":5,"a":{"n":4,"a":{"n":3}}}}}')
  })

  test('has __typename in unions', () => {
    const projection = fixedProjection(schema, 'event')
    expect(projection?.print(new TypedObject('Packed', { name: null, weight: 7 }))).toBe(
      '{"__typename":"Packed","name":null,"weight":7}',
    )
    expect([...(projection?.selectedFields ?? [])].sort()).toEqual(['Packed.name', 'Packed.weight', 'Sent.name'])
  })

  test('leaves out what the caller may not select', () => {
    const projection = fixedProjection(schema, 'event', (type, field) => `${type}.${field}` !== 'Packed.weight')
    expect(projection?.print(new TypedObject('Packed', { name: 'a', weight: 7 }))).toBe(
      '{"__typename":"Packed","name":"a"}',
    )
    expect(fixedProjection(schema, 'order', () => false)).toBeUndefined()
    expect(fixedProjection(schema, 'absent')).toBeUndefined()
  })

  test('prints leaves and lists', () => {
    expect(fixedProjection(schema, 'numbers')?.print([1, 2])).toBe('[1,2]')
  })
})
