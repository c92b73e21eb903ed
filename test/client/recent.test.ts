import { beforeEach, describe, expect, test } from '@jest/globals'
import { eachEvent, type LiveStatus, type LiveStore, recent } from '../../src/client/state.ts'
import { eventually } from '../support/eventually.ts'
import { checkpoint, FedClient, resultOf } from './fed-client.ts'

const query = 'subscription Orders($after: Cursor) { orders(after: $after, checkpoints: true) { id } }'
const options = { query, retryFirstMs: 1 }

let client: FedClient
beforeEach(() => {
  client = new FedClient()
})

/** Results are handled one after another, each in a turn of its own. */
async function until<Snapshot>(store: LiveStore<Snapshot>, what: string, isSo: (snapshot: Snapshot) => boolean) {
  await eventually(what, async () => isSo(store.getSnapshot()), { everyMs: 1 })
  return store.getSnapshot()
}

describe('the newest events', () => {
  test('are at most as many as are kept, without notices, and the gap lasts until they are all newer', async () => {
    const store = recent<{ id: string }>(client, { ...options, keep: 2 })
    const snapshots: unknown[] = []
    const stop = store.subscribe(() => snapshots.push(store.getSnapshot()))
    expect(store.getSnapshot()).toEqual({ connection: 'connecting', gap: undefined, error: undefined, events: [] })
    for (const id of ['a', 'b', 'c']) client.feed(resultOf({ id }, id))
    const before = await until(store, 'c', ({ events }) => events.at(-1)?.id === 'c')
    expect(before).toMatchObject({ connection: 'live', events: [{ id: 'b' }, { id: 'c' }] })

    client.feed(resultOf(null, 'd', { gap: { reason: 'RETENTION', oldest: 'c9' } }))
    const gap = { reason: 'RETENTION', oldest: 'c9' }
    expect((await until(store, 'the gap', (now) => now.gap !== undefined)).events).toBe(before.events)
    client.feed(resultOf({ id: 'e' }, 'e'))
    expect(await until(store, 'e', ({ events }) => events.at(-1)?.id === 'e')).toMatchObject({ gap })
    client.feed(checkpoint('f'))
    client.feed(resultOf({ id: 'g' }, 'g'))
    expect(await until(store, 'g', ({ events }) => events.at(-1)?.id === 'g')).toMatchObject({
      gap: undefined,
      events: [{ id: 'e' }, { id: 'g' }],
    })
    // One for each change: the connection, three events, the gap, two events.
    expect(snapshots).toHaveLength(7)
    stop()
  })

  test('begin again with the subscription', async () => {
    const store = recent(client, options)
    store.subscribe(() => undefined)()
    await eventually('the end', async () => client.open.length === 0)
    const stop = store.subscribe(() => undefined)
    client.feed(resultOf({ id: 'a' }, 'a'))
    expect((await until(store, 'a', ({ events }) => events.length > 0)).events).toHaveLength(1)
    stop()
  })

  test.each([0, 1.5, Number.NaN])('are not kept %d at a time', (keep) => {
    expect(() => recent(client, { ...options, keep })).toThrow(`keep: expected a whole number from 1 on, not ${keep}`)
  })
})

describe('each event', () => {
  test('keeps the state of the connection apart from what it still handles', async () => {
    let done: () => void = () => undefined
    const first = new Promise<void>((resolve) => {
      done = resolve
    })
    const handled: string[] = []
    const store = eachEvent<{ id: string }>(client, {
      ...options,
      retryFirstMs: 60_000,
      retryCapMs: 60_000,
      onEvent({ id }) {
        handled.push(id)
        return id === 'a' ? first : undefined
      },
    })
    const stop = store.subscribe(() => undefined)
    for (const id of ['a', 'b']) client.feed(resultOf({ id }, id))
    expect(store.getSnapshot().connection).toBe('live')
    client.lose()
    await until(store, 'waiting', ({ connection }) => connection === 'waiting')
    done()
    await eventually('the second event', async () => handled.length === 2, { everyMs: 1 })
    expect(store.getSnapshot().connection).toBe('waiting')
    stop()
  })

  test('waits until the one before is handled, and is stored then', async () => {
    const calls: string[] = []
    const waiting: (() => void)[] = []
    const stored: string[] = []
    const store = eachEvent<{ id: string }>(client, {
      ...options,
      storage: { get: () => undefined, set: (cursor) => stored.push(cursor) },
      onEvent: ({ id }) => {
        calls.push(id)
        return new Promise<void>((resolve) => waiting.push(resolve))
      },
    })
    const stop = store.subscribe(() => undefined)
    for (const id of ['a', 'b']) client.feed(resultOf({ id }, id))
    await eventually('a', async () => calls.length === 1)
    expect([calls, stored, store.getSnapshot().connection]).toEqual([['a'], [], 'live'])
    waiting[0]?.()
    await eventually('b', async () => calls.length === 2)
    expect([calls, stored]).toEqual([['a', 'b'], ['a']])
    stop()
  })

  test('that cannot be handled ends the subscription with the error', async () => {
    const failure = new Error('disk full')
    const store: LiveStore<LiveStatus> = eachEvent(client, { ...options, onEvent: () => Promise.reject(failure) })
    const stop = store.subscribe(() => undefined)
    client.feed(resultOf({ id: 'a' }, 'a'))
    const ended = await until(store, 'the end', ({ connection }) => connection === 'ended')
    expect(ended).toEqual({ connection: 'ended', gap: undefined, error: failure })
    expect(client.open).toEqual([])
    stop()
  })
})
