import { describe, expect, test } from '@jest/globals'
import { setWireType } from '../../../src/core/body/amqp-field-types.ts'
import { conditionsOf } from '../../../src/events/access/conditions.ts'
import type { CompiledFilter } from '../../../src/events/filters/compile-filter.ts'
import { FieldIndex, removedKey, valueIn } from '../../../src/events/matching/field-index.ts'
import { MessageReading } from '../../../src/events/matching/message-reading.ts'
import type { EventField } from '../../../src/events/model/event-schema.ts'
import type { Place } from '../../../src/events/model/place.ts'
import type { TypedValue } from '../../../src/events/model/typed-value.ts'
import { argument, binding, body, clientId, enumMapping, eventField, header, word } from '../access/build-schema.ts'
import { type InputOptions, TestInput } from './event-input.ts'

const enums = new Map([['State', enumMapping({ OPEN: 'open', DONE: 'done' })]])
const indexOf = (field: EventField) => new FieldIndex(field, { enums })
const noValue = () => undefined

function reading(options: InputOptions, captures: Record<string, string> = {}, at = binding('events')): MessageReading {
  return new MessageReading(new TestInput(options), at, new Map(Object.entries(captures)))
}

const orders = eventField('orders', {
  conditions: [
    argument('id', 'ID'),
    argument('region', 'String', { place: word('region') }),
    argument('state', '[State!]'),
  ],
})

describe('keys', () => {
  test('begin with a NUL and the name of the field', () => {
    expect(indexOf(orders).add(conditionsOf([['7'], undefined, undefined]))).toMatch(
      /^\0orders\0[\w-]{12}\[\[\["7"\]\],null\]$/,
    )
  })

  test('are in use until the last subscription with the conditions is removed', () => {
    const index = indexOf(orders)
    const conditions = () => conditionsOf([['7'], undefined, undefined])
    const key = index.add(conditions())
    expect(index.add(conditions())).toBe(key)
    const message = reading({ json: '{"id":7}' })
    expect([index.size, index.keysOf(message, noValue)]).toEqual([1, [key]])
    index.remove(conditions())
    expect([index.size, index.keysOf(message, noValue)]).toEqual([1, [key]])
    index.remove(conditions())
    expect([index.size, index.shapes, index.keysOf(message, noValue)]).toEqual([0, 0, []])
    index.remove(conditions())
    expect(index.size).toBe(0)
  })

  test('are found once, however many of their values a message has', () => {
    const index = indexOf(orders)
    const both = index.add(conditionsOf([['7', '8'], undefined, ['OPEN', 'DONE']]))
    const one = index.add(conditionsOf([['8'], undefined, ['DONE']]))
    const message = reading({ json: '{"id":["8","7",8],"state":["open","done"]}' })
    expect(new Set(index.keysOf(message, noValue))).toEqual(new Set([both, one]))
    expect(index.keysOf(message, noValue)).toHaveLength(2)
    index.remove(conditionsOf([['8', '7'], undefined, ['DONE', 'OPEN']]))
    expect(index.keysOf(message, noValue)).toEqual([one])
  })

  test('of other values do not collide', () => {
    const index = indexOf(eventField('two', { conditions: [argument('a', 'String'), argument('b', 'String')] }))
    index.add(conditionsOf([['1:a'], ['']]))
    index.add(conditionsOf([['1'], [':a']]))
    expect(index.keysOf(reading({ json: '{"a":"1","b":":a"}' }), noValue)).toEqual([
      expect.stringMatching(/^\0two\0[\w-]{12}\[\[\["1"\],\[":a"\]\],null\]$/),
    ])
    expect(index.keysOf(reading({ json: '{"a":"","b":"1:a"}' }), noValue)).toEqual([])
  })
})

