import { describe, expect, test } from '@jest/globals'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { claim } from '../access/build-schema.ts'
import { callerWith, noToken } from '../access/callers.ts'
import { bodyOf, errorOf, place, render, send } from './message-fields.ts'

describe('the body', () => {
  test('is the only argument if that is an input object, with the names and texts of bodies', () => {
    const input = {
      customerID: 'alice',
      region: 'eu',
      state: 'OPEN',
      note: null,
      at: '2026-11-28T12:00:00+01:00',
      weight: 1.5,
    }
    expect(bodyOf(place(), { input, idempotencyKey: 'k' })).toBe(
      '{"customer_id":"alice","region":"eu","order_state":"open","weight":1.5,"note":null,"at":"2026-11-28T12:00:00+01:00"}',
    )
  })

  test('is an object of all arguments otherwise, without those that are left out or built in', () => {
    const args = { id: '7', text: 'a"b', count: 3, open: false, state: 'DONE', ids: ['1', '2'], idempotencyKey: 'k' }
    expect(bodyOf(send(), args)).toBe('{"id":"7","text":"a\\"b","count":3,"open":false,"state":"2","ids":["1","2"]}')
    expect(bodyOf(send(), {})).toBe('{}')
  })

  test('has BigInt and Decimal as numbers with every digit', () => {
    const input = {
      customerID: 'alice',
      state: 'OPEN',
      total: '12345678901234567890.10',
      big: ['9007199254740993', '-0'],
    }
    expect(bodyOf(place(), { input })).toContain('"total":12345678901234567890.10,"big":[9007199254740993,-0]')
    expect(bodyOf(send(), { total: '1e400' })).toBe('{"total":1e400}')
  })

  test('has the digits of JSON values', () => {
    expect(bodyOf(send(), { any: { a: [new JsonNumber('1.10')] } })).toBe('{"any":{"a":[1.10]}}')
  })

  test('can have a member of any name', () => {
    const input = { customerID: 'alice', state: 'OPEN', parent: { customerID: 'alice', state: 'DONE' } }
    expect(bodyOf(place(), { input })).toBe(
      '{"customer_id":"alice","order_state":"open","__proto__":{"customer_id":"alice","order_state":"2"}}',
    )
  })

  test('is refused with the path of a value that JSON cannot hold', () => {
    const lines = [{ sku: 'a' }, { sku: 'b', price: '01' }]
    expect(errorOf(() => bodyOf(place(), { input: { state: 'OPEN', lines } }))).toEqual({
      code: 'BAD_USER_INPUT',
      field: 'input.lines.1.price',
    })
    let deep: unknown = null
    for (let level = 0; level < 1_001; level += 1) deep = [deep]
    const names = 'id,text,count,open,state,ids,big,total,any'
    expect(errorOf(() => bodyOf(send(), { any: deep }))).toEqual({ code: 'BAD_USER_INPUT', field: names })
    for (let level = 0; level < 20_000; level += 1) deep = [deep]
    expect(errorOf(() => bodyOf(place(), { input: { state: 'OPEN', any: deep } }))).toEqual({
      code: 'BAD_USER_INPUT',
      field: 'input',
    })
  })
})

