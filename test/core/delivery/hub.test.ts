import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { Checkpoints } from '../../../src/core/delivery/checkpoints.ts'
import { eventWeight } from '../../../src/core/delivery/event-weight.ts'
import { Hub } from '../../../src/core/delivery/hub.ts'
import { ReplayBatch } from '../../../src/core/delivery/replay/replay-batch.ts'
import { ScanScheduler } from '../../../src/core/delivery/replay/scan-scheduler.ts'
import type { MessageEvent } from '../../../src/core/model/channel-event.ts'
import type { Audience } from '../../../src/core/model/source.ts'
import type { Subscriber } from '../../../src/core/ports/subscriber.ts'
import { channelTopic, type Recipients } from '../../../src/core/ports/topic.ts'
import { cursorAt, entryAt, gapAt, messageAt, RecordingReplayer } from './events.ts'

beforeEach(() => void jest.useFakeTimers({ now: 100_000 }))
afterEach(() => void jest.useRealTimers())

const to = (clients: Audience): Recipients => ({ clients, eventKeys: [] })

describe('the hub', () => {
  function subscriber(channel: string): Subscriber & { readonly offsets: number[] } {
    const offsets: number[] = []
    return { topic: channelTopic(channel), offsets, deliver: (event) => void offsets.push(event.cursor.offset) }
  }

  test('knows which channels have subscribers', () => {
    const hub = new Hub()
    const [one, two, bob] = [subscriber('alice'), subscriber('alice'), subscriber('bob')]
    expect([hub.reachOf(to('everyone')), hub.reachOf(to(['alice']))]).toEqual(['none', 'none'])
    for (const each of [one, one, two, bob]) hub.subscribe(each)
    expect([hub.size, hub.countOf('alice'), hub.countOf('eve'), [...hub.channels()]]).toEqual([
      3,
      2,
      0,
      ['alice', 'bob'],
    ])
    expect(
      [to('everyone'), to(['eve', 'bob']), to(['alice']), to(['bob']), to(['eve']), to([])].map((each) =>
        hub.reachOf(each),
      ),
    ).toEqual(['many', 'many', 'many', 'one', 'none', 'none'])
    for (const each of [one, one, subscriber('eve')]) hub.unsubscribe(each)
    expect([hub.size, hub.countOf('alice'), [...hub.all()]]).toEqual([2, 1, [two, bob]])
    hub.unsubscribe(two)
    hub.unsubscribe(two)
    expect([hub.size, [...hub.channels()]]).toEqual([1, ['bob']])
  })

  test('delivers to each subscriber of the audience, also after one that throws, which it removes', () => {
    const hub = new Hub()
    const failures: unknown[] = []
    const odd: Subscriber = {
      topic: channelTopic('alice'),
      deliver() {
        throw new Error('odd')
      },
      fail: (error) => void failures.push((error as Error).message),
    }
    const silent: Subscriber = { topic: channelTopic('alice'), deliver: (event) => odd.deliver(event) }
    const [alice, bob] = [subscriber('alice'), subscriber('bob')]
    for (const each of [odd, silent, alice, bob]) hub.subscribe(each)
    hub.publish(to(['alice', 'eve']), messageAt(1))
    hub.publish(to('everyone'), messageAt(2))
    hub.publish(to([]), messageAt(3))
    expect([alice.offsets, bob.offsets, failures, hub.size]).toEqual([[1, 2], [2], ['odd'], 2])
  })

  test('reports what the tail missed to each subscriber, also if some leave meanwhile or throw', () => {
    const hub = new Hub()
    const failures: unknown[] = []
    const missed: number[] = []
    const [plain, last] = [subscriber('alice'), subscriber('bob')]
    const leaving: Subscriber = {
      ...subscriber('alice'),
      missed(gap) {
        missed.push(gap.cursor.offset)
        hub.unsubscribe(leaving)
        hub.subscribe(leaving)
      },
    }
    const odd: Subscriber = {
      ...subscriber('alice'),
      missed() {
        throw new Error('odd')
      },
      fail: (error) => void failures.push((error as Error).message),
    }
    for (const each of [odd, leaving, plain, last]) hub.subscribe(each)
    hub.missed(gapAt(7))
    expect([plain.offsets, last.offsets, missed, failures]).toEqual([[7], [7], [7], ['odd']])
    expect(new Set(hub.all())).toEqual(new Set([leaving, plain, last]))
  })
})

