import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { repetitions } from '../../support/repetitions.ts'
import { pass } from '../embedded-gateway.ts'
import { type StateWorld, stateWorld } from './state-world.ts'

const keys = 1_000
const clients = repetitions(100, 1_000)
const owners = 50

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

const ownerOf = (index: number): string => `owner-${index % owners}`

async function foldedWorld(): Promise<StateWorld> {
  const world = await stateWorld({ journalEntries: 10_000, windowEntries: 10, pageEvents: 1_000 })
  for (let key = 0; key < keys; key += 1) await world.publish(`k${key}`, ownerOf(key), key)
  for (let tries = 0; tries < 20 && (await world.lagsBy(0)); tries += 1) await pass(500)
  expect((await world.store.head(world.stateId))?.keys).toBe(keys)
  return world
}

/** Takes a whole snapshot. The number of its events. */
async function takeSnapshot(subscription: ChannelSubscription): Promise<number> {
  for (let events = 1; ; events += 1) {
    const taken = await subscription.next()
    if (taken.done) throw new Error('the subscription has ended')
    if (taken.value.kind !== 'GAP' && taken.value.state?.phase === 'SNAPSHOT_END') return events
  }
}

test('clients that ask for the same 1,000 keys at once share one read', async () => {
  await using world = await foldedWorld()
  const subscriptions = Array.from({ length: clients }, () => world.subscribe(undefined, undefined))
  const taken = await Promise.all(subscriptions.map(takeSnapshot))
  expect(taken).toEqual(Array.from({ length: clients }, () => keys))
  expect(world.folders.here.pages).toHaveLength(1)
  for (const subscription of subscriptions) void subscription.return()
})

test('clients with different arguments read their own keys only, a few at a time', async () => {
  await using world = await foldedWorld()
  const subscriptions = Array.from({ length: clients }, (_client, index) => world.subscribe(ownerOf(index), undefined))
  const taken = await Promise.all(subscriptions.map(takeSnapshot))
  expect(taken).toEqual(Array.from({ length: clients }, () => keys / owners))
  const { pages, mostReads } = world.folders.here
  expect(pages).toHaveLength(owners)
  expect(new Set(pages.map(({ indexes }) => JSON.stringify(indexes))).size).toBe(owners)
  expect(pages.every(({ indexes, maxRows }) => indexes?.length === 1 && maxRows === 1_001)).toBe(true)
  expect(mostReads).toBe(3)
  for (const subscription of subscriptions) void subscription.return()
})

test('a page that was read for a client that has left is whole for the next one', async () => {
  await using world = await foldedWorld()
  const leaving = world.subscribe(ownerOf(1), undefined)
  void leaving.return()
  for (let turn = 0; turn < 1_000 && (world.gateway.states?.pages.reads ?? 0) === 0; turn += 1)
    await new Promise(setImmediate)
  expect(world.gateway.states?.pages.reads).toBe(1)
  const coming = world.subscribe(ownerOf(1), undefined)
  expect(await takeSnapshot(coming)).toBe(keys / owners)
  expect(world.folders.here.pages).toHaveLength(1)
  void coming.return()
})