describe('an absent @owner value', () => {
  const filled = '{"customer_id":"alice","order_state":"open"'
  test.each<[what: string, input: Record<string, unknown>, body: string]>([
    ['is filled in', { state: 'OPEN' }, `${filled}}`],
    ['is filled in for null', { customerID: null, state: 'OPEN' }, `${filled}}`],
    [
      'is filled in inside lists',
      { state: 'OPEN', lines: [{ sku: 'a' }, { sku: 'b', owner: 'acme' }] },
      `${filled},"lines":[{"sku":"a","owner":"acme"},{"sku":"b","owner":"acme"}]}`,
    ],
    ['is filled in at every level', { state: 'OPEN', parent: { state: 'OPEN' } }, `${filled},"__proto__":${filled}}}`],
  ])('%s', (_what, input, body) => {
    expect(bodyOf(place(), { input })).toBe(body)
  })

  test('is asked for if the claim has several', () => {
    const field = send({ arguments: { id: [claim('tenants')] }, allow: [], owned: true })
    expect(errorOf(() => render(field, {}))).toEqual({ code: 'BAD_USER_INPUT', field: 'id' })
    expect(bodyOf(field, { id: 'b' })).toBe('{"id":"b"}')
    const list = send({ arguments: { ids: [claim('tenants')] }, allow: [], owned: true })
    expect(bodyOf(list, {})).toBe('{"ids":["a","b"]}')
    expect(errorOf(() => render(list, { ids: [] }))).toEqual({ code: 'BAD_USER_INPUT', field: 'ids' })
    expect(errorOf(() => render(list, { ids: ['a', 'c'] }))).toEqual({ code: 'FORBIDDEN' })
  })

  test('has the type of the argument', () => {
    const owned = (name: string) => send({ arguments: { [name]: [claim('level')] }, allow: [], owned: true })
    expect([bodyOf(owned('count'), {}), bodyOf(owned('id'), {}), bodyOf(owned('big'), {})]).toEqual([
      '{"count":7}',
      '{"id":"7"}',
      '{"big":7}',
    ])
    expect(errorOf(() => render(owned('text'), {}))).toEqual({ code: 'FORBIDDEN' })
  })

  test('is not filled in for a caller above @owner', () => {
    expect(bodyOf(place(), { input: { state: 'OPEN' } }, callerWith({ sub: 'root', scope: 'operator' }))).toBe(
      '{"order_state":"open"}',
    )
  })

  test('reaches the routing key', () => {
    expect(render(place({ routingKey: 'order.{input.customerID}' }), { input: { state: 'OPEN' } }).routingKey).toBe(
      'order.alice',
    )
  })

  test('is of the caller, and no other value is accepted', () => {
    expect(errorOf(() => render(place(), { input: { state: 'OPEN', lines: [{ sku: 'a', owner: 'other' }] } }))).toEqual(
      { code: 'FORBIDDEN' },
    )
    expect(errorOf(() => render(place(), { input: { state: 'OPEN' } }, noToken))).toEqual({ code: 'UNAUTHENTICATED' })
  })
})

describe('a routing key', () => {
  test.each<[template: string, args: Record<string, unknown>, key: string]>([
    ['order.place', {}, 'order.place'],
    ['', {}, ''],
    ['a.{id}.z', { id: 'x y' }, 'a.x y.z'],
    ['{count}.{open}.{state}', { count: -3, open: true, state: 'DONE' }, '-3.true.2'],
    ['order-{id}', { id: 'x' }, 'order-x'],
    ['a.{ids}', { ids: ['1'] }, 'a.1'],
    ['a.{id}', { id: 'x'.repeat(253) }, `a.${'x'.repeat(253)}`],
    ['a.{id}{text}', { id: '', text: 'b' }, 'a.b'],
    ['{claim:/tenant}.{claim:/level}', {}, 'acme.7'],
  ])('%s with %j', (template, args, key) => {
    expect(render(send({ routingKey: template }), args).routingKey).toBe(key)
  })

  test.each<[template: string, args: Record<string, unknown>, field: string]>([
    ['a.{id}', { id: '' }, 'id'],
    ['{id}.a', { id: '' }, 'id'],
    ['a.{id}', { id: null }, 'id'],
    ['a.{id}', {}, 'id'],
    ['a.{id}', { id: 'x.y' }, 'id'],
    ['a.{id}', { id: '*' }, 'id'],
    ['a.{id}', { id: 'a#' }, 'id'],
    ['a.{id}', { id: 'a\n' }, 'id'],
    ['a.{id}', { id: 'a\u0085' }, 'id'],
    ['a.{id}', { id: 'x'.repeat(254) }, 'id'],
    ['a.{ids}', { ids: ['1', '2'] }, 'ids'],
    ['a.{id}', { id: 'ü'.repeat(127) }, 'id'],
    ['a.{id}{text}', { id: '', text: '' }, 'text'],
    ['a.{text}', { text: '..' }, 'text'],
  ])('%s is refused with %j', (template, args, field) => {
    expect(errorOf(() => render(send({ routingKey: template }), args))).toEqual({ code: 'BAD_USER_INPUT', field })
  })

  test('names the path of an argument in an input object', () => {
    const field = place({ routingKey: 'order.{input.region}' })
    expect(errorOf(() => render(field, { input: { state: 'OPEN', region: 'a.b' } }))).toEqual({
      code: 'BAD_USER_INPUT',
      field: 'input.region',
    })
  })

  test('needs the claim that it names', () => {
    const field = send({ routingKey: '{claim:/nothing}' })
    expect(errorOf(() => render(field, {}))).toEqual({ code: 'FORBIDDEN' })
    expect(errorOf(() => render(field, {}, noToken))).toEqual({ code: 'UNAUTHENTICATED' })
    expect(errorOf(() => render(send({ routingKey: '{claim:/tenants}' }), {}))).toEqual({ code: 'FORBIDDEN' })
    expect(
      errorOf(() => render(send({ routingKey: '{claim:/tenant}' }), {}, callerWith({ sub: 'a', tenant: 'a.b' }))),
    ).toEqual({ code: 'BAD_USER_INPUT', field: '{claim:/tenant}' })
  })
})
