import { expect, test } from '@jest/globals'
import type { Message } from '../../../src/core/model/message.ts'
import { type Source, type SourceDefinition, schemaSource, sourceId } from '../../../src/core/model/source.ts'
import { isReservedExchange } from '../../../src/core/sources/reserved-exchanges.ts'
import { type Routable, SourceRouter } from '../../../src/core/sources/source-router.ts'

function source(given: Partial<SourceDefinition> = {}): Source {
  const definition: SourceDefinition = {
    exchange: 'orders',
    exchangeType: 'TOPIC',
    routingKey: 'client.{clientId}',
    clientId: undefined,
    ...given,
  }
  return { ...definition, id: sourceId(definition), createdAt: new Date(0), ownsExchange: false }
}

function message(given: Partial<Message> = {}): Routable {
  const empty = { exchange: 'orders', routingKey: 'client.alice', body: Buffer.alloc(0), properties: {} }
  return { ...empty, redelivered: false, receivedAt: 0, ...given }
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const byBody = source({ routingKey: '#', clientId: { bodyPointer: '/to' } })
const everyone = source({ routingKey: 'all', clientId: { everyone: true } })

function routerOf(...sources: readonly Source[]): SourceRouter {
  const router = new SourceRouter(1_000)
  for (const one of sources) router.add(one)
  return router
}

test('serves each source once, and forgets one without the others of its exchange', () => {
  const router = new SourceRouter()
  const [one, other] = [source(), everyone]
  expect([router.add(one), router.add(one), router.add(other)]).toEqual([true, false, true])
  expect([router.list(), router.get(one.id)]).toEqual([[one, other], one])
  expect(router.labelOf(message())).toBe(one.id)
  expect(router.isForeign('orders')).toBe(false)

  expect([router.remove('none'), router.remove(one.id), router.remove(one.id)]).toEqual([undefined, one, undefined])
  expect([router.get(one.id), router.list(), router.labelOf(message())]).toEqual([undefined, [other], other.id])
  expect([router.audienceOf(message()), router.hasExchange('orders')]).toEqual([[], true])

  router.remove(other.id)
  expect([router.hasExchange('orders'), router.labelOf(message()), router.audienceOf(message())]).toEqual([
    false,
    undefined,
    [],
  ])
  // The journal may still hold its messages.
  expect([router.isForeign('orders'), router.isForeign('strange')]).toEqual([false, true])
})

test('names where a message goes: the journal, the queue of a buffered source, or nowhere', () => {
  const router = routerOf(source(), source({ exchange: 'slow', buffered: true }))
  expect(router.destinationOf('orders', 'client.alice')).toBe('journal')
  expect(router.destinationOf('slow', 'client.alice')).toBe('buffer')
  expect(router.destinationOf('orders', 'other')).toBeUndefined()
  expect(router.destinationOf('strange', 'client.alice')).toBeUndefined()
})

test('each channel once: within one source and over several', () => {
  const one = routerOf(byBody)
  expect(one.audienceOf(message({ body: json({ to: ['bob', 'bob', 'eve'] }) }))).toEqual(['bob', 'eve'])
  expect(one.audienceOf(message({ body: json({ to: 'bob' }) }))).toEqual(['bob'])
  const two = routerOf(byBody, source())
  expect(two.audienceOf(message({ body: json({ to: ['bob', 'alice'] }) }))).toEqual(['bob', 'alice'])
  const all = routerOf(source(), everyone)
  expect(all.audienceOf(message({ routingKey: 'all' }))).toBe('everyone')
  expect(all.audienceOf(message())).toEqual(['alice'])
  expect(routerOf(everyone).audienceOf(message({ routingKey: 'all' }))).toBe('everyone')
})

test('lists the sources that find a client; a body that is no JSON has none, another error is passed on', () => {
  const router = routerOf(byBody, source())
  const contentType = 'application/json'
  expect(router.matchingIds(message({ body: json({ to: 'bob' }) }))).toEqual([byBody.id, source().id])
  const broken = message({ body: Buffer.from('{'), properties: { contentType } })
  expect(router.matchingIds(broken)).toEqual([source().id])
  expect(() => router.audienceOf(broken)).toThrow('does not parse')
  expect(router.matchingIds(message({ exchange: 'strange' }))).toEqual([])
  expect(() => router.matchingIds(message({ body: null as unknown as Buffer }))).toThrow(TypeError)
})

test('names a source, and knows what its binding takes', () => {
  const router = new SourceRouter()
  const [topic, fanout] = [source(), source({ exchange: 'all', exchangeType: 'FANOUT', routingKey: '' })]
  for (const one of [topic, fanout]) router.add(one)
  expect([router.nameOf(topic.id), router.nameOf(fanout.id), router.nameOf('gone')]).toEqual([
    'orders client.{clientId}',
    'all',
    'gone',
  ])
  const takes = router.bindingOf(topic.id)
  expect(takes?.(message())).toBe(true)
  expect([takes?.(message({ exchange: 'all' })), takes?.(message({ routingKey: 'other' }))]).toEqual([false, false])
  expect(router.bindingOf('gone')).toBeUndefined()
})

test('a message of typed fields alone is for no client by design', () => {
  const typed = schemaSource({ exchange: 'orders', exchangeType: 'TOPIC', bindingKey: 'typed.#', declare: false })
  const router = routerOf(typed, source(), everyone)
  const seeks = (exchange: string, routingKey: string) => router.seeksClientFor({ exchange, routingKey })
  expect([seeks('orders', 'client.alice'), seeks('orders', 'all')]).toEqual([true, true])
  expect([seeks('orders', 'typed.a'), seeks('strange', 'all')]).toEqual([false, false])
  expect(router.destinationOf('orders', 'typed.a')).toBe('journal')
})

test('an audience is computed again only after the sources have changed', () => {
  const router = routerOf(source())
  const routed = message()
  const first = router.knownAudienceOf(routed)
  expect([first, router.knownAudienceOf(routed)]).toEqual([['alice'], ['alice']])
  expect(router.knownAudienceOf(routed)).toBe(first)
  const more = source({ routingKey: '#', clientId: { fixed: 'bob' } })
  router.add(more)
  expect(router.knownAudienceOf(routed)).toEqual(['alice', 'bob'])
  router.remove(more.id)
  expect(router.knownAudienceOf(routed)).toEqual(['alice'])
})

test.each([
  ['warren.control', true],
  ['any-name_1.buffer.orders', true],
  ['warren.dead', true],
  ['warren.events', false],
  ['warren.controls', false],
  ['control', false],
  ['my.warren.control', false],
  [`${'n'.repeat(63)}.room`, true],
  [`${'n'.repeat(64)}.room`, false],
])('%s is reserved: %s', (name, reserved) => {
  expect(isReservedExchange(name)).toBe(reserved)
})
