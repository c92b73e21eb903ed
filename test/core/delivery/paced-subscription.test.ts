import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { DeliveryCounter } from '../../../src/core/accounting/delivery-counter.ts'
import { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { Allowance } from '../../../src/core/delivery/event-queue.ts'
import { everyOf, Paces } from '../../../src/core/delivery/pace.ts'
import type { ChannelEvent, StateMark } from '../../../src/core/model/channel-event.ts'
import { channelTopic, type EventTopic, type Topic } from '../../../src/core/ports/topic.ts'
import { checkpointAt, cursorAt, gapAt, messageAt, RecordingReplayer } from './events.ts'

const everyMs = 1_000
/** A timer is exact to 10 ms. */
const tickMs = 10
const kib = 1024

const orders: EventTopic = { kind: 'event', field: 'order', name: 'order', key: 'order' }
/** The first character of a body is its key. */
const keyed: EventTopic = {
  ...orders,
  state: {
    id: 'orders',
    indexes: undefined,
    matches: () => true,
    keyOf: ({ message }) => message.body.toString('latin1', 0, 1),
  },
}

let paces: Paces
let replayer: RecordingReplayer
let counter: DeliveryCounter

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000 })
  paces = new Paces()
  replayer = new RecordingReplayer()
  counter = new DeliveryCounter(() => {})
})
afterEach(() => {
  paces.close()
  jest.useRealTimers()
})

/** A subscription. Its client takes events while `isOpen` is true. */
function subscribed(topic: Topic = channelTopic('alice'), maxBytes = 10_000 * kib) {
  const subscription = new ChannelSubscription({
    topic,
    after: undefined,
    pace: { everyMs, paces },
    replayer,
    allowance: new Allowance(maxBytes),
    counter,
  })
  const taken: number[] = []
  const client = { isOpen: true }
  subscription.pipe({
    take: (event) => client.isOpen && taken.push(event.cursor.offset) > 0,
    end: () => {},
  })
  const deliver = (...events: readonly ChannelEvent[]): void => {
    for (const event of events) subscription.deliver(event)
  }
  return { subscription, taken, client, deliver }
}

describe('a subscription with a pace', () => {
  test('delivers a message at once if its time has passed, to the millisecond', () => {
    const { taken, deliver } = subscribed()
    deliver(messageAt(1))
    jest.advanceTimersByTime(everyMs)
    deliver(messageAt(2))
    expect(taken).toEqual([1, 2])
    jest.advanceTimersByTime(everyMs - 1)
    deliver(messageAt(3))
    expect(taken).toEqual([1, 2])
    jest.advanceTimersByTime(1 + tickMs)
    expect(taken).toEqual([1, 2, 3])
  })

  test('queues one message, and the newest waits behind it, however long its client takes none', () => {
    const { subscription, taken, client, deliver } = subscribed()
    client.isOpen = false
    for (const offset of [1, 2, 3]) {
      deliver(messageAt(offset))
      jest.advanceTimersByTime(5 * everyMs)
    }
    expect([subscription.queued.length, subscription.position]).toEqual([1, cursorAt(3)])
    client.isOpen = true
    subscription.flush()
    // The time of the newest message has passed, too.
    expect(taken).toEqual([1, 3])
    deliver(messageAt(4))
    client.isOpen = false
    jest.advanceTimersByTime(everyMs + tickMs)
    deliver(messageAt(5))
    client.isOpen = true
    subscription.flush()
    expect(taken).toEqual([1, 3, 4])
    jest.advanceTimersByTime(everyMs)
    expect(taken).toEqual([1, 3, 4, 5])
  })

  test('has room for what a replay delivers, whatever waits for its client', () => {
    const { subscription, client, deliver } = subscribed(channelTopic('alice'), 1)
    client.isOpen = false
    deliver(messageAt(1))
    expect([subscription.queued.length, subscription.full]).toEqual([1, false])
  })

  test('delivers of a replay the newest message only: at the live end, at its time', () => {
    const { subscription, taken } = subscribed()
    subscription.deliver(messageAt(1), true)
    jest.advanceTimersByTime(5 * everyMs)
    subscription.deliver(messageAt(2), true)
    expect(taken).toEqual([])
    subscription.wentLive()
    expect(taken).toEqual([2])
    // Its topic changes, so it reads the journal again.
    subscription.deliver(messageAt(3), true)
    subscription.wentLive()
    expect(taken).toEqual([2])
    jest.advanceTimersByTime(everyMs + tickMs)
    expect([taken, counter.passedOver]).toEqual([[2, 3], 1])
    subscription.wentLive()
    expect(taken).toEqual([2, 3])
  })

  test('delivers what waits before a gap; a checkpoint waits for no message, and passes none', () => {
    const { taken, deliver } = subscribed()
    deliver(messageAt(1), checkpointAt(2), messageAt(3))
    expect(taken).toEqual([1, 2])
    deliver(checkpointAt(4))
    expect(taken).toEqual([1, 2])
    deliver(gapAt(5))
    expect(taken).toEqual([1, 2, 3, 5])
  })

  test('delivers a state whole: the pace is for changes', () => {
    const { taken, deliver } = subscribed(keyed)
    const state: StateMark = { phase: 'SNAPSHOT', reset: true }
    deliver(Object.assign(messageAt(1), { state }), Object.assign(messageAt(2), { state }))
    deliver({ ...checkpointAt(3), state: { phase: 'SNAPSHOT_END', reset: false } })
    expect(taken).toEqual([1, 2, 3])
    deliver(messageAt(4), { ...checkpointAt(5), state })
    expect(taken).toEqual([1, 2, 3, 4, 5])
  })

  test.each([
    ['of a channel', channelTopic('alice')],
    ['of a field without keyed state', orders],
  ])('%s holds one message of any size', (_what, topic) => {
    const { taken, deliver } = subscribed(topic)
    const large = 'x'.repeat(300 * kib)
    for (const offset of [1, 2, 3, 4]) deliver(messageAt(offset, large))
    expect(taken).toEqual([1])
    jest.advanceTimersByTime(everyMs + tickMs)
    expect(taken).toEqual([1, 4])
  })
})