describe('a message matches by the value at', () => {
  const cases: [what: string, type: string, place: Place, wanted: string, input: InputOptions, matches: boolean][] = [
    ['a member', 'ID', body('customer', 'id'), '7', { json: '{"customer":{"id":7}}' }, true],
    ['an element of an array', 'ID', body('ids'), '7', { json: '{"ids":[null,{},"8",7]}' }, true],
    ['no array inside an array', 'ID', body('ids'), '7', { json: '{"ids":[[7]]}' }, false],
    ['an index of an array', 'ID', body('ids', '1'), '8', { json: '{"ids":[7,8]}' }, true],
    ['no missing member', 'ID', body('id'), 'undefined', { json: '{}' }, false],
    ['no null', 'ID', body('id'), 'null', { json: '{"id":null}' }, false],
    ['no object', 'ID', body('id'), '[object Object]', { json: '{"id":{}}' }, false],
    ['no empty array', 'ID', body('id'), '', { json: '{"id":[]}' }, false],
    ['no inherited member', 'ID', body('constructor', 'name'), 'Object', { json: '{}' }, false],
    ['the payload itself', 'ID', body(), '7', { json: '7' }, true],
    ['nothing of a body that is no JSON', 'ID', body('id'), '7', {}, false],
    ['a header', 'ID', header('h'), 'x', { properties: { headers: { h: 'x' } } }, true],
    ['a header with another case', 'ID', header('h'), 'x', { properties: { headers: { H: 'x' } } }, false],
    ['a header that is a number', 'Int', header('h'), '7', { properties: { headers: { h: 7 } } }, true],
    [
      'a header that is a 64-bit integer',
      'ID',
      header('h'),
      '9007199254740993',
      { properties: { headers: { h: 9007199254740993n } } },
      true,
    ],
    ['a header that is a boolean', 'Boolean', header('h'), 'true', { properties: { headers: { h: true } } }, true],
    [
      'no header that is a table',
      'String',
      header('h'),
      '[object Object]',
      { properties: { headers: { h: { a: 1 } } } },
      false,
    ],
    ['no header of the prototype', 'String', header('toString'), 'x', { properties: { headers: {} } }, false],
    [
      'the message id',
      'String',
      { kind: 'property', property: 'MESSAGE_ID' },
      'm',
      { properties: { messageId: 'm' } },
      true,
    ],
    ['the type', 'String', { kind: 'property', property: 'TYPE' }, 't', { properties: { type: 't' } }, true],
    [
      'the timestamp',
      'String',
      { kind: 'property', property: 'TIMESTAMP' },
      '1970-01-01T00:00:01.000Z',
      { properties: { timestamp: 1_000 } },
      true,
    ],
    [
      'the time of arrival',
      'String',
      { kind: 'property', property: 'RECEIVED_AT' },
      '2026-11-28T00:00:00.000Z',
      {},
      true,
    ],
    [
      'whether it was redelivered',
      'Boolean',
      { kind: 'property', property: 'REDELIVERED' },
      'true',
      { redelivered: true },
      true,
    ],
    ['the routing key', 'String', { kind: 'property', property: 'ROUTING_KEY' }, 'a.b', { routingKey: 'a.b' }, true],
    ['the exchange', 'String', { kind: 'property', property: 'EXCHANGE' }, 'e', { exchange: 'e' }, true],
    ['the cursor', 'String', { kind: 'property', property: 'CURSOR' }, 'cursor', {}, true],
    ['no gap', 'String', { kind: 'property', property: 'GAP' }, 'undefined', {}, false],
    ['that its key is not removed', 'Boolean', { kind: 'property', property: 'REMOVED' }, 'false', {}, true],
    [
      'the correlation id',
      'String',
      { kind: 'property', property: 'CORRELATION_ID' },
      'c',
      { properties: { correlationId: 'c' } },
      true,
    ],
    [
      'the content type',
      'String',
      { kind: 'property', property: 'CONTENT_TYPE' },
      'text/plain',
      { properties: { contentType: 'text/plain' } },
      true,
    ],
    ['the app id', 'String', { kind: 'property', property: 'APP_ID' }, 'shop', { properties: { appId: 'shop' } }, true],
    ['no missing timestamp', 'String', { kind: 'property', property: 'TIMESTAMP' }, 'undefined', {}, false],
    ['a header that is false', 'Boolean', header('h'), 'false', { properties: { headers: { h: false } } }, true],
    ['a header that is a fraction', 'Float', header('h'), '1.5', { properties: { headers: { h: 1.5 } } }, true],
    [
      'a header that is a time',
      'String',
      header('h'),
      '1970-01-01T00:00:01.000Z',
      { properties: { headers: { h: new Date(1_000) } } },
      true,
    ],
    ['no header that is an array', 'String', header('h'), 'x', { properties: { headers: { h: ['x'] } } }, false],
    ['no missing header', 'String', header('h'), 'undefined', { properties: { headers: {} } }, false],
    ['no missing property', 'String', { kind: 'property', property: 'APP_ID' }, 'undefined', {}, false],
  ]
  test.each(cases)('%s', (_what, type, place, wanted, input, matches) => {
    const index = indexOf(eventField('one', { conditions: [argument('a', type, { place })] }))
    const key = index.add(conditionsOf([[wanted]]))
    expect(index.keysOf(reading(input), noValue)).toEqual(matches ? [key] : [])
  })

  test.each(['double', 'float'] as const)(
    'a header that was sent as a %s is no id, because it may be rounded',
    (type) => {
      const headers = { h: 7 }
      setWireType(headers, 'h', type)
      const index = indexOf(
        eventField('two', {
          conditions: [argument('id', 'ID', { place: header('h') }), argument('n', 'Int', { place: header('h') })],
        }),
      )
      index.add(conditionsOf([['7'], undefined]))
      const byNumber = index.add(conditionsOf([undefined, ['7']]))
      expect(index.keysOf(reading({ properties: { headers } }), noValue)).toEqual([byNumber])
    },
  )

  test('a captured word, read by the type of the argument', () => {
    const index = indexOf(eventField('one', { conditions: [argument('n', 'Int', { place: word('n') })] }))
    const key = index.add(conditionsOf([['7']]))
    const keysOf = (captures: Record<string, string>) => index.keysOf(reading({}, captures), noValue)
    expect([keysOf({ n: '7' }), keysOf({ n: '07' }), keysOf({})]).toEqual([[key], [], []])
  })

  test('the payload of the binding, and the envelope whatever it is', () => {
    const field = eventField('one', {
      conditions: [argument('id', 'ID'), argument('kind', 'ID', { place: { kind: 'envelope', pointer: ['kind'] } })],
    })
    const index = indexOf(field)
    const key = index.add(conditionsOf([['7'], ['new']]))
    const at = binding('events', '#', { body: ['message'] })
    expect(index.keysOf(reading({ json: '{"kind":"new","id":"0","message":{"id":7}}' }, {}, at), noValue)).toEqual([
      key,
    ])
    expect(index.keysOf(reading({ json: '{"kind":"new","id":7}' }, {}, at), noValue)).toEqual([])
  })

  test('the place of the owner', () => {
    const index = indexOf(eventField('mine', { ownerPlaces: [{ claim: clientId, place: body('owners') }] }))
    const alice = index.add(conditionsOf([['alice']]))
    const bob = index.add(conditionsOf([['bob', 'team']]))
    const all = index.add(conditionsOf([undefined]))
    const keysOf = (json: string) => new Set(index.keysOf(reading({ json }), noValue))
    expect(keysOf('{"owners":"alice"}')).toEqual(new Set([alice, all]))
    expect(keysOf('{"owners":["team","alice","bob"]}')).toEqual(new Set([alice, bob, all]))
    expect(keysOf('{}')).toEqual(new Set([all]))
  })
})

