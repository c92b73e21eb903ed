import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Tracing } from '../../src/core/accounting/trace-context.ts'
import type { ChannelEvent } from '../../src/core/model/channel-event.ts'
import type { JournalMessage } from '../../src/core/model/message.ts'
import { controlledGateway, epochs, operator, passed } from './controlled-gateway.ts'

type World = Awaited<ReturnType<typeof controlledGateway>>
let world: World
/** What the client of the channel `alice` gets. */
let events: ChannelEvent[]

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  await start()
})
afterEach(async () => {
  await world.gateway.close()
  jest.useRealTimers()
})

async function start(given: Parameters<typeof controlledGateway>[0] = {}): Promise<void> {
  await world?.gateway.close()
  world = await controlledGateway(given)
  events = []
  await world.open()
}

function subscribe(clientId = 'alice', into = events, after?: string) {
  const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  const subscription = session.subscribe({ clientId, ...(after === undefined ? {} : { after }) })
  subscription.pipe({ take: (event) => into.push(event) > 0, end: () => {} })
  return subscription
}

const of = (name: string) => world.events.filter((event) => (event as unknown[])[0] === name)
const story = (of: readonly ChannelEvent[] = events) =>
  of.map((event) => (event.kind === 'MESSAGE' ? event.cursor.offset : [event.kind, 'reason' in event && event.reason]))
const routed = () => of('routed').map((event) => (event as unknown[])[1])
const texts = () => world.lines.map(([level, text]) => `${level}: ${text.slice(0, 40)}`)

