import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { pass } from '../embedded-gateway.ts'
import { stateWorld } from './state-world.ts'

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

test('a replica counts as folding while it has the lease, also while nothing is published', async () => {
  await using world = await stateWorld({ journalEntries: 100, windowEntries: 100, pageEvents: 10 })
  const counts = () => world.gateway.states?.counts[0]
  world.folders.there.set('away')
  await world.publish('k', 'a', 1)
  await pass(12_000)
  const first = counts()
  expect(first).toMatchObject({ folding: true, keys: 1 })
  expect(first?.offset).toBeGreaterThanOrEqual(world.log[0]?.offset ?? Number.POSITIVE_INFINITY)
  await pass(15_000)
  // The journal has entries of its own, which are folded too.
  expect(counts()).toMatchObject({ folding: true })
  expect(counts()?.offset).toBeGreaterThan(first?.offset ?? 0)
  // The database is away: the lease ends, and what is shown is what other replicas show.
  world.folders.here.set('away')
  await pass(12_000)
  expect(counts()).toMatchObject({ folding: false, keys: 0, offset: 0 })
  world.folders.here.set('ok')
  await pass(3_000)
  expect(counts()).toMatchObject({ folding: true, keys: 1 })
})

test('a message that does not fit goes to the quarantine once, also without a subscription', async () => {
  await using world = await stateWorld({ journalEntries: 100, windowEntries: 100, pageEvents: 10 })
  world.folders.there.set('away')
  // Of before the state was built.
  await world.publish('k', 'a', Number.NaN)
  await world.publish('k', 'a', 1)
  await pass(12_000)
  expect(world.gateway.states?.counts[0]).toMatchObject({ folding: true, keys: 1 })
  expect(world.observer.quarantined).toEqual([])
  // JSON has no NaN, so the value is null.
  await world.publish('k', 'a', Number.NaN)
  await pass(3_000)
  expect(world.observer.quarantined).toEqual(['schema'])
  // With a subscription, too, there is one copy.
  world.subscribe('a', undefined)
  await pass(1_000)
  await world.publish('k', 'a', Number.NaN)
  await pass(3_000)
  expect(world.observer.quarantined).toEqual(['schema', 'schema'])
  expect(world.gateway.states?.counts[0]).toMatchObject({ keys: 1 })
})
