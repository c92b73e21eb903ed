import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Keyed, keyed, type Latest, type LiveStore, latest } from '../../src/client/state.ts'
import { eventually } from '../support/eventually.ts'
import { checkpoint, FedClient, resultOf } from './fed-client.ts'

interface Order {
  readonly id: string
  readonly total: number
}

const query = 'subscription Orders($after: Cursor) { orders(after: $after, checkpoints: true) { id total } }'
const options = { query, retryFirstMs: 1 }
const order = (id: string, total: number): Order => ({ id, total })

let client: FedClient
beforeEach(() => {
  client = new FedClient()
})

/** A store with a subscriber, and the snapshots that it was called for. */
class Watched<Snapshot> {
  readonly snapshots: Snapshot[] = []
  readonly stop: () => void
  readonly #store: LiveStore<Snapshot>

  constructor(store: LiveStore<Snapshot>) {
    this.#store = store
    this.stop = store.subscribe(() => this.snapshots.push(store.getSnapshot()))
  }

  get now(): Snapshot {
    return this.#store.getSnapshot()
  }

  /** Results are handled one after another, each in a turn of its own. */
  async until(what: string, isSo: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    await eventually(what, async () => isSo(this.now), { everyMs: 1 })
    return this.now
  }
}

describe('the newest value', () => {
  const watch = () => new Watched<Latest<Order>>(latest<Order>(client, options))

  test('comes with the state of the connection, which resumes after it', async () => {
    const store = watch()
    expect(store.now).toEqual({
      connection: 'connecting',
      gap: undefined,
      error: undefined,
      value: undefined,
      cursor: undefined,
    })
    client.feed(checkpoint('c0'))
    await store.until('live', ({ connection }) => connection === 'live')
    expect(store.now.value).toBeUndefined()
    client.feed(resultOf(order('1', 10), 'c1'))
    client.feed(resultOf(order('1', 11), 'c2'))
    expect(await store.until('c2', ({ cursor }) => cursor === 'c2')).toMatchObject({ value: { id: '1', total: 11 } })
    client.lose()
    expect(await store.until('waiting', ({ connection }) => connection === 'waiting')).toMatchObject({
      value: { total: 11 },
    })
    await eventually('another attempt', async () => client.operations.length === 2, { everyMs: 1 })
    expect(client.variables).toEqual([{ after: undefined }, { after: 'c2' }])
    expect(store.now.connection).toBe('waiting')
    client.feed(resultOf(order('1', 12), 'c3'))
    expect(await store.until('c3', ({ cursor }) => cursor === 'c3')).toMatchObject({ connection: 'live' })
    store.stop()
  })

  test('reports a gap until the next value, and why it ended', async () => {
    const store = watch()
    client.feed(resultOf(null, 'c1', { gap: { reason: 'RETENTION', oldest: 'c0' } }))
    expect(await store.until('a gap', ({ gap }) => gap !== undefined)).toMatchObject({
      connection: 'live',
      gap: { reason: 'RETENTION', oldest: 'c0' },
      value: undefined,
    })
    client.feed(checkpoint('c2'))
    client.feed(resultOf(order('1', 10), 'c3'))
    expect(await store.until('c3', ({ cursor }) => cursor === 'c3')).toMatchObject({ gap: undefined })
    client.operations[0]?.sink.error([{ message: 'taken', extensions: { code: 'POSITION_TAKEN' } }])
    const ended = await store.until('the end', ({ connection }) => connection === 'ended')
    expect(ended).toMatchObject({ error: { codes: ['POSITION_TAKEN'] }, value: { total: 10 } })
    expect(client.operations).toHaveLength(1)
  })

  test('is subscribed once for all subscribers, and not after the last one', async () => {
    const store = latest<Order>(client, options)
    expect(client.operations).toEqual([])
    const stop = [store.subscribe(() => {}), store.subscribe(() => {})]
    expect(client.open).toHaveLength(1)
    for (const end of stop) end()
    // As React's StrictMode does.
    const again = store.subscribe(() => {})
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect([client.operations, client.open].map(({ length }) => length)).toEqual([1, 1])
    again()
    await eventually('the end of the subscription', async () => client.open.length === 0)
  })

  test('needs a query that takes the cursor', () => {
    expect(() => latest(client, { query: 'subscription { orders { id } }' })).toThrow(
      new TypeError('query: expected a subscription that takes $after: Cursor and passes it on'),
    )
  })
})