describe('a message is too large for the conditions', () => {
  const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => index + from)
  const field = eventField('many', {
    conditions: [
      argument('a', 'Int'),
      argument('b', 'Int'),
      argument('kind', 'ID', { place: { kind: 'envelope', pointer: ['ki/nd'] } }),
    ],
    only: [{ place: header('h'), in: ['x'] }],
  })
  const properties = { headers: { h: 'x' } }

  test('if its arrays make more than 1,000 combinations, and the longest array is named', () => {
    const index = indexOf(field)
    const both = index.add(conditionsOf([['1'], ['2'], undefined]))
    const match = (a: number[], b: number[], at = binding('events', '#', { body: ['m'] })) =>
      index.match(reading({ json: JSON.stringify({ m: { a, b } }), properties }, {}, at), noValue)
    expect(match(numbers(20), numbers(50))).toEqual({ kind: 'matched', keys: [both] })
    expect(match(numbers(21), numbers(50))).toEqual({
      kind: 'invalid',
      pointer: '/m/b',
      expected: 'arrays that make at most 1000 combinations of values, got 1050',
    })
    expect(match(numbers(1_001), [2])).toMatchObject({ kind: 'invalid', pointer: '/m/a' })
    expect(match(numbers(2_000), [])).toEqual({ kind: 'matched', keys: [] })
  })

  test('at a place of the envelope, whatever other subscriptions it matches, unless @only filters it', () => {
    const index = indexOf(field)
    index.add(conditionsOf([['1'], undefined, undefined]))
    index.add(conditionsOf([undefined, undefined, ['7']]))
    const json = JSON.stringify({ 'ki/nd': numbers(1_001), m: { a: 1 } })
    const at = binding('events', '#', { body: ['m'] })
    expect(index.match(reading({ json, properties }, {}, at), noValue)).toMatchObject({
      kind: 'invalid',
      pointer: '/ki~1nd',
    })
    expect(index.match(reading({ json }, {}, at), noValue)).toEqual({ kind: 'filtered' })
  })
})