describe('the end of a subscription with a pace', () => {
  test('drops what waits if its client leaves, and leaves no timer', async () => {
    const { subscription, taken, deliver } = subscribed()
    deliver(messageAt(1), messageAt(2))
    await subscription.return()
    expect([taken, subscription.queued.length, counter.matched, counter.pending]).toEqual([[1], 0, 1, 0])
    jest.advanceTimersByTime(2 * tickMs)
    expect(jest.getTimerCount()).toBe(0)
  })

  test('delivers what waits if the gateway ends it', () => {
    const { subscription, taken, deliver } = subscribed()
    deliver(messageAt(1), messageAt(2))
    subscription.end()
    expect(taken).toEqual([1, 2])
  })

  test('leaves no timer if the replica closes', () => {
    const { deliver } = subscribed()
    deliver(messageAt(1), messageAt(2))
    expect(jest.getTimerCount()).toBe(1)
    paces.close()
    expect(jest.getTimerCount()).toBe(0)
  })
})

describe('the argument every', () => {
  test('may be absent, and is a text otherwise', () => {
    expect([everyOf(undefined), everyOf(null), everyOf('250ms'), everyOf('1h')]).toEqual([
      undefined,
      undefined,
      250,
      3_600_000,
    ])
    for (const odd of [250, '19ms', '', true])
      expect(() => everyOf(odd)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'every' }))
  })
})

describe('a subscription with a pace and keyed state', () => {
  test('delivers the newest message of each key, in the order of the journal', () => {
    const { taken, deliver } = subscribed(keyed)
    deliver(...['a', 'a', 'b', 'c', 'a', 'b'].map((key, index) => messageAt(index + 1, key)))
    expect(taken).toEqual([1])
    jest.advanceTimersByTime(everyMs + tickMs)
    expect([taken, counter.passedOver]).toEqual([[1, 4, 5, 6], 2])
  })

  test('holds 1,024 keys at most: one more releases them before their time', () => {
    const { taken, deliver } = subscribed({
      ...orders,
      state: { ...keyed.state, keyOf: ({ cursor }) => cursor.offset } as EventTopic['state'],
    })
    const offsets = Array.from({ length: 1_026 }, (_, index) => index + 1)
    deliver(...offsets.slice(0, -1).map((offset) => messageAt(offset)))
    expect(taken).toEqual([1])
    deliver(messageAt(1_026))
    expect(taken).toEqual(offsets)
  })

  test('holds 256 KiB at most; messages that newer ones replaced do not count', () => {
    const { taken, deliver } = subscribed(keyed)
    const sized = (offset: number, key: string, size: number) => messageAt(offset, key.padEnd(size * kib, '.'))
    deliver(messageAt(1))
    for (let offset = 2; offset <= 10; offset += 1) deliver(sized(offset, 'a', 128))
    deliver(sized(11, 'b', 127), sized(12, 'c', 1))
    expect(taken).toEqual([1])
    deliver(messageAt(13, 'd'))
    expect(taken).toEqual([1, 10, 11, 12, 13])
    // What was released is forgotten.
    deliver(sized(14, 'a', 128), sized(15, 'b', 127))
    expect(taken).toEqual([1, 10, 11, 12, 13])
  })

  test.each([
    ['when its time has come', () => jest.advanceTimersByTime(everyMs + tickMs)],
    ['at a gap', (deliver: (event: ChannelEvent) => void) => deliver(gapAt(9))],
  ])('falls behind %s if there is no room for all keys, and resumes after the last that fits', (_when, happens) => {
    const { subscription, taken, client, deliver } = subscribed(keyed, 10)
    deliver(messageAt(1))
    client.isOpen = false
    deliver(messageAt(2, 'a12345'), messageAt(3, 'b12345'), messageAt(4, 'c'))
    happens(deliver)
    expect([subscription.behind, subscription.position, subscription.queued.length]).toEqual([true, cursorAt(2), 1])
    expect([counter.fellBehind, replayer.stopped, replayer.resumed]).toEqual([1, [subscription], []])
    client.isOpen = true
    subscription.flush()
    expect([taken, replayer.resumed]).toEqual([[1, 2], [subscription]])
  })

  test('falls behind with the same position if too many keys wait', () => {
    const { subscription, client, deliver } = subscribed(keyed, 10)
    deliver(messageAt(1))
    client.isOpen = false
    const large = '.'.repeat(128 * kib)
    deliver(messageAt(2, `a${large}`), messageAt(3, `b${large}`), messageAt(4, 'c'))
    expect([subscription.behind, subscription.position, subscription.queued.length]).toEqual([true, cursorAt(2), 1])
  })
})
