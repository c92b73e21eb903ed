import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { DeliveryCounter } from '../../../src/core/accounting/delivery-counter.ts'
import { FieldCounter } from '../../../src/core/accounting/field-counter.ts'
import { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { Allowance } from '../../../src/core/delivery/event-queue.ts'
import { Paces } from '../../../src/core/delivery/pace.ts'
import { type ChannelEvent, MessageEvent } from '../../../src/core/model/channel-event.ts'
import type { WindowEntry } from '../../../src/core/ports/hot-window.ts'
import { channelTopic, type EventTopic, type StateTopic } from '../../../src/core/ports/topic.ts'
import { GatewayError } from '../../../src/errors.ts'
import { ChunkedHotWindow } from '../../../src/hot-window/hot-window.ts'
import { checkpointAt, cursorAt, entryAt, gapAt, messageAt, RecordingReplayer } from './events.ts'

let replayer: RecordingReplayer
let counter: DeliveryCounter
let calls: unknown[]

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000 })
  replayer = new RecordingReplayer()
  counter = new DeliveryCounter(() => {})
  calls = []
})
afterEach(() => void jest.useRealTimers())

const withPace = { pace: { everyMs: 1_000, paces: new Paces() } }
test.each<[string, Parameters<typeof subscribed>[0], (subscription: ChannelSubscription) => unknown]>([
  ['waits in the queue', {}, () => {}],
  ['is pulled', {}, (subscription) => subscription.next()],
  ['waits for its time', withPace, (subscription) => subscription.deliver(messageAt(1))],
])('an event that %s shares no memory with the hot window', async (_, given, before) => {
  const hotWindow = new ChunkedHotWindow({ maxBytes: 1_000_000, maxAgeMs: Number.POSITIVE_INFINITY })
  const entry: WindowEntry = entryAt(2, 'text')
  hotWindow.add(entry)
  const event = new MessageEvent(undefined as never, '00', entry)
  expect(event.message.body.buffer).toBe(entry.body.buffer)
  const subscription = subscribed(given)
  const pulled = before(subscription)
  subscription.deliver(event)
  await pulled
  expect(event.message.body.toString()).toBe('text')
  expect(event.message.body.buffer).not.toBe(entry.body.buffer)
  subscription.end()
})

function subscribed(given: Partial<ConstructorParameters<typeof ChannelSubscription>[0]> = {}): ChannelSubscription {
  return new ChannelSubscription({
    topic: channelTopic('alice'),
    after: undefined,
    replayer,
    allowance: new Allowance(10),
    counter,
    onEnd: () => calls.push('end'),
    onOverflow: () => calls.push('overflow'),
    onFailure: (error) => calls.push(['failure', (error as Error).message]),
    ...given,
  })
}

/** A sink that takes `room` events, and records all. */
function sinkOf(room = Number.POSITIVE_INFINITY) {
  const taken: number[] = []
  return {
    room,
    taken,
    ends: [] as (string | undefined)[],
    take(event: ChannelEvent) {
      if (this.room === 0) return false
      this.room -= 1
      this.taken.push(event.cursor.offset)
      return true
    },
    end(failure: GatewayError | undefined) {
      this.ends.push(failure?.code)
    },
  }
}

const accounts = () => [counter.matched, counter.delivered, counter.pending, counter.dropped.ended]
async function pulled(subscription: ChannelSubscription): Promise<unknown> {
  const { done, value } = await subscription.next()
  return done ? 'done' : value.cursor.offset
}