describe('a message', () => {
  test('is delivered after the past was read, and counted with its outcome', async () => {
    subscribe()
    world.journal.entries.push({
      ...({ offset: 0, mark: false, exchange: 'warren.events', routingKey: 'client.alice' } as JournalMessage),
      body: Buffer.from('0'),
      properties: {},
      redelivered: true,
      receivedAt: 1,
    })
    world.journal.begin()
    expect([events, of('received'), of('redelivered')]).toEqual([[], [], []])
    const { id } = world.gateway.sources.list()[0] ?? { id: '' }
    const body = Buffer.from('1')
    world.journal.add({ offset: 5, body })
    world.journal.add({ offset: 6, routingKey: 'client.bob', redelivered: true })
    world.journal.add({ offset: 7, routingKey: 'other' })
    world.journal.add({ offset: 8, exchange: 'foreign' })
    world.journal.add({ offset: 9, exchange: 'foreign' })
    world.journal.add({ offset: 10, properties: { headers: { 'x-warren-idempotency-key': 'k' } } })
    world.journal.add({ offset: 11, properties: { headers: { 'x-warren-idempotency-key': 'k' } } })
    expect(story()).toEqual([5, 10])
    expect(routed()).toEqual([
      'delivered',
      'no_subscriber',
      'unmatched',
      'unmatched',
      'unmatched',
      'delivered',
      'repeated',
    ])
    expect(of('received').map((event) => (event as unknown[])[1])).toEqual([id, id, id, 'none', 'none', id, id])
    expect(of('redelivered')).toHaveLength(1)
    expect(texts()).toEqual([
      'info: the journal is available and current',
      expect.stringMatching(/^warn: messages of exchange/),
    ])
    expect(world.gateway.tracer).toBeDefined()
  })

  test('of a removed source is no surprise', async () => {
    world.journal.begin()
    const source = await world.gateway.createSource({
      exchange: 'orders',
      exchangeType: 'FANOUT',
      routingKey: '#',
      clientId: { everyone: true },
    })
    await world.gateway.deleteSource(source.id)
    world.journal.add({ exchange: 'orders' })
    expect(texts()).toEqual(['info: the journal is available and current'])
  })

  test('has its outcome in a trace', async () => {
    world.journal.begin()
    world.journal.add({ properties: { messageId: 'm' } })
    const tracing = world.gateway.tracer.trace('m')
    await passed(500)
    const [own] = await tracing
    expect(own?.messages).toMatchObject([
      { outcome: 'no_subscriber', clients: ['alice'], sources: [world.gateway.sources.list()[0]?.id], reason: null },
    ])
  })

  test('that cannot be decoded goes to the quarantine, and others go on', async () => {
    subscribe()
    world.journal.begin()
    const contentType = 'application/json'
    world.journal.add({ body: Buffer.from('{'), properties: { contentType, messageId: 'm' } })
    world.journal.add()
    world.journal.add({
      body: gzipSync(Buffer.alloc(5 * 1024 * 1024)),
      properties: { contentEncoding: 'gzip' },
    })
    await passed()
    expect([story(), routed()]).toEqual([[1], ['quarantined', 'delivered', 'quarantined']])
    expect(of('quarantined')).toEqual([
      ['quarantined', 'broken-json'],
      ['quarantined', 'too-large'],
    ])
    expect(world.published).toMatchObject([{ exchange: 'warren.quarantine' }, { exchange: 'warren.quarantine' }])
    const tracing = world.gateway.tracer.trace('m')
    await passed(500)
    expect((await tracing)[0]?.messages).toMatchObject([{ outcome: 'quarantined', reason: 'broken-json' }])
    // A replay finds it in the quarantine, and does not decode it again.
    const again: ChannelEvent[] = []
    subscribe('alice', again, world.gateway.cursors.print(world.gateway.cursorOf(world.journal.entries[0] as never)))
    await passed(100)
    expect([story(again), of('quarantined').length]).toEqual([[1], 2])
  })

  test('with its client in a body that is no JSON goes to the quarantine', async () => {
    world.journal.begin()
    await world.gateway.createSource({
      exchange: 'orders',
      exchangeType: 'FANOUT',
      routingKey: '#',
      clientId: { bodyPointer: '/to' },
    })
    world.journal.add({ exchange: 'orders', body: Buffer.from('{') })
    await passed()
    expect([routed(), of('quarantined')]).toEqual([['quarantined'], [['quarantined', 'broken-json']]])
  })

  test('with a trace context is delivered within a span', async () => {
    const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'
    const spans: unknown[] = []
    const tracing: Tracing = {
      begin: ({ offset }, parent) => {
        spans.push(['begin', offset, parent, events.length])
        return { traceparent: 'own', end: () => spans.push(['end', events.length]) }
      },
    }
    await start({ tracing })
    subscribe()
    world.journal.begin()
    world.journal.add({ properties: { headers: { traceparent } } })
    world.journal.add()
    expect(spans).toEqual([
      ['begin', 0, traceparent, 0],
      ['end', 1],
    ])
    expect(events.map((event) => event.kind === 'MESSAGE' && event.traceparent)).toEqual(['own', undefined])
    await start()
    subscribe()
    world.journal.begin()
    world.journal.add({ properties: { headers: { traceparent } } })
    expect(events.map((event) => event.kind === 'MESSAGE' && event.traceparent)).toEqual([traceparent])
  })
})

