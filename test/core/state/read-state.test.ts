import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { type ReadStatePage, readState } from '../../../src/core/state/read-state.ts'
import { pass } from '../embedded-gateway.ts'
import { type StateWorld, stateWorld } from './state-world.ts'

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

const sizes = { journalEntries: 1_000, windowEntries: 100, pageEvents: 2 }
type Reserve = Parameters<typeof readState>[1]['reserve']
const always: Reserve = () => true

/** What a call did once the clock has moved on. */
async function settled<T>(pending: Promise<T>, ms = 100): Promise<T> {
  const outcome = pending.then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error
    },
  )
  await pass(ms)
  return (await outcome)()
}

function read(world: StateWorld, owner: string | undefined, first: number, after?: string, reserve: Reserve = always) {
  return settled(readState(world.gateway, { topic: world.topicOf(owner), after, first, reserve }))
}

const idsOf = ({ events }: ReadStatePage) =>
  events.map(({ message }) => (JSON.parse(message.body.toString()) as { id: string }).id)

/** Publishes changes of keys, and waits until they are folded. */
async function publish(world: StateWorld, ...changes: readonly (readonly [id: string, value: number | undefined])[]) {
  for (const [id, value] of changes) await world.publish(id, 'a', value)
  await pass(200)
}

describe('the pages of a state', () => {
  test('have the keys in the order of their last change, and those that change meanwhile again', async () => {
    await using world = await stateWorld(sizes)
    await publish(world, ['k1', 1], ['k2', 1], ['k3', 1], ['k4', 1], ['k1', 2], ['k2', undefined])
    const first = await read(world, 'a', 2)
    expect(idsOf(first)).toEqual(['k3', 'k4'])
    await publish(world, ['k3', 2], ['k1', 3], ['k5', 1])
    const second = await read(world, 'a', 2, first.endCursor)
    expect(idsOf(second)).toEqual(['k3', 'k1'])
    // So that reading ends, what changes from now on follows the cursor only.
    await publish(world, ['k4', 2], ['k6', 1])
    const third = await read(world, 'a', 2, second.endCursor)
    expect(idsOf(third)).toEqual(['k5'])
    expect(third.endCursor).toBeUndefined()
    const cursors = [first, second, third].map(({ cursor }) => printCursor(cursor))
    expect(new Set(cursors).size).toBe(1)
    const events = world.subscribe('a', cursors[0])
    const seen: string[] = []
    for (let count = 0; count < 5; count += 1) {
      const { value } = await settled(events.next())
      if (value?.kind === 'MESSAGE') seen.push(value.message.body.toString())
    }
    expect(seen.map((text) => (JSON.parse(text) as { id: string }).id)).toEqual(['k3', 'k1', 'k5', 'k4', 'k6'])
    void events.return()
  })

  test('end where there is no room for more, and after a bounded number of rows that do not match', async () => {
    await using world = await stateWorld(sizes)
    await publish(world, ['k1', 1], ['k2', 1])
    const small = await read(world, 'a', 2, undefined, (_event, isFirst) => isFirst)
    expect(idsOf(small)).toEqual(['k1'])
    expect(idsOf(await read(world, 'a', 2, small.endCursor))).toEqual(['k2'])
    for (let key = 0; key < 45; key += 1) await world.publish(`other${key}`, 'a', 1)
    await world.publish('mine', 'b', 1)
    await pass(200)
    // Without the index of the field's first argument.
    const topic = world.topicOf('b')
    const { state } = topic
    const scanned = { ...topic, state: state && { ...state, indexes: undefined } }
    const sizesOfPages: number[] = []
    let after: string | undefined
    do {
      const page: ReadStatePage = await settled(
        readState(world.gateway, { topic: scanned, after, first: 2, reserve: always }),
      )
      sizesOfPages.push(page.events.length)
      after = page.endCursor
    } while (after !== undefined)
    expect(sizesOfPages).toEqual([0, 0, 1])
  })

  test('are refused while the state is built or has too many keys, and after it was built again', async () => {
    await using world = await stateWorld({ ...sizes, limits: { maxStateKeys: 3, maxStateBytes: 1024 ** 3 } })
    await publish(world, ['k1', 1], ['k2', 1], ['k3', 1])
    const { endCursor } = await read(world, 'a', 2)
    const topic = world.topicOf('a')
    const ofOther = { ...topic, state: topic.state && { ...topic.state, id: 'items.other' } }
    const page = (given: typeof topic, after: string | undefined, ms?: number) =>
      settled(readState(world.gateway, { topic: given, after, first: 2, reserve: always }), ms)
    await expect(page(ofOther, undefined, 11_000)).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' })
    const outdated = { code: 'BAD_USER_INPUT', field: 'after' }
    await expect(page(ofOther, endCursor)).rejects.toMatchObject(outdated)
    await expect(page(topic, 'garbage')).rejects.toMatchObject(outdated)
    await publish(world, ['k4', 1])
    await pass(200)
    await expect(page(topic, endCursor)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      limit: 'WARREN_MAX_STATE_KEYS',
    })
  })
})
