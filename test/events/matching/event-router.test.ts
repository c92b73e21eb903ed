import { describe, expect, test } from '@jest/globals'
import { UndecodableBody } from '../../../src/core/body/undecodable-body.ts'
import { conditionsOf } from '../../../src/events/access/conditions.ts'
import { compileFilter } from '../../../src/events/filters/compile-filter.ts'
import { EventRouter } from '../../../src/events/matching/event-router.ts'
import { TypedObject } from '../../../src/events/model/typed-value.ts'
import { argument, binding, eventField, eventSchema, fieldMapping, word } from '../access/build-schema.ts'
import { type InputOptions, TestInput } from './event-input.ts'

const orders = eventField('orders', {
  bindings: [
    binding('orders', 'orders.{region}.*'),
    binding('orders', 'orders.#', { body: ['m'] }),
    binding('legacy', '#', { exchangeType: 'FANOUT' }),
  ],
  conditions: [argument('id', 'ID'), argument('region', 'String', { place: word('region') })],
  filterable: true,
})
const audit = eventField('audit', {
  bindings: [binding('orders', '#')],
  only: [{ place: { kind: 'header', name: 'audit' }, in: ['yes'] }],
})
const other = eventField('other', { bindings: [binding('other', 'key')] })
const schema = eventSchema('type Subscription { orders: Order audit: Order other: Order } type Order { id: ID }', {
  events: [orders, audit, other],
  objects: { Order: { id: fieldMapping('id', { filterable: true }) } },
})
const noValue = () => undefined
const all = conditionsOf([undefined, undefined])
const byId = conditionsOf([['7'], undefined])
const everything = conditionsOf([])

function route(router: EventRouter, options: InputOptions) {
  return router
    .route(new TestInput(options), noValue)
    .map(({ field, outcome }) => [field.name, outcome.kind === 'matched' ? outcome.keys : outcome.kind])
}

describe('a message', () => {
  test('is for the fields in use with a binding that takes it', () => {
    const router = new EventRouter(schema)
    const message = {
      exchange: 'orders',
      routingKey: 'orders.eu.paid',
      json: '{"id":7}',
      properties: { headers: { audit: 'yes' } },
    }
    expect(route(router, message)).toEqual([])
    const key = router.add('orders', byId)
    expect(route(router, message)).toEqual([['orders', [key]]])
    const auditKey = router.add('audit', everything)
    router.add('other', everything)
    expect(route(router, message)).toEqual([
      ['orders', [key]],
      ['audit', [auditKey]],
    ])
    expect(route(router, { ...message, properties: {} })).toEqual([
      ['orders', [key]],
      ['audit', 'filtered'],
    ])
    expect(route(router, { ...message, exchange: 'unknown' })).toEqual([])
    router.remove('orders', byId)
    expect(route(router, message)).toEqual([['audit', [auditKey]]])
  })

  test('comes once to a field with several bindings, by the first that takes it', () => {
    const router = new EventRouter(schema)
    const key = router.add('orders', byId)
    const eu = router.add('orders', conditionsOf([undefined, ['eu']]))
    expect(route(router, { exchange: 'orders', routingKey: 'orders.eu.paid', json: '{"id":7,"m":{"id":8}}' })).toEqual([
      ['orders', [key, eu]],
    ])
    // The second binding captures nothing and has its payload elsewhere.
    expect(route(router, { exchange: 'orders', routingKey: 'orders.eu', json: '{"id":8,"m":{"id":7}}' })).toEqual([
      ['orders', [key]],
    ])
    expect(route(router, { exchange: 'legacy', routingKey: 'x', json: '{"id":7}' })).toEqual([['orders', [key]]])
    expect(route(router, { exchange: 'orders', routingKey: 'payments.eu', json: '{"id":7}' })).toEqual([])
  })

  test('with a body that cannot be decoded is judged by each field for itself', () => {
    const router = new EventRouter(schema)
    const auditKey = router.add('audit', everything)
    const message = {
      exchange: 'orders',
      routingKey: 'orders.eu.paid',
      properties: { headers: { audit: 'yes' } },
      error: new UndecodableBody('broken-json', 'broken'),
    }
    const key = router.add('orders', all)
    expect(route(router, message)).toEqual([
      ['orders', [key]],
      ['audit', [auditKey]],
    ])
    router.add('orders', byId)
    expect(route(router, message)).toEqual([
      ['orders', 'undecodable'],
      ['audit', [auditKey]],
    ])
  })

  test('is given to filters as its value for the field', () => {
    const router = new EventRouter(schema)
    const type = schema.schema.getSubscriptionType()?.getFields()['orders']?.type
    const filter = type && compileFilter(schema, type, { id: { startsWith: 'a' } })
    const key = router.add('orders', conditionsOf([undefined, undefined], filter))
    const keysFor = (id: string) => {
      const [match] = router.route(new TestInput({ exchange: 'legacy' }), (reading, field) => {
        expect([reading.binding.exchange, field]).toEqual(['legacy', orders])
        return new TypedObject('Order', { id })
      })
      return match?.outcome
    }
    expect([keysFor('ab'), keysFor('b')]).toEqual([
      { kind: 'matched', keys: [key] },
      { kind: 'matched', keys: [] },
    ])
  })

  test('can be read for a field that is not in use', () => {
    const router = new EventRouter(schema)
    const read = (field: string, routingKey: string) =>
      router.read(field, new TestInput({ exchange: 'orders', routingKey, json: '{"m":1}' }))
    expect(read('orders', 'orders.eu.paid')?.captures.get('region')).toBe('eu')
    expect(read('orders', 'orders.eu')?.payload).toBe(1)
    expect([read('orders', 'payments'), read('other', 'orders.eu')]).toEqual([undefined, undefined])
  })
})

test('knows its exchanges, and whether any field is in use', () => {
  const router = new EventRouter(schema)
  expect(['orders', 'legacy', 'other', 'unknown'].map((exchange) => router.hasExchange(exchange))).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect(router.isInUse).toBe(false)
  router.add('audit', everything)
  expect(router.isInUse).toBe(true)
  router.remove('audit', everything)
  expect(router.isInUse).toBe(false)
})

test('lists the fields with a binding that takes a message, in use or not', () => {
  const router = new EventRouter(schema)
  const fields = (exchange: string, routingKey: string) =>
    [...router.readings(new TestInput({ exchange, routingKey, json: '{"m":1}' }))].map(({ index, reading }) => [
      index.field.name,
      reading.binding.routingKey,
    ])
  expect(fields('orders', 'orders.eu')).toEqual([
    ['orders', 'orders.#'],
    ['audit', '#'],
  ])
  expect(fields('orders', 'payments')).toEqual([['audit', '#']])
  expect(fields('other', 'key')).toEqual([['other', 'key']])
  expect(fields('unknown', 'key')).toEqual([])
  expect(router.read('orders', new TestInput({ exchange: 'unknown' }))).toBeUndefined()
})

test('an error that is no fault of the body is thrown', () => {
  const router = new EventRouter(schema)
  router.add('orders', byId)
  expect(() => route(router, { exchange: 'legacy', error: new TypeError('bug') })).toThrow('bug')
  expect(() => router.add('none', all)).toThrow('the schema has no event field none')
})