describe('the conditions that exclude a message', () => {
  const field = eventField('orders', {
    conditions: [argument('id', 'ID'), argument('state', 'State'), argument('customer', 'String')],
    ownerPlaces: [{ claim: clientId, place: body('owner') }],
  })
  const message = '{"id":["7","8"],"state":"open","customer":"7:x","owner":"alice"}'
  const never: CompiledFilter = { key: 'never', fields: new Set(), test: () => false }
  const always: CompiledFilter = { key: 'always', fields: new Set(), test: () => true }
  const names = (...subscriptions: Parameters<typeof conditionsOf>[]) => {
    const index = indexOf(field)
    for (const conditions of subscriptions) index.add(conditionsOf(...conditions))
    return index.excludingConditions(reading({ json: message }), () => 'value')
  }

  test.each<[what: string, expected: string[], subscriptions: Parameters<typeof conditionsOf>[]]>([
    ['none without subscriptions', [], []],
    ['none if it matches', [], [[[['7'], ['OPEN'], undefined, undefined]]]],
    ['none if it matches by one of two', [], [[[['9']]], [[['8']]]]],
    ['the first that differs', ['id'], [[[['9'], ['DONE']]]]],
    ['the second if only that differs', ['state'], [[[['7'], ['DONE'], ['7:x']]]]],
    ['the third, of values with any digits and colons', ['customer'], [[[['7'], ['OPEN'], ['x']]]]],
    ['the owner', ['owner'], [[[undefined, undefined, undefined, ['bob']]]]],
    [
      'one for each set, once',
      ['id', 'owner'],
      [[[['9']]], [[['9'], ['OPEN']]], [[undefined, undefined, undefined, ['bob']]]],
    ],
    ['all if each value is in use, and not together', ['id and state'], [[[['7'], ['DONE']]], [[['9'], ['OPEN']]]]],
    ['the filter if all others hold', ['filter'], [[[['7'], ['OPEN']], never]]],
    ['none if the filter passes', [], [[[['7'], ['OPEN']], always]]],
    ['the filter of a subscription without conditions', ['filter'], [[[], never]]],
  ])('are %s', (_what, expected, subscriptions) => {
    expect(names(...subscriptions)).toEqual(expected)
  })
})

test('a verdict is judged by its value; a removed key passes every filter, and nothing else does', () => {
  expect(valueIn({ kind: 'valid', value: 'v', invalid: [] })).toBe('v')
  expect(valueIn({ kind: 'valid', value: null, invalid: [], removed: 'k' })).toBe(removedKey)
  expect(valueIn({ kind: 'filtered' })).toBeUndefined()
  const index = indexOf(orders)
  const key = index.add(conditionsOf([['7']], { key: 'never', fields: new Set(), test: () => false }))
  const message = reading({ json: '{"id":7}' })
  expect([index.keysOf(message, () => removedKey), index.keysOf(message, () => 'v')]).toEqual([[key], []])
})

test('an index of one subscription matches only its messages', () => {
  const index = indexOf(orders)
  index.add(conditionsOf([['8']]))
  const only = index.only(conditionsOf([undefined, undefined, ['OPEN']]))
  expect([only.size, only.shapes]).toEqual([1, 1])
  expect(only.keysOf(reading({ json: '{"id":8,"state":"open"}' }), noValue)).toHaveLength(1)
  expect(only.keysOf(reading({ json: '{"id":8,"state":"done"}' }), noValue)).toEqual([])
})

describe('the key of equal conditions', () => {
  const keyOf = (
    field: EventField,
    schemaEnums = enums,
    values: Parameters<typeof conditionsOf>[0] = [['7'], undefined, ['OPEN']],
  ) => new FieldIndex(field, { enums: schemaEnums }).keyOf(conditionsOf(values))
  const changed = (conditions: EventField['conditions']) => ({ ...orders, conditions })
  const [id, region, state] = orders.conditions as [
    EventField['conditions'][0],
    EventField['conditions'][0],
    EventField['conditions'][0],
  ]

  test('is the same after a change that does not concern them', () => {
    expect(keyOf(changed([id, { ...region, place: word('area') }, state]))).toBe(keyOf(orders))
    const otherEnums = new Map([...enums, ['Other', enumMapping({ A: 'a' })]])
    expect(keyOf(orders, otherEnums)).toBe(keyOf(orders))
  })

  test.each<[what: string, field: EventField, schemaEnums: typeof enums]>([
    ['the place of a condition', changed([{ ...id, place: body('key') }, region, state]), enums],
    ['the type of a condition', changed([{ ...id, kind: 'Int' }, region, state]), enums],
    ['the name of a condition', changed([{ ...id, name: 'key' }, region, state]), enums],
    ['the values of an enum', orders, new Map([['State', enumMapping({ OPEN: 'OPEN', DONE: 'done' })]])],
    ['a binding', { ...orders, bindings: [binding('events', 'other')] }, enums],
    ['@only', { ...orders, only: [{ place: body('v'), in: ['1'] }] }, enums],
  ])('differs if %s has changed', (_what, field, schemaEnums) => {
    expect(keyOf(field, schemaEnums)).not.toBe(keyOf(orders))
  })

  test('differs if the place of the owner has changed', () => {
    const of = (name: string) => eventField('mine', { ownerPlaces: [{ claim: clientId, place: body(name) }] })
    expect(keyOf(of('a'), enums, [['alice']])).not.toBe(keyOf(of('b'), enums, [['alice']]))
    expect(keyOf(of('a'), enums, [undefined])).toBe(keyOf(of('b'), enums, [undefined]))
  })

  test('is short, however long their values are, and differs for different ones', () => {
    const long = (end: string) => keyOf(orders, enums, [['x'.repeat(1_000) + end]])
    expect(long('a').length).toBeLessThan(60)
    expect(long('a')).not.toBe(long('b'))
  })
})

