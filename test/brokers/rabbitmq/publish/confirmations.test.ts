import { afterEach, describe, expect, test } from '@jest/globals'
import type { GatewayPublication } from '../../../../src/brokers/driver.ts'
import { Publisher, type PublisherOptions } from '../../../../src/brokers/rabbitmq/publish/publisher.ts'
import { ReadBack } from '../../../../src/brokers/rabbitmq/publish/read-back.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import { eventually } from '../../../support/eventually.ts'
import { take } from '../connections.ts'
import { type Arrived, ScriptedBroker } from './scripted-broker.ts'

const open: Publisher[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((publisher) => publisher.close()))
})

function publisherTo(broker: ScriptedBroker, options: Partial<PublisherOptions> = {}): Publisher {
  const timings = { checkMs: 10, overtakenMs: 50, unansweredMs: 150, probeMs: 60, silentMs: 150 }
  const publisher = new Publisher(broker.openConnection, {}, { defaultExchange: 'events', timings, ...options })
  open.push(publisher)
  return publisher
}

function message(messageId: string, change: Partial<GatewayPublication> = {}): GatewayPublication {
  return { routingKey: 'k', body: Buffer.from(messageId), properties: { messageId }, into: 'journal', ...change }
}

/** The names of those that have resolved. */
function resolvedOf(publications: Readonly<Record<string, Promise<unknown>>>): string[] {
  const resolved: string[] = []
  for (const [id, publication] of Object.entries(publications)) {
    publication.then(
      () => resolved.push(id),
      () => {},
    )
  }
  return resolved
}

function idsOf(arrived: readonly Arrived[]): string[] {
  return arrived.map(({ id }) => id)
}

describe('a publication', () => {
  test('counts as confirmed only when all earlier ones on its channel are answered', async () => {
    const broker = new ScriptedBroker()
    const publisher = publisherTo(broker, { timings: {} })
    const resolved = resolvedOf({
      a: publisher.publish(message('a')),
      b: publisher.publish(message('b')),
      c: publisher.publish(message('c')),
      elsewhere: publisher.publish(message('elsewhere', { exchange: 'other' })),
    })
    const arrived = await take(broker.arrived, 4)
    const [a, b, c, elsewhere] = ['a', 'b', 'c', 'elsewhere'].map((id) => arrived.find((one) => one.id === id))
    c?.confirm()
    b?.confirm()
    elsewhere?.confirm()
    await eventually('the publication to the other exchange', () => resolved.length > 0)
    expect(resolved).toEqual(['elsewhere'])
    a?.confirm()
    await eventually('all publications', () => resolved.length === 4)
    expect(resolved).toEqual(['elsewhere', 'a', 'b', 'c'])
    expect(a?.channel).not.toBe(elsewhere?.channel)
  })

  test('is published again with all later ones if it stays unanswered and they are answered', async () => {
    const broker = new ScriptedBroker()
    const publisher = publisherTo(broker)
    const ids = ['a', 'b', 'c', 'd']
    const all = Promise.all(ids.map((id) => publisher.publish(message(id))))
    const [a, ...later] = await take(broker.arrived, 4)
    for (const one of later) one.confirm()
    const again = await take(broker.arrived, 4)
    expect(idsOf(again)).toEqual(ids)
    expect(again.every(({ isRepeated }) => isRepeated)).toBe(true)
    expect(again[0]?.channel).not.toBe(a?.channel)
    for (const one of again) one.confirm()
    await all
  })

  test('is not published again once it was read back from the journal', async () => {
    const broker = new ScriptedBroker()
    const publisher = publisherTo(broker)
    const all = Promise.all([
      publisher.publish(message('stored'), { repeated: false, isStored: () => true }),
      publisher.publish(message('not')),
    ])
    // A message stored before it was sent needs no publication.
    const [not] = await take(broker.arrived, 1)
    broker.lose()
    const [again] = await take(broker.arrived, 1)
    again?.confirm()
    await all
    expect([not?.id, again?.id]).toEqual(['not', 'not'])
    expect(again?.isRepeated).toBe(true)
  })

  test.each([
    ['a return', (publisher: Publisher, arrived: Arrived) => (void publisher, arrived.giveBack(), arrived.confirm())],
    [
      'a journal that was declared again',
      (publisher: Publisher, arrived: Arrived) => (publisher.renew(), arrived.confirm()),
    ],
  ])('after %s goes over another channel', async (_what, happens) => {
    const broker = new ScriptedBroker()
    const publisher = publisherTo(broker)
    const first = publisher.publish(message('first')).catch(() => 'refused')
    const [before] = await take(broker.arrived, 1)
    if (before) happens(publisher, before)
    await first
    const second = publisher.publish(message('second'))
    const [after] = await take(broker.arrived, 1)
    expect(after?.channel).not.toBe(before?.channel)
    after?.confirm()
    await second
  })
})

