import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { parseCursor } from '../../src/core/cursor.ts'
import { gatewayOnMemory, type Listener, pass } from './gateway-on-memory.ts'

/** What happens in an outage is told in milliseconds: resumes are gathered for 20 of them. */
const gathered = 25

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] })
})

afterEach(() => {
  jest.useRealTimers()
})

describe('a feed', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'gets exactly what is behind its cursor, in order, once, whatever happens meanwhile (seed %d)',
    async (seed) => {
      const random = generator(seed)
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
      const upTo = (max: number) => 1 + Math.floor(random() * max)
      await using world = await gatewayOnMemory({ windowEntries: 40 })
      const channels = ['alice', 'bob', 'carol']
      const published: { channel: string; n: number }[] = []
      // Hears everything of every channel, quickly: from it come the cursors that others resume at.
      const witnesses = new Map(channels.map((channel) => [channel, world.listen(channel)]))
      const open = new Map<Listener, { channel: string; from: number }>()

      const actions = {
        async publish() {
          for (let left = upTo(60); left > 0; left -= 1) {
            const channel = pick(channels)
            published.push({ channel, n: published.length })
            await world.publish(channel, published.length - 1)
          }
          for (const witness of witnesses.values()) await witness.take()
        },
        async subscribe() {
          const witness = witnesses.get(pick(channels)) as Listener
          const event = witness.heard.length > 0 ? pick(witness.heard) : undefined
          const channel = pick(channels)
          // As small as to overflow after a few messages, and as large as to take most at once.
          const listener = world.listen(channel, { after: event?.cursor, maxBytes: pick([1, 20, 200, 100_000]) })
          const from = event?.kind === 'MESSAGE' ? Number(event.message.body.toString()) + 1 : published.length
          open.set(listener, { channel, from })
        },
        async take() {
          for (const listener of open.keys()) if (random() < 0.5) await listener.take(upTo(50))
        },
        async close() {
          if (open.size < 2) return
          const listener = pick([...open.keys()])
          open.delete(listener)
          listener.close()
          await listener.take()
        },
        pass: () => pass(pick([0, 1, gathered])),
      }
      for (let step = 0; step < 300; step += 1) {
        await pick([actions.publish, actions.subscribe, actions.take, actions.take, actions.close, actions.pass])()
      }

      const storyOf = ({ channel, from }: { channel: string; from: number }) =>
        published.filter((one) => one.channel === channel && one.n >= from).map(({ n }) => n)
      for (const [listener, start] of open) {
        const expected = storyOf(start)
        for (let turns = 0; turns < 3_000 && listener.heard.length < expected.length; turns += 1) {
          await listener.take()
          await pass(gathered)
        }
        await listener.take()
        await pass(gathered)
        expect(listener.story).toEqual(expected)
        expect(listener.allowance.used).toBe(0)
      }
      for (const [channel, witness] of witnesses) expect(witness.story).toEqual(storyOf({ channel, from: 0 }))
      expect(published.length).toBeGreaterThan(1_000)
      expect(new Set(world.observer.resumes)).toEqual(new Set(['resumed']))
      for (const listener of [...open.keys(), ...witnesses.values()]) listener.close()
      expect(world.gateway.hub.size).toBe(0)
    },
  )
})

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
