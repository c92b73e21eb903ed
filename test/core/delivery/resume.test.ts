import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { Cursor } from '../../../src/core/model/cursor.ts'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'
import { gatewayOnMemory, type Listener, pass } from '../embedded-gateway.ts'

/** An outage lasts milliseconds here; the gateway gathers resumes for 20 ms. */
const gathered = 25

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] })
})

afterEach(() => {
  jest.useRealTimers()
})

const channels = ['alice', 'bob', 'carol'] as const
const channel = fc.nat(channels.length - 1)

type Act =
  /** One message for each of these channels. */
  | { readonly kind: 'publish'; readonly to: readonly number[] }
  /** After an event of a channel that another subscription has received, else from now on. */
  | {
      readonly kind: 'subscribe'
      readonly channel: number
      readonly of: number
      readonly event: number
      readonly maxBytes: number
    }
  /** One number for each open subscription, as far as they go. */
  | { readonly kind: 'take'; readonly counts: readonly number[] }
  | { readonly kind: 'close'; readonly listener: number }
  | { readonly kind: 'pass'; readonly ms: number }

const any = fc.nat(1_000_000)
const act: fc.Arbitrary<Act> = weighted<Act>(
  [1, fc.record({ kind: fc.constant('publish'), to: fc.array(channel, { minLength: 1, maxLength: 60, size: 'max' }) })],
  [
    1,
    fc.record({
      kind: fc.constant('subscribe'),
      channel,
      of: channel,
      event: any,
      // From so small that it overflows after a few messages to so large that it takes most at
      // once.
      maxBytes: pick(1, 20, 200, 100_000),
    }),
  ],
  [
    2,
    fc.record({
      kind: fc.constant('take'),
      counts: fc.array(weighted([1, fc.constant(0)], [1, fc.integer({ min: 1, max: 50 })]), {
        minLength: 20,
        maxLength: 20,
      }),
    }),
  ],
  [1, fc.record({ kind: fc.constant('close'), listener: any })],
  [1, fc.record({ kind: fc.constant('pass'), ms: pick(0, 1, gathered) })],
)
const acts = fc.array(act, { minLength: 1, maxLength: 250, size: 'max' })

/** Plays the acts, and checks what every subscription has received at the end. */
async function play(list: readonly Act[]): Promise<void> {
  await using world = await gatewayOnMemory({ windowEntries: 40 })
  const published: { channel: string; n: number }[] = []
  // Receives all events of its channel without delay. Others resume at its cursors.
  const witnesses = channels.map((name) => world.listen(name))
  const open = new Map<Listener, { channel: string; from: number }>()
  for (const one of list) {
    switch (one.kind) {
      case 'publish':
        for (const to of one.to) {
          const n = published.length
          published.push({ channel: channels[to] as string, n })
          await world.publish(channels[to] as string, n)
        }
        for (const witness of witnesses) await witness.take()
        break
      case 'subscribe': {
        const received = witnesses[one.of]?.received ?? []
        const event = received[one.event % received.length]
        const name = channels[one.channel] as string
        const listener = world.listen(name, { after: event?.cursor, maxBytes: one.maxBytes })
        const from = event?.kind === 'MESSAGE' ? Number(event.message.body.toString()) + 1 : published.length
        open.set(listener, { channel: name, from })
        break
      }
      case 'take':
        for (const [index, listener] of [...open.keys()].entries()) await listener.take(one.counts[index % 20])
        break
      case 'close': {
        const [listener] = [...open.keys()].splice(one.listener % open.size, 1)
        if (!listener || open.size < 2) break
        open.delete(listener)
        listener.close()
        await listener.take()
        break
      }
      case 'pass':
        await pass(one.ms)
    }
  }

  const storyOf = (of: { channel: string; from: number }) =>
    published.filter((one) => one.channel === of.channel && one.n >= of.from).map(({ n }) => n)
  const expected = new Map([...open].map(([listener, start]) => [listener, storyOf(start)]))
  const unfinished = () => [...expected].some(([listener, story]) => listener.received.length < story.length)
  await takeUntil(() => !unfinished(), ...open.keys())
  // Take once more: nothing may follow the last event.
  for (const listener of open.keys()) await listener.take()
  await pass(gathered)
  for (const [listener, story] of expected) {
    expect(listener.story).toEqual(story)
    expect(listener.allowance.used).toBe(0)
  }
  for (const [index, witness] of witnesses.entries())
    expect(witness.story).toEqual(storyOf({ channel: channels[index] as string, from: 0 }))
  expect(world.observer.resumes.filter((result) => result !== 'resumed')).toEqual([])
  total.resumed += world.observer.resumes.length
  total.published += published.length
  for (const listener of [...open.keys(), ...witnesses]) listener.close()
  expect(world.gateway.hub.size).toBe(0)
}

/** Of all runs, so that the check is known to check something. */
const total = { resumed: 0, published: 0 }

