import { describe, expect, test } from '@jest/globals'
import type { Message } from '../../../src/core/model/message.ts'
import { bindingOf, checkDefinition, type SourceDefinition, sourceId } from '../../../src/core/model/source.ts'
import { bindingMatcherOf, matcherOf } from '../../../src/core/sources/source-matcher.ts'
import { SourceRouter } from '../../../src/core/sources/source-router.ts'
import { GatewayError } from '../../../src/errors.ts'

function definition(given: Partial<SourceDefinition>): SourceDefinition {
  return { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'client.{clientId}', clientId: undefined, ...given }
}

function message(given: Partial<Message>): Message {
  return {
    exchange: 'orders',
    routingKey: '',
    body: Buffer.from('{}'),
    properties: {},
    redelivered: false,
    receivedAt: 0,
    ...given,
  }
}

function audience(source: Partial<SourceDefinition>, given: Partial<Message>) {
  return matcherOf(checkDefinition(definition(source)))(message(given))
}

function fieldOf(act: () => unknown): string | undefined {
  try {
    act()
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'BAD_USER_INPUT') return error.field
    throw error
  }
  return undefined
}

describe('a source finds the client id', () => {
  test.each([
    ['client.{clientId}', 'client.alice', ['alice']],
    ['client.{clientId}', 'client.alice.more', []],
    ['client.{clientId}', 'client', []],
    ['client.{clientId}', 'client.', []],
    ['client.{clientId}', 'other.alice', []],
    ['{clientId}', 'alice', ['alice']],
    ['orders.{clientId}.#', 'orders.alice', ['alice']],
    ['orders.{clientId}.#', 'orders.alice.placed.now', ['alice']],
    ['orders.*.{clientId}', 'orders.eu.alice', ['alice']],
    ['#.{clientId}', 'a.b.c.alice', ['alice']],
    ['#.{clientId}', 'alice', ['alice']],
    ['#.{clientId}.done', 'alice', []],
    ['a.#.{clientId}.z', 'a.b.c.alice.z', ['alice']],
    ['a.#.{clientId}.z', 'a.alice.z', ['alice']],
    ['a.#.{clientId}.z', 'a.z', []],
    ['{clientId}.#.end', 'alice.x.end', ['alice']],
    ['orders.{clientId}', 'orders.alice.created', []],
    ['client.{clientId#}', 'client.alice', ['alice']],
    ['client.{clientId#}', 'client.alice@example.com', ['alice@example.com']],
    ['client.{clientId#}', 'client.', []],
    ['client.{clientId#}', 'client', []],
    ['client.{clientId#}', 'clients.alice', []],
    ['{clientId#}', 'a.b.c', ['a.b.c']],
    ['*.of.{clientId#}', 'shop.of.a.b', ['a.b']],
    ['*.of.{clientId#}', 'shop.of', []],
    ['*.of.{clientId#}', 'shop.of.', []],
  ])('in the routing key: %s takes from %s %j', (routingKey, key, expected) => {
    expect(audience({ routingKey }, { routingKey: key })).toEqual(expected)
  })

  test('in a header, as text or number, in the message’s own headers only', () => {
    const source = { routingKey: '#', clientId: { header: 'x-client' } }
    expect(audience(source, { properties: { headers: { 'x-client': 'alice' } } })).toEqual(['alice'])
    expect(audience(source, { properties: { headers: { 'x-client': 42 } } })).toEqual(['42'])
    expect(audience(source, { properties: { headers: { 'x-client': '' } } })).toEqual([])
    expect(audience(source, { properties: { headers: {} } })).toEqual([])
    expect(audience(source, {})).toEqual([])
    const inherited = { routingKey: '#', clientId: { header: 'constructor' } }
    expect(audience(inherited, { properties: { headers: {} } })).toEqual([])
  })

  test('in the body, at a JSON pointer that may have several values', () => {
    const source = { routingKey: '#', clientId: { bodyPointer: '/to/0/client~1id' } }
    expect(audience(source, { body: Buffer.from('{"to":[{"client/id":"alice"}]}') })).toEqual(['alice'])
    expect(audience(source, { body: Buffer.from('{"to":[]}') })).toEqual([])
    const several = { routingKey: '#', clientId: { bodyPointer: '/to' } }
    expect(audience(several, { body: Buffer.from('{"to":["alice","bob",7,null]}') })).toEqual(['alice', 'bob', '7'])
    expect(audience(several, { body: Buffer.from('no json') })).toEqual([])
  })

  test('fixed, or everyone, for the keys that match the pattern', () => {
    expect(audience({ routingKey: 'news.#', clientId: { fixed: 'board' } }, { routingKey: 'news.eu' })).toEqual([
      'board',
    ])
    expect(audience({ routingKey: 'news.#', clientId: { fixed: 'board' } }, { routingKey: 'other' })).toEqual([])
    expect(audience({ routingKey: '#', clientId: { everyone: true } }, {})).toBe('everyone')
  })

  test('a direct exchange matches its one key; fanout and headers exchanges match any', () => {
    const fixed = { fixed: 'board' }
    expect(audience({ exchangeType: 'DIRECT', routingKey: 'k', clientId: fixed }, { routingKey: 'k' })).toEqual([
      'board',
    ])
    expect(audience({ exchangeType: 'DIRECT', routingKey: 'k', clientId: fixed }, { routingKey: 'l' })).toEqual([])
    for (const exchangeType of ['FANOUT', 'HEADERS'] as const) {
      expect(audience({ exchangeType, clientId: fixed }, { routingKey: 'whatever' })).toEqual(['board'])
    }
  })

  test('once for each client, even if several sources of the exchange match', () => {
    const sources = new SourceRouter()
    const make = (given: Partial<SourceDefinition>) => {
      const checked = checkDefinition(definition(given))
      return { ...checked, id: sourceId(checked), createdAt: new Date(), ownsExchange: false }
    }
    sources.add(make({ routingKey: 'client.{clientId}' }))
    sources.add(make({ routingKey: '#.{clientId}' }))
    const fixed = make({ routingKey: '#', clientId: { fixed: 'audit' } })
    sources.add(fixed)
    expect(sources.audienceOf(message({ routingKey: 'client.alice' }))).toEqual(['alice', 'audit'])
    sources.remove(fixed.id)
    expect(sources.audienceOf(message({ routingKey: 'client.alice' }))).toEqual(['alice'])
    expect(sources.audienceOf(message({ exchange: 'unknown', routingKey: 'client.alice' }))).toEqual([])
  })
})