test('the text of the first condition', () => {
  const text = (json: string) => indexOf(orders).firstTextOf(reading({ json }))
  expect(['{"id":7}', '{"id":["7"]}', '{"id":["7","8"]}', '{}'].map(text)).toEqual(['7', '', '', ''])
  expect(indexOf(eventField('none')).firstTextOf(reading({ json: '{"id":7}' }))).toBe('')
})

describe('@only', () => {
  const field = eventField('one', {
    conditions: [argument('id', 'ID')],
    only: [
      { place: body('v'), in: ['1', 'two', 'true'] },
      { place: header('h'), in: ['x'] },
    ],
  })
  test.each<[json: string, h: string, kind: string]>([
    ['{"id":7,"v":1}', 'x', 'matched'],
    ['{"id":7,"v":"1"}', 'x', 'matched'],
    ['{"id":7,"v":"two"}', 'x', 'matched'],
    ['{"id":7,"v":true}', 'x', 'matched'],
    ['{"id":7,"v":[0,"two"]}', 'x', 'matched'],
    ['{"id":7,"v":1.0}', 'x', 'filtered'],
    ['{"id":7,"v":"Two"}', 'x', 'filtered'],
    ['{"id":7}', 'x', 'filtered'],
    ['{"id":7,"v":null}', 'x', 'filtered'],
    ['{"id":7,"v":{}}', 'x', 'filtered'],
    ['{"id":7,"v":1}', 'y', 'filtered'],
  ])('%s with %s is %s', (json, h, kind) => {
    const index = indexOf(field)
    index.add(conditionsOf([['7']]))
    expect(index.match(reading({ json, properties: { headers: { h } } }), noValue).kind).toBe(kind)
  })
})

describe('filters', () => {
  const calls: string[] = []
  const filter = (key: string, passes: boolean): CompiledFilter => ({
    key,
    fields: new Set(),
    test: () => {
      calls.push(key)
      return passes
    },
  })

  test('narrow a key, and equal ones are evaluated once a message', () => {
    const index = indexOf(orders)
    const plain = index.add(conditionsOf([['7'], undefined, undefined]))
    const passing = index.add(conditionsOf([['7'], undefined, undefined], filter('yes', true)))
    const other = index.add(conditionsOf([undefined, undefined, undefined], filter('yes', true)))
    index.add(conditionsOf([['7'], undefined, undefined], filter('no', false)))
    index.add(conditionsOf([['8'], undefined, undefined], filter('never', true)))
    let values = 0
    const valueOf = (): TypedValue => {
      values += 1
      return 'value'
    }
    expect(new Set(index.keysOf(reading({ json: '{"id":7}' }), valueOf))).toEqual(new Set([plain, passing, other]))
    expect([calls.toSorted(), values]).toEqual([['no', 'yes'], 1])
  })

  test('are not passed by a message without a value, and no value is made without them', () => {
    const index = indexOf(orders)
    const plain = index.add(conditionsOf([['7'], undefined, undefined]))
    index.add(conditionsOf([['8'], undefined, undefined], filter('yes', true)))
    const mustNotBeCalled = () => {
      throw new Error('called')
    }
    expect(index.keysOf(reading({ json: '{"id":7}' }), mustNotBeCalled)).toEqual([plain])
    expect(index.keysOf(reading({ json: '{"id":8}' }), noValue)).toEqual([])
  })
})