test('a subscription gets exactly what follows its cursor, in order, once, whatever happens meanwhile', async () => {
  await fc.assert(fc.asyncProperty(acts, play), runs(20))
  if (!isWholeRun) return
  expect(total.resumed).toBeGreaterThan(50)
  expect(total.published).toBeGreaterThan(6 * 600)
})

describe('a cursor that cannot be resumed', () => {
  test('yields a gap if retention removed its position, and then everything that is kept', async () => {
    await using world = await gatewayOnMemory({ windowEntries: 10, journalEntries: 100 })
    const witness = world.listen('alice')
    await publishNumbers(world, 0, 10)
    await witness.take()
    await publishNumbers(world, 10, 500)
    const late = world.listen('alice', { after: cursorOf(witness, 3) })
    const inTime = world.listen('alice', { after: cursorOf(witness, 3) })
    await takeUntil(() => late.received.length > 0 && inTime.received.length > 0, late, inTime)
    await publishNumbers(world, 500, 510)
    await takeUntil(() => late.story.at(-1) === 509 && inTime.story.at(-1) === 509, late, inTime)

    const [gap, first] = late.received
    if (gap?.kind !== 'GAP' || first?.kind !== 'MESSAGE') throw new Error(`no gap first: ${late.story.join(' ')}`)
    expect(gap).toMatchObject({ reason: 'RETENTION', oldest: gap.cursor })
    const oldest = Number(late.story[1])
    expect(oldest).toBeGreaterThan(400)
    expect(late.story).toEqual(['RETENTION', ...numbers(oldest, 510)])
    expect(inTime.story).toEqual(late.story)
    expect(world.observer.resumes).toEqual(['gap', 'gap'])

    // A client can resume at the notice's own cursor without a loss.
    const again = world.listen('alice', { after: gap.cursor })
    await takeUntil(() => again.story.at(-1) === 509, again)
    expect(again.story.at(-1)).toBe(509)
    if (again.story[0] !== 'RETENTION') expect(again.story).toEqual(numbers(oldest, 510))
  })

  test('yields a gap if the journal is another one, and then everything from its start', async () => {
    await using world = await gatewayOnMemory()
    const witness = world.listen('alice')
    await publishNumbers(world, 0, 20)
    await witness.take()
    const good = cursorOf(witness, 5)
    const broken = {
      JOURNAL_REPLACED: [
        { ...good, epoch: '00000000000000ff' },
        { ...good, fingerprint: good.fingerprint ^ 1 },
        { ...good, offset: good.offset + 1 },
        { ...good, offset: good.offset + 1_000_000 },
      ],
      INVALID_CURSOR: ['invalid' as const],
    }
    const takes = (listener: Listener, count: number) => takeUntil(() => listener.story.length >= count, listener)
    for (const [reason, cursors] of Object.entries(broken)) {
      for (const after of cursors) {
        const listener = world.listen('alice', { after })
        // What is published before the gap is a part of what is missing.
        await takes(listener, 1)
        await world.publish('alice', 'then')
        await takes(listener, 2)
        expect(listener.story).toEqual([reason, 'then'])
        const [gap] = listener.received
        expect(gap).toMatchObject({ oldest: { before: true } })
        // A client can read the whole journal from the position in the notice.
        const all = world.listen('alice', { after: gap?.kind === 'GAP' ? (gap.oldest ?? undefined) : undefined })
        await takes(all, 20)
        expect(all.story.slice(0, 20)).toEqual(numbers(0, 20))
        listener.close()
        all.close()
      }
    }
  })

  test('yields a gap if retention removes its position during the read, at any point of it', async () => {
    await using world = await gatewayOnMemory({ windowEntries: 10, journalEntries: 5_000 })
    // One message in ten is for alice, so her queue never fills and the read continues.
    const publish = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1) await world.publish(n % 10 === 0 ? 'alice' : 'bob', n)
    }
    const witness = world.listen('alice')
    await publish(0, 4_000)
    await witness.take()
    const listener = world.listen('alice', { after: cursorOf(witness, 0) })
    // One slice is read at once, the next in a later turn of the event loop. Before that, retention
    // removes it.
    jest.advanceTimersByTime(gathered)
    await listener.take()
    // On a busy machine a slice may end before the first message for alice.
    for (let turn = 0; turn < 100 && listener.story.length === 0; turn += 1) {
      await new Promise(setImmediate)
      await listener.take()
    }
    const read = listener.story.length
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(399)
    await publish(4_000, 12_000)
    await takeUntil(() => listener.story.at(-1) === 11_990, listener)
    const tens = (from: number, to: number) => numbers(from / 10, to / 10).map((n) => 10 * n)
    const [gap, first, ...rest] = listener.story.slice(read)
    expect(listener.story.slice(0, read)).toEqual(tens(10, 10 * (read + 1)))
    expect(gap).toBe('RETENTION')
    expect(Number(first)).toBeGreaterThan(7_000)
    expect(rest).toEqual(tens(Number(first) + 10, 12_000))
  })
})

