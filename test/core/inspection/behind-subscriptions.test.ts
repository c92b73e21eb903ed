import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { BehindSubscriptions } from '../../../src/core/inspection/behind-subscriptions.ts'
import { gatewayOnMemory, type Listener } from '../embedded-gateway.ts'

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

type World = Awaited<ReturnType<typeof gatewayOnMemory>>

/** How many subscriptions are behind each of the messages for the client. */
async function behind(world: World, clientId: string, messages: number): Promise<number[]> {
  const counts: number[] = []
  for (let n = 0; n < messages; n += 1) {
    const entry = await world.publish(clientId, n)
    if (!entry) throw new Error('expected the entry of the message')
    counts.push(new BehindSubscriptions(world.gateway).count(entry))
  }
  return counts
}

/** Takes nothing, and has room for one event. */
async function slow(world: World, clientId: string): Promise<Listener> {
  const listener = world.listen(clientId, { maxBytes: 1 })
  for (let n = 0; n < 2; n += 1) await world.publish(clientId, n)
  expect(listener.subscription.behind).toBe(true)
  return listener
}

test('a subscription is behind the messages that come after it left live delivery, until it ends', async () => {
  await using world = await gatewayOnMemory()
  const one = await slow(world, 'alice')
  const other = await slow(world, 'alice')
  expect(await behind(world, 'alice', 2)).toEqual([2, 2])
  expect(await behind(world, 'bob', 1)).toEqual([0])
  one.subscription.end()
  expect(await behind(world, 'alice', 1)).toEqual([1])
  other.subscription.end()
  expect(await behind(world, 'alice', 1)).toEqual([0])
  expect([...world.gateway.notLive]).toEqual([])
})

test('a subscription that has read a message again is not behind it', async () => {
  await using world = await gatewayOnMemory()
  const listener = await slow(world, 'alice')
  const missed = await world.publish('alice', 'missed')
  if (!missed) throw new Error('expected the entry of the message')
  expect(new BehindSubscriptions(world.gateway).count(missed)).toBe(1)
  await listener.take()
  await jest.advanceTimersByTimeAsync(1_000)
  await listener.take()
  await jest.advanceTimersByTimeAsync(1_000)
  expect(new BehindSubscriptions(world.gateway).count(missed)).toBe(0)
})
