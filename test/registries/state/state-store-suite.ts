import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { setWireType, wireTypeOf } from '../../../src/core/body/amqp-field-types.ts'
import { fingerprintOf } from '../../../src/core/model/cursor.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'
import type { StateFold, StateRow, StateStore } from '../../../src/core/state/state-store.ts'

/** An empty place for a store that can be opened several times. */
export interface StatePlace {
  open(): Promise<StateStore>
  remove(): Promise<void>
}

const epoch = '0011223344556677'

function message(offset: number, given: Partial<JournalMessage> = {}): JournalMessage {
  return {
    exchange: 'orders',
    routingKey: 'orders.eu',
    body: Buffer.from(`{"n":${offset}}`),
    properties: { contentType: 'application/json' },
    redelivered: false,
    receivedAt: 1_700_000_000_000 + offset,
    offset,
    mark: false,
    ...given,
  }
}

const row = (key: string, offset: number, given: Partial<StateRow> = {}): StateRow => ({
  key,
  index: '',
  removed: false,
  message: message(offset),
  ...given,
})

/** The contract of every store, on any database. */
export function stateStoreSuite(name: string, newPlace: () => Promise<StatePlace>): void {
  describe(`the store of keyed state on ${name}`, () => {
    let place: StatePlace
    let store: StateStore

    beforeEach(async () => {
      place = await newPlace()
      store = await place.open()
    })
    afterEach(async () => {
      await store.close()
      await place.remove()
    })

    const lease = (holder: string, now: number) =>
      store.lease({ id: 's', field: 'orders', holder, now, until: now + 10 })
    const begin = async (holder = 'one', now = 100): Promise<number> => {
      const taken = await lease(holder, now)
      if (!taken) throw new Error('the lease is taken')
      await store.reset('s', taken.fence, epoch)
      return taken.fence
    }
    const fold = (fence: number, offset: number, rows: readonly StateRow[], given: Partial<StateFold> = {}) =>
      store.fold({
        id: 's',
        fence,
        place: { epoch, offset, fingerprint: 4_000_000_000, before: false },
        rows,
        built: false,
        full: false,
        missingUpTo: -1,
        now: 1_000,
        until: 200,
        ...given,
      })
    const keysAfter = async (after: number, indexes?: readonly string[], maxRows = 100) =>
      (await store.page({ id: 's', indexes, after, maxRows }))?.rows.map(({ key }) => key)

    test('has one holder at a time, and refuses what a former one writes', async () => {
      const fence = await begin()
      expect(await lease('two', 109)).toBeUndefined()
      expect((await lease('one', 105))?.fence).toBe(fence)
      const taken = await lease('two', 115)
      expect(taken?.fence).toBe(fence + 1)
      expect(await fold(fence, 5, [row('a', 5)])).toBeUndefined()
      expect(await store.reset('s', fence, 'ffff')).toBeUndefined()
      expect(await store.forget({ id: 's', fence, foldedBefore: 9_999, all: true })).toBe(0)
      expect(await keysAfter(-1)).toEqual([])
      expect((await fold(fence + 1, 6, [row('b', 6)]))?.keys).toBe(1)
      await store.release('s', fence)
      expect(await lease('three', 116)).toBeUndefined()
      await store.release('s', fence + 1)
      expect((await lease('three', 116))?.fence).toBe(fence + 2)
    })

    test('keeps the last message of each key with the place up to which it is folded', async () => {
      const fence = await begin()
      expect((await store.head('s'))?.place).toBeUndefined()
      await fold(fence, 3, [row('a', 1), row('b', 2), row('c', 3)])
      const head = await fold(fence, 9, [row('a', 8), row('b', 9, { removed: true })], { built: true })
      expect(head).toMatchObject({
        epoch,
        built: true,
        full: false,
        keys: 3,
        forgottenUpTo: -1,
        holder: 'one',
        heldUntil: 200,
      })
      expect(head?.place).toEqual({ epoch, offset: 9, fingerprint: 4_000_000_000, before: false })
      expect(await store.head('s')).toEqual(head)
      expect(await keysAfter(-1)).toEqual(['c', 'a', 'b'])
      expect(await keysAfter(3, undefined, 1)).toEqual(['a'])
      expect((await store.page({ id: 's', indexes: undefined, after: 8, maxRows: 9 }))?.rows[0]?.removed).toBe(true)
      expect(await store.page({ id: 'unknown', indexes: undefined, after: -1, maxRows: 9 })).toBeUndefined()
    })

    test('finds the rows of some texts of the index, and those without one', async () => {
      const fence = await begin()
      await fold(fence, 4, [
        row('a', 1, { index: 'x' }),
        row('b', 2, { index: 'y' }),
        row('c', 3),
        row('d', 4, { index: 'z' }),
      ])
      expect(await keysAfter(-1, ['x'])).toEqual(['a', 'c'])
      expect(await keysAfter(-1, ['z', 'y'])).toEqual(['b', 'c', 'd'])
      await fold(fence, 5, [row('a', 5, { index: 'y' })])
      expect(await keysAfter(-1, ['x'])).toEqual(['c'])
    })

    test('counts rows and bytes exactly, whatever is overwritten', async () => {
      const fence = await begin()
      const many = Array.from({ length: 250 }, (_, at) => row(`k${at}`, at))
      const first = await fold(fence, 250, many)
      const second = await fold(fence, 500, [...many.slice(0, 120), row('new 🙂', 400)])
      expect([first?.keys, second?.keys]).toEqual([250, 251])
      const again = await fold(fence, 501, [row('new 🙂', 400)])
      expect(again?.bytes).toBe(second?.bytes)
      let forgotten = 0
      for (let some = 1; some > 0; forgotten += some)
        some = await store.forget({ id: 's', fence, foldedBefore: 2_000, all: true })
      expect(forgotten).toBe(251)
      expect(await store.head('s')).toMatchObject({ keys: 0, bytes: 0, forgottenUpTo: 400 })
    })

    test('forgets removed keys alone, and knows up to where', async () => {
      const fence = await begin()
      await fold(fence, 3, [row('a', 1), row('b', 2, { removed: true }), row('c', 3, { removed: true })], { now: 10 })
      await fold(fence, 5, [row('d', 5, { removed: true })], { now: 20, missingUpTo: 1 })
      expect((await store.head('s'))?.forgottenUpTo).toBe(1)
      expect(await store.forget({ id: 's', fence, foldedBefore: 20, all: false })).toBe(2)
      expect(await keysAfter(-1)).toEqual(['a', 'd'])
      expect((await store.head('s'))?.forgottenUpTo).toBe(3)
    })

    test('counts the removed keys that it keeps', async () => {
      const fence = await begin()
      const gone = (key: string, offset: number) => row(key, offset, { removed: true })
      const removed = async () => (await store.head('s'))?.removed
      await fold(fence, 3, [row('a', 1), gone('b', 2), gone('c', 3)], { now: 10 })
      expect(await removed()).toBe(2)
      // One comes back, one is removed again, and one is removed for the first time.
      expect(await fold(fence, 6, [row('b', 4), gone('c', 5), gone('a', 6)], { now: 20 })).toMatchObject({ removed: 2 })
      await store.forget({ id: 's', fence, foldedBefore: 20, all: false })
      expect(await removed()).toBe(2)
      await store.forget({ id: 's', fence, foldedBefore: 21, all: true })
      expect(await removed()).toBe(0)
      await fold(fence, 7, [gone('d', 7)])
      expect(await store.reset('s', fence, epoch)).toMatchObject({ removed: 0 })
    })

    test('begins again without rows, and deletes the former ones piece by piece', async () => {
      const fence = await begin()
      await fold(
        fence,
        900,
        Array.from({ length: 900 }, (_, at) => row(`k${at}`, at)),
        { built: true },
      )
      const head = await store.reset('s', fence, 'ffffffffffffffff')
      expect(head).toMatchObject({ epoch: 'ffffffffffffffff', place: undefined, built: false, keys: 0, bytes: 0 })
      expect(await keysAfter(-1)).toEqual([])
      let swept = 0
      for (let some = 1; some > 0; swept += some) some = await store.sweep()
      expect(swept).toBe(900)
    })

    test('gives back each message as it was, so that its cursor is the same', async () => {
      const fence = await begin()
      const headers: Record<string, unknown> = {
        text: 'ä🙂',
        big: 2n ** 60n,
        bytes: Buffer.from([0, 255]),
        time: { '!': 'timestamp', value: 7 },
        ['__proto__']: 'own',
      }
      setWireType(headers, 'text', 'float')
      const properties = {
        contentType: 'x',
        messageId: 'm',
        timestamp: 5_000,
        unixSeconds: 2n ** 61n,
        priority: 3,
        headers,
      }
      const whole = message(7, { body: Buffer.from([0, 1, 254, 255]), properties, redelivered: true })
      await fold(fence, 7, [
        row('a', 7, { message: whole }),
        row('b', 8, { message: message(8, { body: Buffer.alloc(0), properties: {} }) }),
      ])
      const [read, empty] = (await store.page({ id: 's', indexes: undefined, after: -1, maxRows: 9 }))?.rows ?? []
      expect(read?.message).toEqual(whole)
      expect(read && fingerprintOf(read.message)).toBe(fingerprintOf(whole))
      expect(wireTypeOf(read?.message.properties.headers ?? {}, 'text')).toBe('float')
      expect(empty?.message.body).toEqual(Buffer.alloc(0))
    })

    test('lets other work run while it folds many rows, and shows none of them before all', async () => {
      const fence = await begin()
      const rows = Array.from({ length: 5_000 }, (_, at) => row(`k${at}`, at))
      const ended = new AbortController()
      const folding = fold(fence, 5_000, rows).finally(() => ended.abort())
      let turns = 0
      const reads: ReturnType<StateStore['page']>[] = []
      while (!ended.signal.aborted) {
        turns += 1
        if (turns <= 20) reads.push(store.page({ id: 's', indexes: undefined, after: 4_989, maxRows: 100 }))
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect((await folding)?.keys).toBe(5_000)
      expect(turns).toBeGreaterThan(2)
      for (const page of await Promise.all(reads)) expect(page?.rows).toHaveLength(page?.head.keys === 0 ? 0 : 10)
    })

    test('shows a reader whole folds only, also in another process', async () => {
      const fence = await begin()
      const other = await place.open()
      try {
        const writing = (async () => {
          for (let round = 1; round <= 30; round += 1)
            await fold(
              fence,
              round,
              Array.from({ length: 50 }, (_, key) => row(`k${key}`, round)),
            )
        })()
        for (let reads = 0; reads < 30; reads += 1) {
          const page = await other.page({ id: 's', indexes: undefined, after: -1, maxRows: 100 })
          const offsets = new Set(page?.rows.map(({ message: { offset } }) => offset))
          if (page?.head.place) expect([...offsets]).toEqual([page.head.place.offset])
          else expect([...offsets]).toEqual([])
        }
        await writing
      } finally {
        await other.close()
      }
    })
  })
}