describe('the entries of keyed state', () => {
  const watch = () => new Watched<Keyed<Order>>(keyed<Order>(client, options))
  const totals = ({ entries }: Keyed<Order>) => [...entries.values()].map(({ id, total }) => `${id}:${total}`)
  const snapshot = (...orders: Order[]) => {
    for (const [index, each] of orders.entries()) {
      const state = index === orders.length - 1 ? 'SNAPSHOT_END' : 'SNAPSHOT'
      client.feed(resultOf(each, `s${index}`, { state, ...(index === 0 ? { reset: true } : {}) }))
    }
  }

  test('are the snapshot, then every change and removal', async () => {
    const store = watch()
    snapshot(order('1', 10), order('2', 20), order('3', 30))
    expect(totals(await store.until('the snapshot', ({ isComplete }) => isComplete))).toEqual(['1:10', '2:20', '3:30'])
    client.feed(resultOf(order('2', 21), 'c1'))
    client.feed(resultOf(null, 'c2', { removed: '1' }))
    client.feed(resultOf(order('4', 40), 'c3'))
    expect(totals(await store.until('4', ({ entries }) => entries.has('4')))).toEqual(['2:21', '3:30', '4:40'])
    store.stop()
  })

  test('keep the identity of what does not change, also in another snapshot', async () => {
    const store = watch()
    snapshot(order('1', 10), order('2', 20))
    const before = await store.until('the snapshot', ({ isComplete }) => isComplete)
    client.feed(resultOf(order('2', 21), 'c1'))
    const after = await store.until('a change', ({ entries }) => entries.get('2')?.total === 21)
    expect(after.entries.get('1')).toBe(before.entries.get('1'))
    expect(before.entries.get('2')).toEqual(order('2', 20))

    snapshot(order('1', 10), order('3', 30))
    const replaced = await store.until('another snapshot', ({ entries }) => entries.has('3'))
    expect(totals(replaced)).toEqual(['1:10', '3:30'])
    expect(replaced.entries.get('1')).toBe(before.entries.get('1'))
    // It replaced the entries at its end, and not before.
    expect(store.snapshots.slice(store.snapshots.indexOf(after)).map(totals)).toEqual([
      ['1:10', '2:21'],
      ['1:10', '3:30'],
    ])

    const calls = store.snapshots.length
    client.feed(resultOf(order('3', 30), 'c2'))
    snapshot(order('1', 10), order('3', 30))
    client.feed(resultOf(order('5', 50), 'c3'))
    const last = await store.until('5', ({ entries }) => entries.has('5'))
    expect(last.entries.get('3')).toBe(replaced.entries.get('3'))
    expect(store.snapshots).toHaveLength(calls + 1)
  })

  test('of an empty state are complete', async () => {
    const store = watch()
    client.feed(checkpoint('c0', { state: 'SNAPSHOT_END', reset: true }))
    await store.until('a complete state', ({ isComplete }) => isComplete)
    expect(store.now.entries.size).toBe(0)
    snapshot(order('1', 10))
    await store.until('another state', ({ entries }) => entries.size === 1)
    client.feed(checkpoint('c2', { state: 'SNAPSHOT_END', reset: true }))
    await store.until('an empty state', ({ entries }) => entries.size === 0)
  })

  test('are completed by what follows a connection that is lost within the snapshot', async () => {
    const store = watch()
    client.feed(resultOf(order('1', 10), 's0', { state: 'SNAPSHOT', reset: true }))
    client.feed(resultOf(order('2', 20), 's1', { state: 'SNAPSHOT' }))
    await store.until('two entries', ({ entries }) => entries.size === 2)
    expect(store.now.isComplete).toBe(false)
    client.lose()
    await eventually('another attempt', async () => client.operations.length === 2, { everyMs: 1 })
    expect(client.variables[1]).toEqual({ after: 's1' })
    client.feed(resultOf(order('3', 30), 'c1', { state: 'REBASED' }))
    client.feed(resultOf(null, 'c2', { state: 'REBASED', removed: '1' }))
    const now = await store.until('a removal', ({ entries }) => !entries.has('1'))
    expect([now.isComplete, totals(now)]).toEqual([true, ['2:20', '3:30']])
  })

  test('begin again with a snapshot that begins within another', async () => {
    const store = watch()
    client.feed(resultOf(order('1', 10), 's0', { state: 'SNAPSHOT', reset: true }))
    snapshot(order('2', 20), order('3', 30))
    expect(totals(await store.until('the snapshot', ({ isComplete }) => isComplete))).toEqual(['2:20', '3:30'])
  })

  test('report a gap until the next whole snapshot', async () => {
    const store = watch()
    snapshot(order('1', 10))
    client.feed(resultOf(order('2', 20), 'c1', { gap: { reason: 'JOURNAL_REPLACED', oldest: 'c1' } }))
    await store.until('a gap', ({ gap }) => gap !== undefined)
    client.feed(resultOf(order('3', 30), 'c2'))
    expect((await store.until('3', ({ entries }) => entries.has('3'))).gap).toEqual({
      reason: 'JOURNAL_REPLACED',
      oldest: 'c1',
    })
    snapshot(order('3', 30))
    await store.until('no gap', ({ gap }) => gap === undefined)
    expect(totals(store.now)).toEqual(['3:30'])
  })

  test('have the keys that the caller names, and removals that a value stands for', async () => {
    interface Courier {
      readonly __typename: string
      readonly courier: { readonly number: number }
    }
    const moved = (number: number): Courier => ({ __typename: 'Moved', courier: { number } })
    const store = new Watched(
      keyed<Courier>(client, {
        ...options,
        keyOf: ({ courier }) => courier.number,
        isRemoval: ({ __typename: type }) => type === 'Gone',
      }),
    )
    client.feed(resultOf(moved(1), 'c1', { state: 'SNAPSHOT_END' }))
    client.feed(resultOf(moved(2), 'c2'))
    client.feed(resultOf({ ...moved(1), __typename: 'Gone' }, 'c3'))
    client.feed(resultOf(moved(3), 'c4'))
    expect([...(await store.until('3', ({ entries }) => entries.has('3'))).entries.keys()]).toEqual(['2', '3'])
  })
})
