import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { array, assert, asyncProperty, boolean, constantFrom, integer, nat } from 'fast-check'
import { lastEventsOf, maxLastEvents } from '../../../../src/core/delivery/replay/last-events.ts'
import type { ChannelEvent } from '../../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../../src/core/model/cursor.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import { channelTopic } from '../../../../src/core/ports/topic.ts'
import { controlledGateway, epochs, operator, passed } from '../../controlled-gateway.ts'

type World = Awaited<ReturnType<typeof controlledGateway>>
let world: World

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(async () => {
  await world?.gateway.close()
  jest.useRealTimers()
})

async function start(windowEntries = 1_000): Promise<void> {
  await world?.gateway.close()
  world = await controlledGateway({}, windowEntries)
  await world.open()
}

function subscribe(last: number, { after, checkpoints = false }: { after?: string; checkpoints?: boolean } = {}) {
  const events: ChannelEvent[] = []
  const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  const subscription = session.subscribe({ clientId: 'alice', last, after, checkpoints })
  subscription.pipe({ take: (event) => events.push(event) > 0, end: () => {} })
  const story = () =>
    events.map((event) =>
      event.kind === 'MESSAGE' ? event.cursor.offset : event.kind === 'GAP' ? event.reason : event.kind,
    )
  return { events, subscription, story }
}

const others: Partial<JournalMessage> = { routingKey: 'client.bob' }
const undecodable: Partial<JournalMessage> = {
  properties: { contentType: 'application/json', contentEncoding: 'gzip' },
}
const repeated: Partial<JournalMessage> = {
  body: Buffer.from('"again"'),
  properties: { contentType: 'application/json', headers: { 'x-warren-idempotency-key': 'one' } },
}

function fill(count: number, given: Partial<JournalMessage> = {}): void {
  for (let number = 0; number < count; number += 1) world.journal.add(given)
}

/** The channel has one message at the begin of a long journal, and one just before the window. */
async function startWithLongHistory(): Promise<void> {
  await start(50)
  world.journal.begin()
  fill(1)
  for (let offset = 500; offset < 300_000; offset += 500) world.journal.add({ ...others, offset })
  world.journal.add({ offset: 300_101 })
  fill(300, others)
}

