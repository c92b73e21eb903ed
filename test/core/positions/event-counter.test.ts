import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { CursorCodec, JournalPlace } from '../../../src/core/model/cursor.ts'
import { anonymous } from '../../../src/core/model/identity.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'
import type { WindowEntry } from '../../../src/core/ports/hot-window.ts'
import type { TopicTest } from '../../../src/core/ports/topic.ts'
import { EventCounter, type EventCounterParts } from '../../../src/core/positions/event-counter.ts'
import { topicText } from '../../../src/core/positions/position-options.ts'

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

const epoch = 'one'

/** The message is for the client with this name. */
function entry(offset: number, client: string, given: Partial<WindowEntry> = {}): WindowEntry {
  return { offset, routingKey: client, mark: false, ...given } as WindowEntry
}

/** Everything up to this offset is acked. */
function behind(offset: number): JournalPlace {
  return { epoch, offset, fingerprint: 0, before: false }
}

/** A counter over a window and a journal that the test changes. */
function world(given: Partial<EventCounterParts> = {}) {
  const window: WindowEntry[] = []
  const journal: WindowEntry[] = []
  const state = { epoch: epoch as string | undefined, origin: undefined as JournalPlace | undefined }
  const scans: { readonly from: number; readonly signal: AbortSignal }[] = []
  /** What a scan waits for before it reads. */
  const hooks = { scanning: async () => {}, judging: (_entry: WindowEntry) => {} }
  const counter = new EventCounter({
    journal: {
      scan: async (from, visit: (message: JournalMessage) => boolean, signal) => {
        scans.push({ from, signal })
        await hooks.scanning()
        for (const message of journal) if (message.offset >= from && !visit(message)) return
      },
    },
    hotWindow: {
      get first() {
        return window[0]?.offset
      },
      get last() {
        return window.at(-1)
      },
      bytes: 0,
      add: () => {},
      at: () => undefined,
      clear: () => {},
      visit: (offset, visit) => {
        for (const message of window) if (message.offset > offset && !visit(message)) return
      },
    },
    epoch: () => state.epoch,
    originOf: () => state.origin && { ...state.origin, codec: {} as CursorCodec },
    audienceOf: (message) => {
      hooks.judging(message)
      return message.routingKey === 'all' ? 'everyone' : [message.routingKey]
    },
    topicTest: () => undefined,
    cursorOf: ({ offset }) => `cursor ${offset}`,
    ...given,
  })
  return { counter, window, journal, state, scans, hooks }
}