describe('a batch of replays', () => {
  let replayer: RecordingReplayer
  let flushed: string[]
  beforeEach(() => {
    replayer = new RecordingReplayer()
    flushed = []
  })

  function subscribed(channel: string) {
    const subscription = new ChannelSubscription({ topic: channelTopic(channel), after: undefined, replayer })
    const offsets: number[] = []
    subscription.pipe({ take: (event) => offsets.push(event.cursor.offset) > 0, end: () => {} })
    const flush = subscription.flush.bind(subscription)
    subscription.flush = () => {
      flushed.push(channel)
      flush()
    }
    return { subscription, offsets }
  }

  test('delivers to each of its subscriptions from its own start, and flushes them together', () => {
    const batch = new ReplayBatch(4, '00000000000000aa')
    const [early, late, bob] = [subscribed('alice'), subscribed('alice'), subscribed('bob')]
    batch.add(early.subscription, 5)
    batch.add(late.subscription, 9)
    batch.add(late.subscription, 7)
    batch.add(bob.subscription, 5)
    expect([batch.lastOffset, batch.size, [...batch.subscriptions()].length]).toEqual([4, 3, 3])
    batch.deliver(5, to(['alice', 'eve']), messageAt(5))
    batch.deliver(6, to(['alice']), messageAt(6))
    batch.deliver(7, to('everyone'), messageAt(7))
    jest.advanceTimersByTime(99)
    expect(flushed).toEqual([])
    jest.advanceTimersByTime(1)
    expect([early.offsets, late.offsets, bob.offsets]).toEqual([[5, 6, 7], [7], [7]])
    expect([flushed, jest.getTimerCount()]).toEqual([['alice', 'alice', 'bob'], 0])
    batch.flush()
    expect(flushed).toHaveLength(3)
    batch.deliver(8, to(['bob']), messageAt(8))
    batch.flush()
    expect([bob.offsets, jest.getTimerCount()]).toEqual([[7, 8], 0])
    // Nothing waits for a flush.
    batch.deliver(9, to(['eve']), messageAt(9))
    batch.broadcast(1, gapAt(1))
    expect(jest.getTimerCount()).toBe(0)
  })

  test('flushes a subscription that leaves, and forgets channels without one', () => {
    const batch = new ReplayBatch(0, '00000000000000aa')
    const [alice, bob] = [subscribed('alice'), subscribed('bob')]
    expect([batch.hasSubscribers(to('everyone')), batch.hasSubscribers(to(['alice']))]).toEqual([false, false])
    batch.add(alice.subscription, 1)
    batch.add(bob.subscription, 1)
    expect([
      batch.hasSubscribers(to('everyone')),
      batch.hasSubscribers(to(['eve', 'alice'])),
      batch.hasSubscribers(to([])),
    ]).toEqual([true, true, false])
    batch.deliver(1, to(['alice']), messageAt(1))
    batch.remove(alice.subscription)
    expect([flushed, batch.hasSubscribers(to(['alice'])), batch.hasSubscribers(to(['bob']))]).toEqual([
      ['alice'],
      false,
      true,
    ])
    batch.remove(alice.subscription)
    batch.remove(bob.subscription)
    batch.remove(subscribed('eve').subscription)
    expect([flushed, alice.offsets, batch.size]).toEqual([['alice'], [1], 0])
    expect(batch.hasSubscribers(to(['alice']))).toBe(false)
    batch.deliver(2, to('everyone'), messageAt(2))
    jest.advanceTimersByTime(200)
    expect(flushed).toHaveLength(1)
  })

  test('flushes a full subscription first; one that stays full leaves the replay', () => {
    const batch = new ReplayBatch(0, '00000000000000aa')
    const { subscription, offsets } = subscribed('alice')
    batch.add(subscription, 1)
    const large = 'x'.repeat(4 * 1024 * 1024)
    for (const offset of [1, 2]) batch.deliver(offset, to(['alice']), messageAt(offset, large))
    expect([offsets, replayer.stopped]).toEqual([[1], []])

    const stuck = new ChannelSubscription({ topic: channelTopic('bob'), after: undefined, replayer })
    batch.add(stuck, 1)
    for (const offset of [3, 4, 5]) batch.deliver(offset, to(['bob']), messageAt(offset, large))
    expect([replayer.stopped, stuck.position]).toEqual([[stuck, stuck], cursorAt(3)])
  })

  test('goes on if one of its subscriptions fails', () => {
    const batch = new ReplayBatch(0, '00000000000000aa')
    const [odd, alice] = [subscribed('alice'), subscribed('alice')]
    batch.add(odd.subscription, 1)
    batch.add(alice.subscription, 1)
    batch.deliver(1, to(['alice']), messageAt(1))
    const failed: unknown[] = []
    const fail = (error: unknown) => void failed.push((error as Error).message)
    odd.subscription.fail = fail
    odd.subscription.flush = () => {
      throw new Error('odd flush')
    }
    batch.flush()
    expect([failed, alice.offsets, batch.size]).toEqual([['odd flush'], [1], 1])
    alice.subscription.deliver = () => {
      throw new Error('odd')
    }
    alice.subscription.fail = fail
    batch.deliver(2, to(['alice']), messageAt(2))
    expect([failed, batch.size]).toEqual([['odd flush', 'odd'], 0])
  })
})

