import { describe, expect, test } from '@jest/globals'
import { keyMatcherOf } from '../../../src/events/matching/key-matcher.ts'
import { binding } from '../access/build-schema.ts'

function take(pattern: string, key: string) {
  const captures = keyMatcherOf(binding('events', pattern))(key, key.split('.'))
  const names = [...pattern.matchAll(/\{(\w+)#?\}/g)].map(([, name = '']) => name)
  return captures && Object.fromEntries(names.map((name) => [name, captures.get(name)]))
}

describe('a topic binding', () => {
  test.each<[pattern: string, key: string, captures: Record<string, string> | undefined]>([
    ['orders.{region}.*', 'orders.eu.paid', { region: 'eu' }],
    ['orders.{region}.*', 'orders.eu', undefined],
    ['orders.{region}.*', 'orders.eu.paid.late', undefined],
    ['orders.{region}.*', 'orders..paid', undefined],
    ['orders.{region}.*', 'orders.eu.', { region: 'eu' }],
    ['{a}.{b}', 'x.y', { a: 'x', b: 'y' }],
    ['{a}.{b}', 'x.', undefined],
    ['device.{id#}', 'device..x', { id: '.x' }],
    ['{a}', '', undefined],
    ['{a}', 'x', { a: 'x' }],
    ['shipment.{id}.#', 'shipment.7', { id: '7' }],
    ['shipment.{id}.#', 'shipment.7.a.b', { id: '7' }],
    ['#.{last}', 'a.b.c', { last: 'c' }],
    ['#.{last}', 'c', { last: 'c' }],
    ['#.{last}', 'c.', undefined],
    ['a.#.{x}.z', 'a.z', undefined],
    ['a.#.{x}.z', 'a.b.z', { x: 'b' }],
    ['a.#.{x}.z', 'a.z.b.z', { x: 'b' }],
    ['{a}.#.{b}', 'x.y', { a: 'x', b: 'y' }],
    ['{a}.#.{b}', 'x', undefined],
    ['{a}.#.{b}', 'x.m.n.y', { a: 'x', b: 'y' }],
    ['device.{id#}', 'device.a.b.c', { id: 'a.b.c' }],
    ['device.{id#}', 'device.a', { id: 'a' }],
    ['device.{id#}', 'device', undefined],
    ['device.{id#}', 'device.', undefined],
    ['{site}.*.{id#}', 'x.y.z', { site: 'x', id: 'z' }],
    ['#', '', {}],
    ['#', 'a.b', {}],
    ['a.*', 'a.b', {}],
    ['a.*', 'a.', {}],
    ['a.*', 'a', undefined],
    ['a.*', 'A.b', undefined],
  ])('%s and the key "%s"', (pattern, key, captures) => {
    expect(take(pattern, key)).toEqual(captures)
  })
})

test('a direct binding takes its key only, and wildcards are text in it', () => {
  const matches = keyMatcherOf(binding('events', 'a.*', { exchangeType: 'DIRECT' }))
  expect(matches('a.*', ['a', '*'])).toBeDefined()
  expect(matches('a.b', ['a', 'b'])).toBeUndefined()
})

test.each(['FANOUT', 'HEADERS'] as const)('a %s binding takes every key', (exchangeType) => {
  expect(keyMatcherOf(binding('events', 'a', { exchangeType }))('other', ['other'])).toBeDefined()
})
