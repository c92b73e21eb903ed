import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { pass } from '../embedded-gateway.ts'
import { StateClient } from './state-client.ts'
import { stateWorld } from './state-world.ts'

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

test('a client that comes back after the retention gets what changed, and no gap', async () => {
  await using world = await stateWorld({ journalEntries: 30, windowEntries: 5, pageEvents: 1_000 })
  for (let key = 0; key < 6; key += 1) await world.publish(`k${key}`, 'a', key)
  await pass(1_500)
  const client = new StateClient(world, 'a')
  await pass(300)
  await client.take(10)
  expect([...client.map]).toHaveLength(6)
  client.leave()
  await world.publish('k1', 'a', undefined)
  for (let value = 0; value < 100; value += 1) {
    await world.publish('k2', 'a', value)
    if (value % 10 === 0) await pass(150)
  }
  await pass(1_500)
  client.cut()
  for (let tries = 0; tries < 20; tries += 1) {
    await client.take(100)
    await pass(200)
  }
  expect([...client.phases]).toEqual(['SNAPSHOT', 'SNAPSHOT_END', 'REBASED'])
  expect(client.gaps).toBe(0)
  expect(Object.fromEntries(client.map)).toEqual({ k0: 0, k2: 99, k3: 3, k4: 4, k5: 5 })
  client.end()
})

test('a client that comes back after the retention gets a gap if the state has grown beyond its limit', async () => {
  await using world = await stateWorld({ journalEntries: 30, windowEntries: 5, pageEvents: 1_000 })
  await world.publish('k', 'a', 0)
  await pass(1_500)
  const before = world.subscribe('a', undefined)
  const state = await before.next()
  await before.return()
  for (let value = 1; value <= 100; value += 1) {
    await world.publish('k', 'a', value)
    if (value % 10 === 0) await pass(150)
  }
  await pass(1_500)
  const page = world.store.page.bind(world.store)
  world.store.page = async (request) => {
    const read = await page(request)
    return read && { ...read, head: { ...read.head, full: true } }
  }
  const subscription = world.subscribe('a', state.done ? '' : printCursor(state.value.cursor))
  await pass(1_500)
  const [gap, ...kept] = subscription.queued
  expect(gap).toMatchObject({ kind: 'GAP', reason: 'RETENTION', cursor: { before: true } })
  const values = kept.flatMap((event) =>
    event.kind === 'MESSAGE' ? [(JSON.parse(event.message.body.toString()) as { value: number }).value] : [],
  )
  const [first = 0] = values
  expect(values).toEqual(Array.from({ length: 101 - first }, (_, index) => first + index))
  expect([values.length > 5, subscription.behind]).toEqual([true, false])
})