describe('a node without confirms', () => {
  const probe = () => message('probe', { exchange: 'probes' })

  test('is left, and its unconfirmed publications are published again', async () => {
    const broker = new ScriptedBroker()
    const publisher = publisherTo(broker, { probe })
    const sent = publisher.publish(message('a'))
    await eventually('the connection to leave the node', () => broker.failures.length === 1)
    expect(broker.failures[0]?.message).toContain('confirms nothing')
    const seen: Arrived[] = []
    while (!seen.some(({ id, isRepeated }) => id === 'a' && isRepeated)) seen.push(await broker.arrived.next())
    broker.onArrived = (one) => one.confirm()
    for (const one of seen) one.confirm()
    await sent
  })

  test('is distinguished from one queue without confirms: others are not disturbed', async () => {
    const broker = new ScriptedBroker()
    const publisher = publisherTo(broker, { probe, limits: { publishTimeoutMs: 600 } })
    const dead = publisher.publish(message('dead', { exchange: 'other', into: undefined }))
    const refused = expect(dead).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    let probes = 0
    broker.onArrived = (one) => {
      if (one.exchange !== 'probes') return
      probes += 1
      one.confirm()
    }
    await refused
    expect(probes).toBeGreaterThan(0)
    expect(broker.failures).toEqual([])
  })
})

describe('reading back from the journal', () => {
  const entryOf = ({ body, properties }: GatewayPublication, offset: number): JournalMessage => ({
    exchange: 'events',
    routingKey: 'k',
    body,
    properties,
    redelivered: false,
    receivedAt: 0,
    offset,
    mark: false,
  })

  function journal() {
    const published: { publication: GatewayPublication; repeated: boolean }[] = []
    const notStored: number[] = []
    let fences = 0
    const readBack = new ReadBack({
      publish: (publication, { repeated }) => {
        published.push({ publication, repeated })
        return Promise.resolve()
      },
      renew: () => {},
      onNotStored: (messages) => notStored.push(messages),
      timeoutMs: 500,
      maxBytes: 1_000,
      maxMessages: 100,
      timings: { checkMs: 5, missingMs: 20 },
    })
    readBack.useFence(() => {
      fences += 1
      return Promise.resolve()
    })
    return { readBack, published, notStored, fences: () => fences }
  }

  test('resolves with the entry, even if others have the same id or the same body', async () => {
    const { readBack } = journal()
    const mine = readBack.publish(message('a', { exchange: 'events' }))
    readBack.onJournalEntry({ ...entryOf(message('a'), 1), body: Buffer.from('another') })
    readBack.onJournalEntry({ ...entryOf(message('a'), 2), routingKey: 'other' })
    readBack.onJournalEntry(entryOf(message('a'), 3))
    expect((await mine)?.offset).toBe(3)
  })

  test('publishes again, with its header, what RabbitMQ confirmed and the journal lacks', async () => {
    const { readBack, published, notStored, fences } = journal()
    const lost = readBack.publish(message('a', { exchange: 'events' }))
    await eventually('a second copy', () => published.length === 2)
    expect(published.map(({ repeated }) => repeated)).toEqual([false, true])
    expect(fences()).toBe(1)
    expect(notStored).toEqual([1])
    readBack.onJournalEntry(entryOf(message('a'), 7))
    expect((await lost)?.offset).toBe(7)
  })

  test('waits for a bounded number at a time, and leaves room beside one payer for others', async () => {
    const { readBack } = journal()
    const large = (messageId: string, payer: string) =>
      readBack.publish(message(messageId, { exchange: 'events', body: Buffer.alloc(400), payer }))
    const first = large('first', 'one')
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('has not received them yet') }
    await expect(large('second', 'one')).rejects.toMatchObject(refusal)
    const other = large('other', 'another')
    expect(readBack.expectedBytes).toBe(800)
    readBack.onJournalEntry({ ...entryOf(message('first'), 1), body: Buffer.alloc(400) })
    readBack.onJournalEntry({ ...entryOf(message('other'), 2), body: Buffer.alloc(400) })
    await Promise.all([first, other])
    expect(readBack.expectedBytes).toBe(0)
  })

  test('gives up after its time, with what to do; a buffered source keeps what it accepted', async () => {
    const { readBack } = journal()
    const buffered = readBack.publish(message('b', { exchange: 'events', into: 'buffer' }))
    await expect(readBack.publish(message('a', { exchange: 'events' }))).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringContaining('Publish again with the same message id'),
    })
    expect(await buffered).toBeUndefined()
  })
})