describe('of a channel', () => {
  test('counts messages of the client and those for everyone, but no marks and nothing unreadable', async () => {
    const { counter, window, scans } = world()
    window.push(entry(4, 'alice'), entry(5, 'alice'), entry(6, 'bob'), entry(7, 'all'))
    window.push(entry(8, 'alice', { mark: true }), entry(9, 'alice', { unreadable: true }), entry(10, 'alice'))
    expect(await counter.behindIn('alice', behind(4))).toEqual({ count: 3, atLeast: false })
    expect(await counter.behindIn('alice', { ...behind(4), before: true })).toEqual({ count: 4, atLeast: false })
    expect(await counter.behindIn('bob', behind(3))).toEqual({ count: 2, atLeast: false })
    // The window begins with the first entry behind each of these places.
    expect(scans).toEqual([])
  })

  test('counts nothing from before the channel was deleted, also if that was counted before', async () => {
    const { counter, window, state } = world()
    for (let offset = 4; offset < 10; offset += 1) window.push(entry(offset, 'alice'))
    expect(await counter.behindIn('alice', behind(4))).toEqual({ count: 5, atLeast: false })
    state.origin = behind(7)
    expect(await counter.behindIn('alice', behind(4))).toEqual({ count: 2, atLeast: false })
    expect(await counter.behindIn('alice', behind(8))).toEqual({ count: 1, atLeast: false })
  })

  test('is unknown while the journal is away, for another journal, and with an empty window', async () => {
    const { counter, window, state, scans } = world()
    expect(await counter.behindIn('alice', behind(1))).toBeUndefined()
    window.push(entry(5, 'alice'))
    expect(await counter.behindIn('alice', { ...behind(1), epoch: 'other' })).toBeUndefined()
    state.epoch = undefined
    expect(await counter.behindIn('alice', behind(1))).toBeUndefined()
    expect(scans).toEqual([])
  })

  test('continues behind what it counted before', async () => {
    const judged: number[] = []
    const { counter, window, hooks } = world()
    hooks.judging = ({ offset }) => judged.push(offset)
    window.push(entry(5, 'alice'), entry(6, 'alice'))
    await counter.behindIn('alice', behind(4))
    window.push(entry(7, 'alice'))
    expect(await counter.behindIn('alice', behind(4))).toEqual({ count: 3, atLeast: false })
    expect(judged).toEqual([5, 6, 7])
  })

  test('yields to other work, and counts up to where the window ended at the call', async () => {
    const { counter, window, hooks } = world()
    for (let offset = 4; offset < 8; offset += 1) window.push(entry(offset, 'alice'))
    const order: unknown[] = []
    hooks.judging = ({ offset }) => {
      order.push(offset)
      if (offset === 5) window.push(entry(8, 'alice'))
      // Decoding its body takes long.
      jest.advanceTimersByTime(25)
      setImmediate(() => order.push('other work'))
    }
    expect(await counter.behindIn('alice', behind(3))).toEqual({ count: 4, atLeast: false })
    expect(order).toEqual([4, 'other work', 5, 'other work', 6, 'other work', 7])
    expect(await counter.behindIn('alice', behind(3))).toEqual({ count: 5, atLeast: false })
  })

  test('counts in one go what is quick, and not what comes meanwhile', async () => {
    const { counter, window, hooks } = world()
    window.push(entry(4, 'alice'), entry(5, 'alice'), entry(6, 'alice'))
    const order: unknown[] = []
    hooks.judging = ({ offset }) => {
      order.push(offset)
      if (offset === 6) window.push(entry(7, 'alice'))
      setImmediate(() => order.push('other work'))
    }
    expect(await counter.behindIn('alice', behind(3))).toEqual({ count: 3, atLeast: false })
    expect(order).toEqual([4, 5, 6])
  })

  test('ends if the window is emptied meanwhile', async () => {
    const { counter, window, hooks } = world()
    window.push(entry(4, 'alice'), entry(5, 'alice'))
    hooks.judging = () => {
      jest.advanceTimersByTime(25)
      window.length = 0
    }
    expect(await counter.behindIn('alice', behind(3))).toEqual({ count: 1, atLeast: false })
  })
})