describe('checkpoints', () => {
  test('renew the cursor of what has been idle for 15 seconds, with one event for all', () => {
    const checkpoints = new Checkpoints()
    const replayer = new RecordingReplayer()
    const make = () =>
      new ChannelSubscription({ topic: channelTopic('a'), after: undefined, replayer, checkpoints: true })
    const [idle, other, busy, left] = [make(), make(), make(), make()]
    for (const each of [idle, other, busy, left]) checkpoints.add(each)
    checkpoints.remove(left)
    let cursors = 0
    const mark = () => {
      checkpoints.onMark(() => {
        cursors += 1
        return cursorAt(9)
      })
      return [idle, other, busy, left].map(({ position }) => position !== undefined)
    }
    jest.setSystemTime(100_000 + 14_999)
    expect([mark(), cursors]).toEqual([[false, false, false, false], 0])
    busy.lastEventAt = 100_001
    jest.setSystemTime(100_000 + 15_000)
    expect([mark(), cursors]).toEqual([[true, true, false, false], 1])
    expect(idle.lastEventAt).toBe(115_000)
  })
})

describe('reads of the journal', () => {
  let ready: number
  let scheduler: ScanScheduler
  beforeEach(() => {
    ready = 0
    scheduler = new ScanScheduler(() => (ready += 1))
  })
  afterEach(() => scheduler.close())

  test('begin at once if none is running; another one waits for its end, or four seconds', () => {
    expect([scheduler.tryBegin(1), scheduler.tryBegin(2), scheduler.tryBegin(4)]).toEqual([true, false, false])
    jest.advanceTimersByTime(3_999)
    expect(ready).toBe(0)
    jest.advanceTimersByTime(1)
    expect([ready, scheduler.tryBegin(1), scheduler.tryBegin(1)]).toEqual([1, true, false])
    scheduler.end()
    scheduler.end()
    expect([ready, scheduler.tryBegin(1)]).toEqual([3, true])
    expect(jest.getTimerCount()).toBe(0)
  })

  test('are four at most', () => {
    for (let count = 0; count < 4; count += 1) {
      expect(scheduler.tryBegin(1)).toBe(true)
      expect(scheduler.tryBegin(1)).toBe(false)
      jest.advanceTimersByTime(4_000)
    }
    expect(scheduler.tryBegin(1)).toBe(false)
    scheduler.end()
    expect(scheduler.tryBegin(1)).toBe(true)
  })

  test('wait for the end of a storm: five quiet periods, or two seconds', () => {
    jest.advanceTimersByTime(10_000)
    expect(scheduler.tryBegin(5)).toBe(false)
    for (const waiting of [6, 7, 8, 9]) expect(scheduler.tryBegin(waiting)).toBe(false)
    expect([ready, scheduler.tryBegin(10), ready]).toEqual([5, true, 5])
    scheduler.end()

    ready = 0
    expect([scheduler.tryBegin(5), scheduler.tryBegin(9), scheduler.tryBegin(14)]).toEqual([false, false, false])
    for (const waiting of [15, 16, 17, 18]) expect(scheduler.tryBegin(waiting)).toBe(false)
    expect(scheduler.tryBegin(19)).toBe(true)
    scheduler.end()

    let waiting = 0
    const grows = () => {
      waiting += 10
      return scheduler.tryBegin(waiting)
    }
    expect(grows()).toBe(false)
    jest.advanceTimersByTime(1_999)
    expect(grows()).toBe(false)
    jest.advanceTimersByTime(1)
    expect(grows()).toBe(true)
    scheduler.end()
    // Four at a time are no storm.
    expect(scheduler.tryBegin(4)).toBe(true)
  })

  test('leave no timer behind', () => {
    scheduler.tryBegin(1)
    scheduler.tryBegin(1)
    expect(jest.getTimerCount()).toBe(1)
    scheduler.close()
    expect(jest.getTimerCount()).toBe(0)
  })
})

test('the weight of an event: its body and headers, as often as the answer has them', () => {
  const weigh = (body: string, headers: Record<string, unknown> | undefined, data: number, copies = 0) => {
    const properties = headers === undefined ? {} : { headers }
    const message = entryAt(1, body, { properties })
    return eventWeight({ message } as MessageEvent, { data, headers: copies })
  }
  expect(weigh('12345', undefined, 1)).toBe(512 + 5)
  expect(weigh('[1,{}]', undefined, 1)).toBe(512 + 6 + 3 * 24)
  expect([weigh('[1,{}]', undefined, 0), weigh('[1,{}]', undefined, 3)]).toEqual([512 + 6, 512 + 3 * (6 + 3 * 24)])
  const headers = { ab: 'xyz', n: null, deep: { c: 1, bytes: Buffer.alloc(10) } }
  const ofHeaders = 24 + (2 + 27) + (1 + 24) + (4 + 24 + (1 + 24) + (5 + 34))
  expect([weigh('', headers, 0, 0), weigh('', headers, 0, 2), weigh('', undefined, 1, 1)]).toEqual([
    512,
    512 + 2 * ofHeaders,
    512 + 24,
  ])
})