describe('a consumer that takes nothing', () => {
  test('holds no more than its allowance, and misses nothing when it takes again', async () => {
    await using world = await gatewayOnMemory({ windowEntries: 100 })
    const maxBytes = 64 * 1024
    const text = 'x'.repeat(1_000)
    const body = JSON.stringify([0, text]).length
    const slow = world.listen('alice', { maxBytes })
    const quick = world.listen('alice')
    let most = 0
    for (let n = 0; n < 3_000; n += 1) {
      await world.publish('alice', [n, text])
      most = Math.max(most, slow.allowance.used)
      if (n % 500 === 0) await pass(gathered)
      await quick.take()
    }
    expect(most).toBeGreaterThan(maxBytes - body)
    expect(most).toBeLessThan(maxBytes + 2 * body)
    expect(quick.received).toHaveLength(3_000)
    expect(slow.received).toHaveLength(0)

    const isThrough = () => {
      most = Math.max(most, slow.allowance.used)
      return slow.received.length >= 3_000
    }
    await takeUntil(isThrough, slow)
    expect(most).toBeLessThan(maxBytes + 2 * body)
    expect(slow.story.map((data) => (data as [number])[0])).toEqual(numbers(0, 3_000))
    expect(slow.allowance.used).toBe(0)
    await world.publish('alice', [3_000, 'live'])
    await slow.take()
    expect(slow.story.at(-1)).toEqual([3_000, 'live'])
  })

  test('of many small messages holds no more than a fixed number of them', async () => {
    await using world = await gatewayOnMemory()
    const slow = world.listen('alice')
    await publishNumbers(world, 0, 5_000)
    expect(slow.allowance.used).toBeLessThan(1_025 * '4999'.length)
    await takeUntil(() => slow.received.length >= 5_000, slow)
    expect(slow.story).toEqual(numbers(0, 5_000))
  })

  test('receives a gap even if its connection has no room left', async () => {
    await using world = await gatewayOnMemory({ windowEntries: 10, journalEntries: 100 })
    const crowded = world.listen('alice', { maxBytes: 50 })
    await publishNumbers(world, 100, 150)
    // It has taken enough to resume at what it dropped. Before it does, retention removes that, and
    // other subscriptions fill the connection's room.
    await crowded.take(10)
    await publishNumbers(world, 150, 400, 'bob')
    crowded.allowance.used += 50
    await pass(gathered)
    crowded.allowance.used -= 50
    await crowded.take(1)
    await publishNumbers(world, 400, 402)
    await takeUntil(() => crowded.story.at(-1) === 401, crowded)
    const gap = crowded.story.indexOf('RETENTION')
    expect(gap).toBeGreaterThan(10)
    expect(crowded.story).toEqual([...numbers(100, 100 + gap), 'RETENTION', 400, 401])
    expect(crowded.allowance.used).toBe(0)
  })
})

describe('a checkpoint', () => {
  test('keeps the cursor of an idle channel fresh for subscriptions that request it, and can be resumed like any cursor', async () => {
    await using world = await gatewayOnMemory({ windowEntries: 8 })
    const idle = world.listen('alice', { checkpoints: true })
    const busy = world.listen('bob', { checkpoints: true })
    const plain = world.listen('alice')
    for (let second = 0; second < 32; second += 1) {
      await pass(1_000)
      await world.publish('bob', second)
      for (const listener of [idle, busy, plain]) await listener.take()
    }
    // One at the start, and two in half a minute.
    expect(idle.story).toEqual(['CHECKPOINT', 'CHECKPOINT', 'CHECKPOINT'])
    expect(new Set(idle.cursors).size).toBe(3)
    expect(busy.story).toEqual(['CHECKPOINT', ...numbers(0, 32)])
    expect(plain.story).toEqual([])

    const back = world.listen('alice', { after: idle.received[1]?.cursor })
    await world.publish('alice', 'then')
    await takeUntil(() => back.received.length > 0, back)
    expect(back.story).toEqual(['then'])
    expect(world.observer.resumes).toEqual(['resumed'])
  })
})

/** Takes what comes until the condition holds. How many turns that needs depends on the machine. */
async function takeUntil(isDone: () => boolean, ...listeners: Listener[]): Promise<void> {
  for (let turns = 0; turns < 5_000 && !isDone(); turns += 1) {
    await pass(gathered)
    for (const listener of listeners) await listener.take()
  }
}

type World = Awaited<ReturnType<typeof gatewayOnMemory>>

async function publishNumbers(world: World, from: number, to: number, channel = 'alice'): Promise<void> {
  for (let n = from; n < to; n += 1) await world.publish(channel, n)
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
}

function cursorOf(listener: Listener, index: number): Cursor {
  const event = listener.received[index]
  if (!event) throw new Error(`no event at ${index}`)
  return event.cursor
}