describe('a gap', () => {
  test('is reported before the first entry of a replaced journal, and nothing of the old one stays', async () => {
    subscribe()
    world.journal.begin()
    world.journal.add()
    world.journal.add({ unreadable: true })
    world.journal.replace()
    expect([story(), world.gateway.bufferedBytes.window]).toEqual([[0, ['GAP', 'UNREADABLE']], 0])
    world.journal.add()
    world.journal.add()
    expect(story().slice(2)).toEqual([['GAP', 'JOURNAL_REPLACED'], 0, 1])
    expect(events[2]).toMatchObject({ cursor: { offset: 0, before: true, epoch: epochs[1] } })
    expect(events[2]).toHaveProperty('oldest', events[2]?.cursor)
    expect(texts().filter((text) => text.includes('deleted and created'))).toHaveLength(1)
    // Offsets name other entries now.
    world.journal.add({ unreadable: true })
    expect(of('unreadable')).toHaveLength(2)
  })

  test('is not reported if the journal comes back as it was', async () => {
    subscribe()
    world.journal.begin()
    world.journal.tail.onDown('cut')
    void world.journal.tail.onEpoch(epochs[0])
    world.journal.tail.onUp()
    world.journal.add()
    expect(story()).toEqual([0])
  })

  test('is reported if retention deleted what was not read', async () => {
    subscribe()
    world.journal.begin()
    world.journal.add()
    world.journal.tail.onDown('cut')
    void world.journal.tail.onTruncated()
    expect(world.gateway.bufferedBytes.window).toBe(0)
    world.journal.tail.onUp()
    world.journal.add({ offset: 90 })
    world.journal.add({ offset: 91 })
    expect(story()).toEqual([0, ['GAP', 'RETENTION'], 90, 91])
    expect(texts().at(-1)).toMatch(/^warn: retention deleted messages/)
    expect(world.lines.at(-1)?.[2]).toEqual({ epoch: epochs[0], after: 0, before: 90 })
  })

  test('is reported if the registry answers late, and has a source of which the announcement was deleted', async () => {
    subscribe()
    world.journal.begin()
    let answer = (): void => undefined
    const created = world.gateway.sources.list().map((source) => ({ ...source, id: 'late', exchange: 'late' }))
    jest.spyOn(world.registry, 'listSources').mockImplementationOnce(
      () =>
        new Promise((resolve) => {
          answer = () => resolve([...world.gateway.sources.list(), ...created])
        }),
    )
    const goesOn = world.journal.tail.onTruncated()
    await passed(1_900)
    await passed(200)
    await goesOn
    const toLate = () => world.journal.add({ exchange: 'late' })
    world.journal.add()
    toLate()
    const publication = { exchange: 'late', routingKey: 'client.alice', body: Buffer.from('1'), properties: {} }
    await expect(
      world.gateway.publishAs(
        { ...operator, scope: { ...operator.scope, operator: false, publish: true } },
        publication,
      ),
    ).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    answer()
    await passed()
    toLate()
    // Before it comes the mark that `publishAs` wrote.
    expect(story()).toEqual([['GAP', 'RETENTION'], 0, ['GAP', 'RETENTION'], 3])
    expect(texts().at(-1)).toMatch(/^warn: retention deleted the announcement/)
  })

  test('does not make it forget the messages that it read: a copy behind the gap is not delivered', async () => {
    const published = (offset: number, key: string) =>
      world.journal.add({ offset, properties: { headers: { 'x-warren-idempotency-key': key } } })
    subscribe()
    world.journal.begin()
    published(0, 'read')
    world.journal.tail.onDown('cut')
    void world.journal.tail.onTruncated()
    published(90, 'read')
    world.journal.tail.onUp()
    published(91, 'not read')
    published(92, 'not read')
    published(93, 'read')
    expect(story()).toEqual([0, ['GAP', 'RETENTION'], 91])
    expect(routed()).toEqual(['delivered', 'repeated', 'delivered', 'repeated', 'repeated'])
  })

  test('is not reported if it lies in the past that a starting replica reads', async () => {
    subscribe()
    void world.journal.tail.onEpoch(epochs[0])
    world.journal.add()
    void world.journal.tail.onTruncated()
    world.journal.add({ offset: 90 })
    world.journal.tail.onPresent()
    world.journal.tail.onUp()
    world.journal.add({ offset: 91 })
    expect(story()).toEqual([91])
  })

  test('covers a run of unreadable entries, and one that was ahead comes first', async () => {
    subscribe()
    world.journal.begin()
    void world.journal.tail.onTruncated()
    const entry = (offset: number): JournalMessage => ({
      ...world.journal.add({ routingKey: 'client.bob' }),
      offset,
      unreadable: true,
    })
    const [one, two] = [entry(100), entry(101)]
    events.length = 0
    void world.journal.tail.onTruncated()
    world.journal.tail.onUnreadable([])
    world.journal.tail.onUnreadable([one, two])
    expect(story()).toEqual([
      ['GAP', 'RETENTION'],
      ['GAP', 'UNREADABLE'],
    ])
    expect(events.map(({ cursor }) => [cursor.offset, cursor.before])).toEqual([
      [100, true],
      [101, false],
    ])
    expect([of('unreadable').length, texts().filter((text) => text.startsWith('error')).length]).toEqual([2, 2])
    world.journal.tail.onUnreadable([two])
    expect(of('unreadable')).toHaveLength(2)
    expect(world.gateway.bufferedBytes.window).toBeGreaterThan(0)
  })

  test('in the past of a starting replica is not delivered', async () => {
    subscribe()
    void world.journal.tail.onEpoch(epochs[0])
    world.journal.add({ unreadable: true })
    expect([events, of('unreadable').length]).toEqual([[], 1])
  })
})