describe('a consumer that pulls', () => {
  test('gets queued events at once, and waits for later ones', async () => {
    const subscription = subscribed({ after: cursorAt(1) })
    expect([subscription.position, subscription.checkpoints, subscription.endsAtLive]).toEqual([
      cursorAt(1),
      false,
      false,
    ])
    subscription.deliver(messageAt(2, 'four'))
    expect([subscription.position?.valueOf(), accounts()]).toEqual([cursorAt(2), [1, 0, 1, 0]])
    expect(await pulled(subscription)).toBe(2)
    expect([accounts(), subscription.lastTaken?.cursor.offset]).toEqual([[1, 1, 0, 0], 2])
    const waiting = [pulled(subscription), pulled(subscription)]
    subscription.deliver(messageAt(3))
    subscription.deliver(gapAt(4))
    expect(await Promise.all(waiting)).toEqual([3, 4])
    expect([accounts(), subscription.lastTaken?.cursor.offset]).toEqual([[2, 2, 0, 0], 4])
  })

  test('gets what is queued before the end, then the failure once', async () => {
    const subscription = subscribed()
    subscription.deliver(messageAt(1))
    subscription.end(new GatewayError('FORBIDDEN', 'no'))
    subscription.end()
    subscription.deliver(messageAt(2))
    expect([subscription.ended, replayer.stopped, calls]).toEqual([true, [subscription], ['end']])
    expect(await pulled(subscription)).toBe(1)
    await expect(subscription.next()).rejects.toThrow('no')
    expect([await pulled(subscription), accounts()]).toEqual(['done', [1, 1, 0, 0]])
  })

  test('that waits is released by the end: the first call with the failure', async () => {
    const failing = subscribed()
    const waits = [failing.next(), failing.next()]
    failing.end(new GatewayError('FORBIDDEN', 'no'))
    await expect(waits[0]).rejects.toThrow('no')
    expect([await waits[1], await failing.next()]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    const ending = subscribed()
    const pull = pulled(ending)
    ending.end()
    expect(await pull).toBe('done')
  })

  test('can stop: what it has not taken is dropped', async () => {
    const allowance = new Allowance(10)
    const fieldCounter = new FieldCounter()
    const subscription = subscribed({ allowance, fieldCounter })
    const events: number[] = []
    for (const offset of [1, 2, 3]) subscription.deliver(messageAt(offset))
    for await (const event of subscription) {
      events.push(event.cursor.offset)
      break
    }
    expect([subscription.ended, allowance.used, events]).toEqual([true, 0, [1]])
    expect([accounts(), calls]).toEqual([[3, 1, 0, 2], ['end']])
    expect([subscription.delivered, subscription.dropped, fieldCounter.delivered]).toEqual([1, 2, 1])
    expect(await subscription.return()).toEqual({ done: true, value: undefined })
  })

  test('ends with its scope', async () => {
    const subscription = subscribed()
    {
      await using scoped = subscription
      for (const event of [messageAt(1), gapAt(2), checkpointAt(3)]) scoped.deliver(event)
    }
    expect([subscription.ended, subscription.queued, accounts()]).toEqual([true, [], [1, 0, 0, 1]])
  })

  test('resumes after the last event that was queued, whatever it has taken', async () => {
    const subscription = subscribed()
    for (const offset of [1, 2]) subscription.deliver(messageAt(offset))
    expect(await pulled(subscription)).toBe(1)
    expect([subscription.position, subscription.lastPulled?.cursor.offset]).toEqual([cursorAt(2), 1])
  })
})

describe('a sink', () => {
  test('gets events directly, and those that it refused when it flushes', () => {
    const subscription = subscribed()
    const sink = sinkOf(2)
    subscription.deliver(messageAt(1))
    subscription.pipe(sink)
    subscription.deliver(messageAt(2))
    subscription.deliver(messageAt(3))
    subscription.deliver(messageAt(4))
    expect([sink.taken, accounts()]).toEqual([
      [1, 2],
      [4, 2, 2, 0],
    ])
    sink.room = 1
    subscription.flush()
    sink.room = 9
    // Queued events come first.
    subscription.deliver(messageAt(5))
    expect(sink.taken).toEqual([1, 2, 3])
    subscription.flush()
    expect([sink.taken, accounts()]).toEqual([
      [1, 2, 3, 4, 5],
      [5, 5, 0, 0],
    ])
  })

  test('leaves nothing of a delivered message but its cursor: an idle subscription holds no body', async () => {
    jest.useRealTimers()
    setFlagsFromString('--expose-gc')
    const subscription = subscribed()
    const sink = sinkOf(1)
    subscription.pipe(sink)
    const bodies = [1, 2].map((offset) => {
      const event = messageAt(offset)
      subscription.deliver(event)
      return new WeakRef(event.message.body)
    })
    sink.room = 1
    subscription.flush()
    // What a WeakRef was made of lives until the end of the turn.
    await new Promise((resolve) => setImmediate(resolve))
    runInNewContext('gc')()
    expect(bodies.map((body) => body.deref())).toEqual([undefined, undefined])
    expect([sink.taken, subscription.position]).toEqual([[1, 2], cursorAt(2)])
    expect(subscription.lastTaken).toEqual({ cursor: cursorAt(2), receivedAt: 0 })
  })

  test('gets replayed events at the next flush', () => {
    const subscription = subscribed()
    const sink = sinkOf()
    subscription.pipe(sink)
    subscription.deliver(messageAt(1), true)
    expect(sink.taken).toEqual([])
    subscription.flush()
    expect(sink.taken).toEqual([1])
  })

  test('may flush while it takes: order is kept', () => {
    const subscription = subscribed()
    for (const offset of [1, 2, 3]) subscription.deliver(messageAt(offset))
    const sink = sinkOf()
    const take = sink.take.bind(sink)
    subscription.pipe({
      take: (event) => {
        subscription.flush()
        return take(event)
      },
      end: () => {},
    })
    expect(sink.taken).toEqual([1, 2, 3])
  })

  test('takes what later replays queue, after the queue of the first one was given up', () => {
    const subscription = subscribed()
    const sink = sinkOf()
    subscription.pipe(sink)
    for (const offset of [1, 2]) {
      subscription.deliver(messageAt(offset), true)
      const { queued } = subscription
      subscription.wentLive()
      expect(subscription.queued).toBe(queued)
      subscription.flush()
      subscription.wentLive()
      expect(subscription.queued).not.toBe(queued)
    }
    expect([sink.taken, counter.pending, subscription.queued]).toEqual([[1, 2], 0, []])
  })

  test('may take the last queued event although its subscription is live again at once', () => {
    const liveAtOnce = Object.assign(replayer, { resume: (one: ChannelSubscription) => one.wentLive() })
    const subscription = subscribed({ replayer: liveAtOnce })
    for (const offset of [1, 2]) subscription.deliver(messageAt(offset, '1234567890'))
    expect(subscription.behind).toBe(true)
    const sink = sinkOf()
    subscription.pipe(sink)
    subscription.deliver(messageAt(2))
    expect([sink.taken, subscription.behind]).toEqual([[1, 2], false])
  })

  test('may end its subscription while it takes', () => {
    const allowance = new Allowance(10)
    const subscription = subscribed({ allowance })
    for (const offset of [1, 2]) subscription.deliver(messageAt(offset))
    const sink = sinkOf()
    const take = sink.take.bind(sink)
    sink.take = (event) => {
      void subscription.return()
      return take(event)
    }
    subscription.pipe(sink)
    expect([sink.taken, sink.ends, calls]).toStrictEqual([[1], [undefined], ['end']])
    expect([allowance.used, counter.pending]).toEqual([0, 0])
  })

  test('is ended once, after the last event', () => {
    const subscription = subscribed()
    const sink = sinkOf(0)
    subscription.pipe(sink)
    subscription.deliver(messageAt(1))
    subscription.end(new GatewayError('FORBIDDEN', 'no'))
    // It has ended already, so its queue stays.
    subscription.cut(new GatewayError('POSITION_TAKEN', 'too late'))
    subscription.flush()
    expect(sink.ends).toEqual([])
    sink.room = 1
    subscription.flush()
    subscription.flush()
    expect([sink.taken, sink.ends]).toEqual([[1], ['FORBIDDEN']])
    const idle = subscribed()
    const other = sinkOf()
    idle.pipe(other)
    idle.end()
    idle.end()
    expect(other.ends).toStrictEqual([undefined])
  })

  test('that throws ends its subscription alone, and what waited is dropped', () => {
    const subscription = subscribed()
    const sink = sinkOf(0)
    subscription.pipe(sink)
    subscription.deliver(messageAt(1))
    subscription.deliver(messageAt(2))
    sink.take = () => {
      throw new Error('odd')
    }
    subscription.flush()
    expect([subscription.ended, sink.ends, calls]).toEqual([true, ['DELIVERY_FAILED'], [['failure', 'odd'], 'end']])
    expect(accounts()).toEqual([2, 0, 0, 2])
    subscription.fail(new Error('again'))
    expect(calls).toHaveLength(2)

    const direct = subscribed()
    direct.pipe(sink)
    direct.deliver(messageAt(3))
    expect([direct.ended, accounts()]).toEqual([true, [3, 0, 0, 3]])
  })

  test('that throws at the end is reported', () => {
    const subscription = subscribed()
    subscription.pipe({
      take: () => true,
      end() {
        throw new Error('odd end')
      },
    })
    subscription.end()
    expect(calls).toEqual(['end', ['failure', 'odd end']])
  })

  test('that throws ends its subscription alone, also if no callback takes the error', () => {
    const subscription = new ChannelSubscription({ topic: channelTopic('a'), after: undefined, replayer })
    subscription.pipe({
      take() {
        throw new Error('odd')
      },
      end() {
        throw new Error('odd end')
      },
    })
    expect(() => subscription.deliver(messageAt(1))).not.toThrow()
    expect([subscription.ended, subscription.dropped]).toEqual([true, 1])
  })
})

describe('a slow consumer', () => {
  test('leaves the live end when its allowance is used, and resumes when half of it is free', async () => {
    const allowance = new Allowance(10)
    const subscription = subscribed({ allowance })
    const other = subscribed({ allowance })
    // An empty queue takes any event.
    other.deliver(messageAt(1, '12345'))
    subscription.deliver(messageAt(1, '1'))
    subscription.deliver(messageAt(2, '2345'))
    expect([subscription.full, allowance.used, replayer.stopped]).toEqual([true, 10, []])
    expect(subscribed({ allowance }).full).toBe(false)
    subscription.deliver(messageAt(3))
    subscription.deliver(messageAt(4))
    expect([replayer.stopped, counter.fellBehind, subscription.position]).toEqual([[subscription], 1, cursorAt(2)])
    expect([await pulled(subscription), replayer.resumed]).toEqual([1, []])
    expect([await pulled(subscription), replayer.resumed]).toEqual([2, [subscription]])
    subscription.deliver(messageAt(3))
    expect(await pulled(subscription)).toBe(3)
    expect(replayer.resumed).toHaveLength(1)
  })

  test('resumes when it has taken all, whatever other subscriptions of its connection hold', async () => {
    const allowance = new Allowance(10)
    const [subscription, other] = [subscribed({ allowance }), subscribed({ allowance })]
    other.deliver(messageAt(1, '1234567890'))
    for (const offset of [1, 2]) subscription.deliver(messageAt(offset))
    expect(subscription.behind).toBe(true)
    expect([await pulled(subscription), replayer.resumed]).toEqual([1, [subscription]])
  })

  test('resumes with events in its queue if these take half of the room at most', async () => {
    const subscription = subscribed()
    for (let offset = 1; offset <= 10; offset += 1) subscription.deliver(messageAt(offset))
    subscription.deliver(messageAt(11))
    for (let taken = 0; taken < 4; taken += 1) await pulled(subscription)
    expect(replayer.resumed).toEqual([])
    await pulled(subscription)
    expect(replayer.resumed).toEqual([subscription])
  })

  test('queues 1,024 events at most, and resumes at 512', async () => {
    const subscription = subscribed({ allowance: new Allowance(1e6) })
    for (let offset = 1; offset <= 1_024; offset += 1) {
      expect(subscription.full).toBe(false)
      subscription.deliver(messageAt(offset))
    }
    expect([subscription.full, replayer.stopped]).toEqual([true, []])
    // A checkpoint without room is left out: the next one comes soon.
    subscription.deliver(checkpointAt(1_025))
    expect([replayer.stopped, subscription.position]).toEqual([[], cursorAt(1_024)])
    subscription.deliver(messageAt(1_026), true)
    expect([replayer.stopped, counter.pending]).toEqual([[subscription], 1_024])
    for (let taken = 0; taken < 511; taken += 1) await pulled(subscription)
    expect(replayer.resumed).toEqual([])
    await pulled(subscription)
    expect(replayer.resumed).toEqual([subscription])
  })

  test('gets gaps at any time; of adjacent ones for the same reason only the last', async () => {
    const subscription = subscribed()
    subscription.deliver(messageAt(1, '1234567890'))
    subscription.deliver(gapAt(2))
    subscription.deliver(gapAt(3))
    subscription.deliver(gapAt(4, 'JOURNAL_REPLACED'))
    subscription.deliver(gapAt(5, 'OVERFLOW'))
    subscription.deliver(gapAt(6, 'OVERFLOW'))
    const offsets: unknown[] = []
    for (let count = 0; count < 5; count += 1) offsets.push(await pulled(subscription))
    expect([offsets, accounts()]).toEqual([
      [1, 3, 4, 5, 6],
      [1, 1, 0, 0],
    ])
  })

  test('of policy END is reported, and its queue stays as it is', () => {
    const subscription = subscribed({ overflow: 'END' })
    subscription.deliver(messageAt(1, '1234567890'))
    subscription.deliver(messageAt(2))
    expect([calls, replayer.stopped, counter.matched, counter.dropped.overflow]).toEqual([['overflow'], [], 1, 0])
    subscription.deliver(messageAt(2), true)
    expect(replayer.stopped).toEqual([subscription])
  })

  test('of policy DROP_OLDEST loses messages only, and reports them where they were', async () => {
    const subscription = subscribed({ overflow: 'DROP_OLDEST' })
    expect(subscription.overflow).toBe('DROP_OLDEST')
    subscription.deliver(messageAt(1, '12345'))
    subscription.deliver(gapAt(2))
    subscription.deliver(messageAt(3, '1234'))
    subscription.deliver(checkpointAt(4))
    subscription.deliver(messageAt(5, '1'))
    const story = () =>
      subscription.queued.map((event) =>
        event.kind === 'GAP' ? [event.reason, event.cursor.offset, event.dropped] : [event.kind, event.cursor.offset],
      )
    const before = [
      ['OVERFLOW', 1, 1],
      ['RETENTION', 2, undefined],
    ]
    subscription.deliver(messageAt(6, '1234567890'))
    expect(story()).toEqual([...before, ['OVERFLOW', 5, 2], ['MESSAGE', 6]])
    subscription.deliver(messageAt(7, '1234567890'))
    expect(story()).toEqual([...before, ['OVERFLOW', 6, 3], ['MESSAGE', 7]])
    expect([subscription.dropped, counter.dropped.overflow, counter.pending]).toEqual([4, 4, 1])
    // Gaps take no room, and are not dropped if a message has none.
    const crowded = subscribed({ overflow: 'DROP_OLDEST', allowance: new Allowance(0) })
    crowded.deliver(gapAt(1))
    crowded.deliver(messageAt(2))
    expect(crowded.queued.map(({ kind }) => kind)).toEqual(['GAP', 'MESSAGE'])
  })

  test('of policy CONFLATE queues a replay whole', () => {
    const subscription = subscribed({ overflow: 'CONFLATE' })
    for (const offset of [1, 2]) subscription.deliver(messageAt(offset), true)
    expect(counter.pending).toBe(2)
    subscription.deliver(messageAt(3))
    expect([counter.pending, counter.dropped.conflated]).toEqual([1, 2])
  })

  test('of policy CONFLATE with a pace releases the newest message of each key, however slow its client is', () => {
    const state: StateTopic = {
      id: 'couriers',
      indexes: undefined,
      matches: () => true,
      keyOf: ({ cursor }) => cursor.offset % 3,
    }
    const paces = new Paces()
    const subscription = subscribed({
      topic: { kind: 'event', field: 'courier', name: 'courier', key: 'courier', state },
      overflow: 'CONFLATE',
      pace: { everyMs: 1_000, paces },
    })
    const sink = sinkOf(2)
    subscription.pipe(sink)
    for (let offset = 1; offset <= 7; offset += 1) subscription.deliver(messageAt(offset, 'x'))
    jest.advanceTimersByTime(1_100)
    expect([sink.taken, subscription.behind, subscription.queued.length]).toEqual([[1, 5], false, 2])
    sink.room = 2
    subscription.flush()
    expect([sink.taken, replayer.stopped]).toEqual([[1, 5, 6, 7], []])
    paces.close()
  })

  test('has an allowance of 4 MiB if it has no connection', () => {
    const subscription = new ChannelSubscription({ topic: channelTopic('a'), after: 'invalid', replayer })
    expect(subscription.position).toBe('invalid')
    const quarter = 'x'.repeat(1024 * 1024)
    for (let offset = 1; offset <= 4; offset += 1) subscription.deliver(messageAt(offset, quarter))
    expect([replayer.stopped, subscription.full]).toEqual([[], true])
    subscription.deliver(messageAt(5))
    expect(replayer.stopped).toHaveLength(1)
  })
})

test('the time of the last event is kept for subscriptions that request checkpoints', () => {
  const [idle, other] = [subscribed({ checkpoints: true }), subscribed({ checkpoints: false })]
  jest.setSystemTime(5_000)
  for (const subscription of [idle, other]) subscription.deliver(messageAt(1))
  expect([idle.lastEventAt, other.lastEventAt]).toEqual([5_000, 1_000])
})

const orders: EventTopic = { kind: 'event', field: 'order', name: 'order?id=7', key: 'order 7' }

describe('a subscription that changes its topic', () => {
  test('stops, and resumes after its position', () => {
    const subscription = subscribed({ after: cursorAt(1) })
    subscription.deliver(messageAt(2))
    expect(subscription.channel).toBe('alice')
    subscription.changeTopic(orders)
    expect([subscription.topic, subscription.channel, subscription.position]).toEqual([
      orders,
      'order?id=7',
      cursorAt(2),
    ])
    expect([replayer.stopped, replayer.resumed, subscription.queued.length]).toEqual([
      [subscription],
      [subscription],
      1,
    ])
  })

  test('resumes when its consumer has taken enough, if it is behind', async () => {
    const subscription = subscribed()
    for (const offset of [1, 2]) subscription.deliver(messageAt(offset, '1234567890'))
    expect(subscription.behind).toBe(true)
    subscription.changeTopic(orders)
    expect(replayer.resumed).toEqual([])
    await pulled(subscription)
    expect(replayer.resumed).toEqual([subscription])
  })

  test('resumes when it begins, if its position is not known yet', () => {
    const waits = [subscribed({ after: cursorAt(3), awaitsBegin: true }), subscribed({ awaitsBegin: true })] as const
    for (const subscription of waits) subscription.changeTopic(orders)
    expect(replayer.resumed).toEqual([])
    waits[0].begin(undefined)
    waits[1].begin(cursorAt(5))
    expect(waits.map(({ position }) => position)).toEqual([cursorAt(3), cursorAt(5)])
    expect(replayer.resumed).toEqual([...waits])
    waits[0].changeTopic(channelTopic('bob'))
    expect(replayer.resumed).toEqual([...waits, waits[0]])
  })
})

describe('a gap that the tail met', () => {
  const state: StateTopic = { id: 'orders', indexes: undefined, matches: () => true, keyOf: () => 7 }
  const reasons = (subscription: ChannelSubscription) =>
    subscription.queued.map((event) => event.kind === 'GAP' && event.reason)
  /** What the subscription does about it: the gaps in its queue, and how it continues. */
  const outcome = (subscription: ChannelSubscription) => [
    reasons(subscription),
    replayer.stopped.splice(0).length,
    replayer.resumed.splice(0).length,
  ]

  test('is delivered to a subscription without keyed state, which continues live', () => {
    for (const topic of [channelTopic('alice'), orders]) {
      const subscription = subscribed({ topic, after: cursorAt(1) })
      subscription.missed(gapAt(2))
      subscription.missed(gapAt(3, 'JOURNAL_REPLACED'))
      expect(outcome(subscription)).toEqual([['RETENTION', 'JOURNAL_REPLACED'], 0, 0])
    }
  })

  test('with the reason RETENTION is not delivered to keyed state, which has what changed meanwhile', () => {
    const topic = { ...orders, state }
    const subscription = subscribed({ topic, after: cursorAt(1) })
    subscription.missed(gapAt(2))
    expect([outcome(subscription), subscription.position]).toEqual([[[], 1, 1], cursorAt(1)])
    // Without a position, nothing names what it lacks.
    const began = subscribed({ topic })
    began.missed(gapAt(2))
    expect(outcome(began)).toEqual([['RETENTION'], 0, 0])
    // One that is behind, or has ended, meets the loss when it resumes, or never.
    const behind = subscribed({ topic })
    for (const offset of [1, 2]) behind.deliver(messageAt(offset, '1234567890'))
    const ended = subscribed({ topic, after: cursorAt(1) })
    ended.end()
    replayer.stopped.length = 0
    for (const each of [behind, ended]) each.missed(gapAt(3))
    expect([outcome(behind)[1], outcome(ended)]).toEqual([0, [[], 0, 0]])
  })

  test('of a replaced journal is delivered, and followed by the whole state or by the new journal', () => {
    const restarted: ChannelSubscription[] = []
    let restarts = true
    const restarting = Object.assign(replayer, {
      restart: (one: ChannelSubscription) => {
        restarted.push(one)
        return restarts
      },
    })
    const topic = { ...orders, state }
    const whole = subscribed({ topic, after: cursorAt(1), replayer: restarting })
    whole.missed(gapAt(2, 'JOURNAL_REPLACED'))
    expect([outcome(whole), restarted]).toEqual([[['JOURNAL_REPLACED'], 1, 0], [whole]])
    restarts = false
    const resuming = subscribed({ topic, after: cursorAt(1), replayer: restarting })
    resuming.missed(gapAt(2, 'JOURNAL_REPLACED'))
    expect([outcome(resuming), restarted]).toEqual([
      [['JOURNAL_REPLACED'], 1, 1],
      [whole, resuming],
    ])
    const plain = subscribed({ topic, after: cursorAt(1), replayer: new RecordingReplayer() })
    expect(() => plain.missed(gapAt(2, 'JOURNAL_REPLACED'))).not.toThrow()
    expect(reasons(plain)).toEqual(['JOURNAL_REPLACED'])
  })
})