describe('a subscription with last', () => {
  test('begins with so many events, and continues live; the broker is not read if the window has them', async () => {
    await start()
    world.journal.begin()
    fill(5)
    fill(20, others)
    const { story, subscription } = subscribe(3)
    const none = subscribe(0)
    await passed(100)
    expect([story(), none.story(), world.journal.scans]).toEqual([[2, 3, 4], [], []])
    fill(2)
    expect([story(), none.story()]).toEqual([
      [2, 3, 4, 25, 26],
      [25, 26],
    ])
    expect([subscription.search, world.gateway.catchingUp]).toEqual([undefined, 0])
    expect(world.events.filter((event) => (event as unknown[])[0] === 'resumed')).toEqual([])
  })

  test('begins with fewer if there never were more, without a gap', async () => {
    await start(50)
    world.journal.begin()
    fill(2)
    fill(500, others)
    const few = subscribe(10)
    await passed(200)
    expect(few.story()).toEqual([0, 1])
  })

  test('begins with a gap where retention has removed what is missing', async () => {
    await start(50)
    world.journal.begin()
    fill(500)
    world.journal.entries = world.journal.entries.filter(({ offset }) => offset >= 450)
    const [lost, kept] = [subscribe(100), subscribe(50)]
    await passed(200)
    expect(lost.story()).toEqual(['RETENTION', ...Array.from({ length: 50 }, (_, index) => 450 + index)])
    expect(lost.events[0]).toMatchObject({ cursor: { offset: 450, before: true }, oldest: { offset: 450 } })
    // A search that reaches the oldest entry does not read the journal again.
    expect(world.journal.scans).toEqual([0])
    expect(kept.story()).toEqual(Array.from({ length: 50 }, (_, index) => 450 + index))
  })

  test('reads 200,000 entries before the window at most, and reports with a gap that there may be more', async () => {
    await startWithLongHistory()
    const { events, story } = subscribe(2)
    await passed(200)
    expect(story()).toEqual(['RETENTION', 300_101])
    expect(events[0]).toMatchObject({ oldest: { offset: 0 } })
    // Each search begins 1,000 entries earlier, to know what was published twice.
    expect(world.journal.scans.slice(0, 2).map((offset) => Math.floor((300_400 - offset) / 1_000))).toEqual([21, 201])
  })

  test('waits while the journal is down, and begins in the journal that it finds', async () => {
    await start()
    world.journal.begin()
    fill(5)
    world.journal.tail.onDown('away')
    const { story } = subscribe(3)
    await passed(100)
    expect(story()).toEqual([])
    world.journal.replace()
    fill(2)
    await passed(100)
    expect(story()).toEqual([0, 1])
  })

  test.each([
    ['from an offset that the new one does not have', 50_000],
    ['from the first offset of both', 500],
  ])('begins in a journal that replaced the one in which it searched, %s', async (_, first) => {
    await start(50)
    world.journal.begin()
    for (let offset = first; offset < first + 100; offset += 1) world.journal.add({ ...others, offset })
    const { story } = subscribe(3)
    // The window has none, so the search reads the journal next, from further back.
    jest.advanceTimersByTime(20)
    expect([story(), world.journal.scans]).toEqual([[], []])
    world.journal.replace()
    fill(5)
    await passed(500)
    // The window has all of the new journal.
    expect([story(), world.journal.scans]).toEqual([[2, 3, 4], []])
    const { offset } = world.journal.add()
    expect(story()).toEqual([2, 3, 4, offset])
  })

  test('gets one gap if its topic changes before the oldest position is known', async () => {
    await startWithLongHistory()
    let read: () => void = () => {}
    world.journal.scanning = async () => {
      // Two reads search, and the third one is for the gap.
      if (world.journal.scans.length === 3) await new Promise<void>((resolve) => (read = resolve))
    }
    const { subscription, story } = subscribe(2)
    await passed(200)
    expect([world.journal.scans.length, story(), world.gateway.catchingUp]).toEqual([3, [], 1])
    subscription.changeTopic(channelTopic('alice'))
    await passed(200)
    read()
    await passed(500)
    expect([story(), world.gateway.catchingUp]).toEqual([['RETENTION', 300_101], 0])
  })

  test('gives a first checkpoint if it begins with nothing', async () => {
    await start()
    world.journal.begin()
    fill(3, others)
    const { story } = subscribe(5, { checkpoints: true })
    await passed(100)
    expect(story()).toEqual(['CHECKPOINT'])
  })

  test.each([
    [-1, undefined, 'expected a whole number from 0 to 1000'],
    [maxLastEvents + 1, undefined, 'expected a whole number from 0 to 1000'],
    [1.5, undefined, 'expected a whole number from 0 to 1000'],
    [5, 'cursor', 'expected last or after, got both'],
  ])('is refused with %s, after: %s', async (last, after, message) => {
    await start()
    world.journal.begin()
    const entry = world.journal.add()
    const given = after === undefined ? {} : { after: printCursor(world.gateway.cursorOf(entry)) }
    expect(() => subscribe(last, given)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'last', message: expect.stringContaining(message) }),
    )
  })

  test('is an argument that may be absent', () => {
    expect([lastEventsOf(null, null), lastEventsOf(undefined, 'cursor'), lastEventsOf(0, null)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect([lastEventsOf(1, undefined), lastEventsOf(maxLastEvents, null)]).toEqual([1, maxLastEvents])
    for (const odd of ['1', true, {}, Number.NaN])
      expect(() => lastEventsOf(odd, null)).toThrow(expect.objectContaining({ field: 'last' }))
  })

  test('begins exactly n events back, whatever else the journal holds, and misses none that come meanwhile', async () => {
    type Kind = 'mine' | 'others' | 'undecodable' | 'repeated' | 'mark' | 'unreadable'
    const entries: Readonly<Record<Kind, Partial<JournalMessage>>> = {
      mine: {},
      others,
      undecodable,
      repeated,
      mark: { mark: true, exchange: '', body: Buffer.alloc(0) },
      unreadable: { unreadable: true },
    }
    const kinds = constantFrom<Kind>('mine', 'mine', 'mine', 'others', 'undecodable', 'repeated', 'mark', 'unreadable')
    await assert(
      asyncProperty(
        array(kinds, { maxLength: 150 }),
        integer({ min: 1, max: 40 }),
        nat({ max: 120 }),
        integer({ min: 10, max: 200 }),
        array(kinds, { maxLength: 20 }),
        boolean(),
        async (history, count, removed, windowEntries, later, isSlow) => {
          await start(windowEntries)
          world.journal.begin()
          /** Offsets of what must be delivered. */
          const mine: number[] = []
          let hasRepeated = false
          const add = (kind: Kind): void => {
            const { offset } = world.journal.add(entries[kind])
            if (kind === 'mine' || (kind === 'repeated' && !hasRepeated)) mine.push(offset)
            hasRepeated ||= kind === 'repeated'
          }
          for (const kind of history) add(kind)
          const isCut = removed < history.length / 2
          const [cut] = isCut ? [world.journal.entries[removed]?.offset ?? 0] : [0]
          world.journal.entries = world.journal.entries.filter(({ offset }) => offset >= cut)
          const before = mine.length
          const { story } = subscribe(count)
          for (const kind of later) {
            add(kind)
            if (isSlow) await passed(7)
          }
          await passed(500)
          const received = story().filter((one): one is number => typeof one === 'number')
          const skipped = mine.length - received.length
          // The newest ones, in order, each once.
          expect(received).toEqual(mine.slice(skipped))
          // It begins n events back from some time of the search, or with a gap.
          if (story().includes('RETENTION')) expect(received.length).toBeLessThan(count + later.length)
          else {
            expect(skipped).toBeLessThanOrEqual(Math.max(0, mine.length - count))
            expect(skipped).toBeGreaterThanOrEqual(Math.max(0, before - count))
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('does not meet messages of an earlier owner of the channel', async () => {
    await start()
    world.journal.begin(epochs[0])
    fill(5)
    await world.gateway.bans.deleted('alice', await world.gateway.position())
    fill(2)
    const { story } = subscribe(5)
    await passed(100)
    expect(story()).toEqual(
      world.journal.entries
        .filter(({ mark }) => !mark)
        .slice(-2)
        .map(({ offset }) => offset),
    )
  })

  test('does not search beyond the time of an earlier owner', async () => {
    await start(50)
    world.journal.begin()
    fill(500)
    await world.gateway.bans.deleted('alice', await world.gateway.position())
    const offsets = [world.journal.add().offset, world.journal.add().offset]
    const { story } = subscribe(5)
    await passed(100)
    expect([story(), world.journal.scans]).toEqual([offsets, []])
  })
})