describe('before the window', () => {
  test('reads the journal up to the window, and what it has read not again', async () => {
    const { counter, window, journal, scans } = world()
    for (let offset = 0; offset < 10; offset += 1) {
      journal.push(entry(offset, 'alice', offset === 3 ? { mark: true } : {}))
      if (offset >= 6) window.push(entry(offset, 'alice'))
    }
    expect(await counter.behindIn('alice', behind(1))).toEqual({ count: 7, atLeast: false })
    expect(await counter.behindIn('alice', behind(1))).toEqual({ count: 7, atLeast: false })
    expect(scans.map(({ from }) => from)).toEqual([2])
    expect(await counter.behindIn('alice', behind(5))).toEqual({ count: 4, atLeast: false })
    expect(scans).toHaveLength(1)
  })

  test('reads no entry of the window', async () => {
    const { counter, window, journal } = world()
    for (let offset = 0; offset < 7; offset += 1) journal.push(entry(offset, 'alice'))
    window.push(entry(6, 'alice'))
    expect(await counter.behindIn('alice', behind(1))).toEqual({ count: 5, atLeast: false })
  })

  test('reads at most 50,000 entries, and continues at the window', async () => {
    const { counter, window, journal, scans } = world()
    for (let offset = 0; offset < 50_010; offset += 1) journal.push(entry(offset, 'alice'))
    window.push(entry(50_010, 'alice'), entry(50_011, 'alice'))
    const found = { count: 50_002, atLeast: true }
    expect(await counter.behindIn('alice', behind(-1))).toEqual(found)
    expect(await counter.behindIn('alice', behind(-1))).toEqual(found)
    expect(scans).toHaveLength(1)
    window.push(entry(50_012, 'alice'))
    expect(await counter.behindIn('alice', behind(-1))).toEqual({ count: 50_003, atLeast: true })
  })

  test('continues behind what it has read if the window is emptied meanwhile', async () => {
    const { counter, window, journal, hooks } = world()
    for (let offset = 0; offset < 4; offset += 1) journal.push(entry(offset, 'alice'))
    window.push(entry(9, 'alice'))
    hooks.scanning = async () => {
      window.length = 0
    }
    expect(await counter.behindIn('alice', behind(0))).toEqual({ count: 3, atLeast: true })
    window.push(entry(3, 'alice'), entry(4, 'alice'))
    expect(await counter.behindIn('alice', behind(0))).toEqual({ count: 4, atLeast: true })
  })

  test('is unknown if the journal is replaced meanwhile, its reader fails, or the gateway closes', async () => {
    const { counter, window, state, hooks, scans } = world()
    window.push(entry(9, 'alice'))
    hooks.scanning = async () => {
      state.epoch = 'two'
    }
    expect(await counter.behindIn('alice', behind(1))).toBeUndefined()
    state.epoch = epoch
    hooks.scanning = () => Promise.reject(new Error('the reader failed'))
    expect(await counter.behindIn('alice', behind(1))).toBeUndefined()
    hooks.scanning = () =>
      new Promise((_, reject) => {
        scans.at(-1)?.signal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    const last = counter.behindIn('alice', behind(1))
    await new Promise(setImmediate)
    expect(scans).toHaveLength(3)
    counter.close()
    expect(await last).toBeUndefined()
    hooks.scanning = async () => {}
    expect(await counter.behindIn('alice', behind(1))).toEqual({ count: 1, atLeast: true })
  })

  test('reads for one count at a time, and refuses one beyond a hundred that wait', async () => {
    const { counter, window, journal, hooks, scans } = world()
    journal.push(entry(3, 'alice'))
    window.push(entry(1_000, 'alice'))
    let read = (): void => undefined
    hooks.scanning = () =>
      new Promise((resolve) => {
        read = resolve
      })
    const counts = Array.from({ length: 100 }, (_, n) => counter.behindIn('alice', behind(n)))
    expect(await counter.behindIn('alice', behind(100))).toBeUndefined()
    expect(scans.map(({ from }) => from)).toEqual([1])
    read()
    hooks.scanning = async () => {}
    expect((await Promise.all(counts)).filter(Boolean)).toHaveLength(100)
    expect(await counter.behindIn('alice', behind(100))).toEqual({ count: 1, atLeast: true })
    expect(scans).toHaveLength(101)
  })
})

describe('of a stored position', () => {
  const stored = (topic: string | undefined, place: JournalPlace | undefined) => ({
    clientId: 'alice',
    name: 'phone',
    topic,
    place,
    holder: 1,
    heldBy: undefined,
    movedAt: new Date(),
    usedAt: new Date(),
  })
  const channel = (args: Record<string, unknown>) => topicText({ field: 'channel', args })

  test('counts in the channel that it is a place in', async () => {
    const { counter, window } = world()
    window.push(entry(4, 'alice'), entry(5, 'alice'), entry(6, 'bob'))
    const count = (topic: string | undefined, place: JournalPlace | undefined) =>
      counter.behind(stored(topic, place), anonymous)
    expect(await count(channel({ clientId: 'alice' }), behind(3))).toEqual({ count: 2, atLeast: false })
    expect(await count(channel({ clientId: 'bob' }), behind(3))).toEqual({ count: 1, atLeast: false })
    expect(await count(channel({}), behind(3))).toBeUndefined()
    expect(await count(undefined, behind(3))).toBeUndefined()
    expect(await count(channel({ clientId: 'alice' }), undefined)).toBeUndefined()
  })

  test('counts what the typed field would deliver to the client, or nothing without its claims', async () => {
    const asked: unknown[] = []
    const typed: TopicTest = {
      key: '\0orders',
      matches: ({ offset }, cursor) => cursor() === `cursor ${offset}` && offset % 2 === 0,
    }
    const { counter, window, state } = world({
      topicTest: (topic, identity) => {
        asked.push(topic)
        return identity.clientId === undefined ? undefined : typed
      },
    })
    for (let offset = 4; offset < 9; offset += 1) window.push(entry(offset, 'bob'))
    // The origin of a channel does not apply to a typed field.
    state.origin = behind(7)
    const position = stored(topicText({ field: 'orderChanged', args: { customer: '7' } }), behind(4))
    expect(await counter.behind(position, { ...anonymous, clientId: 'alice' })).toEqual({ count: 2, atLeast: false })
    expect(await counter.behind(position, anonymous)).toBeUndefined()
    expect(asked[0]).toEqual({ field: 'orderChanged', args: { customer: '7' } })
  })
})