describe('the tail', () => {
  test('logs that it is current once', () => {
    world.journal.begin()
    world.journal.tail.onDown('cut')
    world.journal.tail.onUp()
    expect(texts()).toEqual(['info: the journal is available and current'])
  })

  test('remembers repeats around an outage only', async () => {
    subscribe()
    world.journal.begin()
    const properties = { messageId: 'm' }
    const body = Buffer.from('1')
    for (let copies = 0; copies < 2; copies += 1) world.journal.add({ properties, body })
    expect(story()).toEqual([0, 1])
    world.journal.tail.onDown('cut')
    world.journal.add({ properties, body })
    world.journal.tail.onUp()
    world.journal.add({ properties, body })
    jest.setSystemTime(Date.now() + 121_000)
    world.journal.add({ properties, body })
    expect(story()).toEqual([0, 1, 4])
    void world.journal.tail.onEpoch(epochs[1])
    world.journal.add({ offset: 5, properties: { headers: { 'x-warren-idempotency-key': 'k' } } })
    void world.journal.tail.onEpoch(epochs[0])
    world.journal.add({ offset: 6, properties: { headers: { 'x-warren-idempotency-key': 'k' } } })
    expect(routed().slice(-2)).toEqual(['delivered', 'delivered'])
  })

  test('gives checkpoints at marks, after the past was read', async () => {
    const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
    const pipe = (checkpoints: boolean, into: ChannelEvent[]) =>
      session
        .subscribe({ clientId: 'alice', checkpoints })
        .pipe({ take: (event) => into.push(event) > 0, end: () => {} })
    const early: ChannelEvent[] = []
    pipe(true, early)
    void world.journal.tail.onEpoch(epochs[0])
    world.journal.add({ mark: true, body: Buffer.alloc(0) })
    expect(early).toEqual([])
    world.journal.begin()
    await world.journal.mark()
    expect(early).toMatchObject([{ kind: 'CHECKPOINT', cursor: { offset: world.journal.entries.at(-1)?.offset } }])
    const late: ChannelEvent[] = []
    pipe(true, late)
    pipe(false, events)
    expect(late).toMatchObject([{ kind: 'CHECKPOINT', cursor: { offset: world.journal.entries.at(-1)?.offset } }])
    jest.setSystemTime(Date.now() + 15_000)
    await world.journal.mark()
    expect([early.length, late.length, events.length]).toEqual([2, 2, 0])
  })

  test('hands claims of poison to the quarantine', async () => {
    world.journal.begin()
    const claim = { kind: 'poison', offset: 3, claim: 'other' }
    world.journal.add({ mark: true, body: Buffer.from(JSON.stringify(claim)) })
    world.journal.add({ offset: 3, body: Buffer.from('{'), properties: { contentType: 'application/json' } })
    subscribe()
    await passed()
    expect([world.published, routed()]).toEqual([[], ['no_subscriber']])
  })
})