describe('an invalid definition is refused with the wrong field', () => {
  test.each<[string, Partial<SourceDefinition>, string]>([
    ['the default exchange', { exchange: '' }, 'exchange'],
    ['{clientId} on a direct exchange', { exchangeType: 'DIRECT' }, 'routingKey'],
    ['{clientId} on a fanout exchange', { exchangeType: 'FANOUT' }, 'routingKey'],
    ['no way to the client id', { routingKey: 'news.#' }, 'routingKey'],
    ['two ways to the client id', { clientId: { fixed: 'a' } }, 'routingKey'],
    ['{clientId} twice', { routingKey: '{clientId}.{clientId}' }, 'routingKey'],
    ['{clientId} as part of a word', { routingKey: 'client-{clientId}' }, 'routingKey'],
    ['a misspelt placeholder', { routingKey: 'client.{clientid}' }, 'routingKey'],
    ['both placeholders', { routingKey: '{clientId}.{clientId#}' }, 'routingKey'],
    ['{clientId#} before the last word', { routingKey: '{clientId#}.created' }, 'routingKey'],
    ['{clientId#} after a #', { routingKey: '#.x.{clientId#}' }, 'routingKey'],
    ['{clientId#} on a direct exchange', { routingKey: '{clientId#}', exchangeType: 'DIRECT' }, 'routingKey'],
    ['an ambiguous position', { routingKey: '#.{clientId}.#' }, 'routingKey'],
    ['a key longer than AMQP allows', { routingKey: `${'x'.repeat(260)}.{clientId}` }, 'routingKey'],
    ['an invalid pointer', { routingKey: '#', clientId: { bodyPointer: 'to' } }, 'clientId.bodyPointer'],
    ['an empty header name', { routingKey: '#', clientId: { header: '' } }, 'clientId.header'],
    ['a fixed id with a space', { routingKey: '#', clientId: { fixed: 'a b' } }, 'clientId.fixed'],
    ['everyone: false', { routingKey: '#', clientId: { everyone: false } }, 'clientId.everyone'],
  ])('%s', (_what, given, field) => {
    expect(fieldOf(() => checkDefinition(definition(given)))).toBe(field)
  })

  test('the schema’s default key is ignored if the exchange ignores keys and the client id is elsewhere', () => {
    const checked = checkDefinition(definition({ exchangeType: 'FANOUT', clientId: { header: 'x-client' } }))
    expect(bindingOf(checked)).toEqual({ exchange: 'orders', key: '', arguments: {} })
  })
})

test('equal definitions have the same id, different ones have different ids', () => {
  const id = sourceId(definition({}))
  expect(sourceId(definition({}))).toBe(id)
  expect(sourceId(definition({ routingKey: 'x.{clientId}' }))).not.toBe(id)
  expect(sourceId(definition({ routingKey: '#', clientId: { fixed: 'a' } }))).not.toBe(
    sourceId(definition({ routingKey: '#', clientId: { header: 'a' } })),
  )
})

test('a binding has one wildcard word in place of {clientId}, and one or more for {clientId#}', () => {
  expect(bindingOf(definition({ routingKey: 'orders.{clientId#}' })).key).toBe('orders.*.#')
  expect(bindingOf(definition({ routingKey: 'orders.{clientId}.#' })).key).toBe('orders.*.#')
  expect(bindingOf(definition({ exchangeType: 'HEADERS', clientId: { fixed: 'a' } })).arguments).toEqual({
    'x-match': 'all',
  })
})

test.each<[Partial<SourceDefinition>, readonly string[], readonly string[]]>([
  [{ exchangeType: 'DIRECT', routingKey: 'a.b', clientId: { everyone: true } }, ['a.b'], ['a', 'a.b.c', '']],
  [{ exchangeType: 'FANOUT', clientId: { everyone: true } }, ['', 'x.y'], []],
  [{ exchangeType: 'HEADERS', clientId: { everyone: true } }, ['', 'x.y'], []],
  [{ routingKey: 'a.{clientId#}' }, ['a.x', 'a.x.y'], ['a', 'b.x']],
  [{ routingKey: 'a.{clientId}' }, ['a.x'], ['a', 'a.x.y', 'b.x']],
])('the binding of %j takes its keys and no others', (given, taken, left) => {
  const takes = bindingMatcherOf({ ...definition({ routingKey: '#' }), ...given })
  expect([taken.map(takes), left.map(takes)]).toEqual([taken.map(() => true), left.map(() => false)])
})
