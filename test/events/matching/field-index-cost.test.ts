import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { conditionsOf } from '../../../src/events/access/conditions.ts'
import { FieldIndex } from '../../../src/events/matching/field-index.ts'
import { MessageReading } from '../../../src/events/matching/message-reading.ts'
import type { EventField } from '../../../src/events/model/event-schema.ts'
import { pick, runs, weighted } from '../../support/property.ts'
import { argument, binding, enumMapping, eventField, word } from '../access/build-schema.ts'
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

describe('the cost of a message', () => {
  const json = '{"id":"77","state":"open"}'

  test('is one look-up for each set of conditions, not for each subscription', () => {
    const index = indexOf(orders)
    for (let id = 0; id < 20_000; id += 1) index.add(conditionsOf([[String(id)], undefined, undefined]))
    const message = reading({ json })
    expect(index.keysOf(message, noValue)).toHaveLength(1)
    expect([index.size, index.shapes, index.lookups]).toEqual([20_000, 1, 1])
    // One combination for each element of an array, and none where there is no value.
    index.keysOf(reading({ json: '{"id":[1,2,3,"3"]}' }), noValue)
    expect(index.lookups).toBe(4)
    index.keysOf(reading({ json: '{}' }), noValue)
    expect(index.lookups).toBe(4)
  })

  test('is at most 16 look-ups with four optional arguments', () => {
    const names = ['a', 'b', 'c', 'd']
    const index = indexOf(eventField('four', { conditions: names.map((name) => argument(name, 'Int')) }))
    for (let value = 0; value < 100; value += 1)
      for (let mask = 0; mask < 16; mask += 1)
        index.add(conditionsOf(names.map((_, bit) => (mask & (1 << bit) ? [String(value)] : undefined))))
    const message = reading({ json: '{"a":5,"b":5,"c":5,"d":5}' })
    expect(index.keysOf(message, noValue)).toHaveLength(16)
    expect([index.shapes, index.lookups]).toEqual([16, 16])
  })

  test('is one read of the body, and none if no condition in use is on it', () => {
    const index = indexOf(orders)
    const input = new TestInput({ json, routingKey: 'a.eu' })
    const message = new MessageReading(input, binding('events'), new Map([['region', 'eu']]))
    index.keysOf(message, noValue)
    index.add(conditionsOf([undefined, ['eu'], undefined]))
    index.add(conditionsOf([undefined, undefined, undefined]))
    expect([index.keysOf(message, noValue).length, input.bodyReads]).toEqual([2, 0])
    index.add(conditionsOf([['77'], ['eu'], undefined]))
    index.add(conditionsOf([['77'], undefined, ['OPEN']]))
    expect([index.keysOf(message, noValue).length, input.bodyReads]).toEqual([4, 1])
  })

  test('is bounded: more than 1,000 combinations in a shape make it invalid', () => {
    const index = indexOf(eventField('two', { conditions: [argument('a', 'Int'), argument('b', 'Int')] }))
    const list = (length: number) => JSON.stringify(Array.from({ length }, (_, item) => item))
    index.add(conditionsOf([['1'], ['1']]))
    const at = binding('events', '#', { body: ['m'] })
    const match = (a: number, b: number) =>
      index.match(reading({ json: `{"m":{"a":${list(a)},"b":${list(b)}}}` }, {}, at), noValue)
    expect(match(10, 100)).toMatchObject({ kind: 'matched', keys: [expect.any(String)] })
    expect(match(10, 101)).toEqual({
      kind: 'invalid',
      pointer: '/m/b',
      expected: 'arrays that make at most 1000 combinations of values, got 1010',
    })
    expect(match(0, 100_000)).toEqual({ kind: 'matched', keys: [] })
  })
})

describe('messages match what a scan of all subscriptions finds', () => {
  const names = ['a', 'b', 'c', 'd']
  const ids = pick('0', '1', '2', '3')
  const wanted = fc.option(fc.array(ids, { minLength: 1, maxLength: 3 }), { freq: 1, nil: undefined })
  const sent = weighted<string | number[] | undefined>(
    [2, fc.constant(undefined)],
    [3, fc.array(fc.nat(3), { maxLength: 3 })],
    [5, ids],
  )
  const allOf = <Value>(value: fc.Arbitrary<Value>) =>
    fc.array(value, { minLength: names.length, maxLength: names.length })
  /** `remove`: one of the subscriptions, if there are enough; else one is added. */
  const step = fc.record({ add: allOf(wanted), remove: fc.option(fc.nat(1_000), { freq: 1 }), message: allOf(sent) })

  test('while subscriptions come and go', () => {
    const check = fc.property(fc.array(step, { minLength: 60, maxLength: 60 }), (steps) => {
      const index = indexOf(eventField('four', { conditions: names.map((name) => argument(name, '[ID!]')) }))
      const live: ReturnType<typeof conditionsOf>[] = []
      for (const { add, remove, message } of steps) {
        if (live.length < 20 || remove === null) {
          const conditions = conditionsOf(add)
          live.push(conditions)
          index.add(conditions)
        } else {
          const [removed] = live.splice(remove % live.length, 1)
          if (removed) index.remove(removed)
        }
        const scanned = live.filter(({ values }) =>
          values.every((some, at) => {
            const there = message[at]
            return !some || (there !== undefined && [there].flat().some((item) => some.includes(`${item}`)))
          }),
        )
        const json = JSON.stringify(Object.fromEntries(names.map((name, at) => [name, message[at]])))
        const expected = [...new Set(scanned.map((conditions) => index.keyOf(conditions)))]
        expect([...index.keysOf(reading({ json }), noValue)].toSorted()).toEqual(expected.toSorted())
      }
    })
    fc.assert(check, runs(20))
  })
})

test('a message that @only excludes is filtered, however many combinations it makes', () => {
  const index = indexOf(
    eventField('one', {
      conditions: [argument('a', 'Int')],
      only: [{ place: { kind: 'header', name: 'h' }, in: ['x'] }],
    }),
  )
  index.add(conditionsOf([['1']]))
  const json = JSON.stringify({ a: Array.from({ length: 1_001 }, (_, item) => item) })
  expect(index.match(reading({ json }), noValue)).toEqual({ kind: 'filtered' })
  expect(index.match(reading({ json, properties: { headers: { h: 'x' } } }), noValue)).toMatchObject({
    kind: 'invalid',
    pointer: '/a',
  })
})
