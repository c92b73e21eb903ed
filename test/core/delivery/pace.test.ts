import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { array, assert, asyncProperty, boolean, constantFrom, integer, record } from 'fast-check'
import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { controlledGateway, operator, passed } from '../controlled-gateway.ts'

type World = Awaited<ReturnType<typeof controlledGateway>>
let world: World

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  await start()
})
afterEach(async () => {
  await world.gateway.close()
  jest.useRealTimers()
})

async function start(): Promise<void> {
  await world?.gateway.close()
  world = await controlledGateway()
  await world.open()
  world.journal.begin()
}

interface Wanted {
  readonly every?: string
  readonly after?: string
  readonly last?: number
  readonly checkpoints?: boolean
}

/** `isOpen`: whether the client takes events. */
function subscribe(wanted: Wanted) {
  const events: [at: number, event: ChannelEvent][] = []
  const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  const subscription = session.subscribe({ clientId: 'alice', ...wanted })
  const client = { isOpen: true }
  const began = performance.now()
  subscription.pipe({
    take: (event) => client.isOpen && events.push([performance.now() - began, event]) > 0,
    end: () => {},
  })
  const story = () =>
    events.map(([, event]) =>
      event.kind === 'MESSAGE' ? event.cursor.offset : event.kind === 'GAP' ? event.reason : event.kind,
    )
  return { events, subscription, session, client, story }
}

function fill(count: number): void {
  for (let number = 0; number < count; number += 1) world.journal.add()
}

describe('a subscription with every', () => {
  test('delivers the first message at once, and then the newest one in each time', async () => {
    const { events, story } = subscribe({ every: '250ms' })
    fill(1)
    expect(story()).toEqual([0])
    fill(5)
    await passed(240)
    expect(story()).toEqual([0])
    await passed(20)
    expect(story()).toEqual([0, 5])
    await passed(1_000)
    fill(1)
    expect(story()).toEqual([0, 5, 6])
    expect(events.map(([at]) => at)).toEqual([0, 250, 1_260])
    expect([world.counter.matched, world.counter.delivered, world.counter.pending, world.counter.passedOver]).toEqual([
      3, 3, 0, 4,
    ])
  })

  test('resumes after the newest message that it has, and a replay gives the newest one only', async () => {
    const first = subscribe({ every: '1s' })
    fill(1)
    const [[, event] = []] = first.events
    fill(50)
    await first.subscription.return()
    const again = subscribe({ every: '1s', after: printCursor((event as ChannelEvent).cursor) })
    await passed(50)
    // A session that is shorter than its pace gets the newest message all the same.
    expect(again.story()).toEqual([50])
    fill(2)
    await passed(1_000)
    expect(again.story()).toEqual([50, 52])
    const newest = subscribe({ every: '1s', last: 1 })
    await passed(50)
    expect(newest.story()).toEqual([52])
  })

  test('delivers what it holds back before a gap, and before its end; a checkpoint does not pass it', async () => {
    world.journal.add({ routingKey: 'client.bob' })
    const { story, subscription } = subscribe({ every: '1m', checkpoints: true })
    fill(3)
    world.journal.add({ unreadable: true })
    fill(2)
    await world.journal.mark()
    expect(story()).toEqual(['CHECKPOINT', 1, 3, 'UNREADABLE'])
    subscription.end()
    expect(story()).toEqual(['CHECKPOINT', 1, 3, 'UNREADABLE', 6])
    expect(jest.getTimerCount()).toBeGreaterThan(0)
    await passed(120_000)
    expect(story()).toHaveLength(5)
  })

  test('never falls behind: a client that takes nothing gets the newest message when it does', async () => {
    const { client, story, subscription } = subscribe({ every: '100ms' })
    client.isOpen = false
    for (let round = 0; round < 30; round += 1) {
      fill(200)
      await passed(50)
    }
    expect([subscription.behind, subscription.queued.length]).toEqual([false, 1])
    client.isOpen = true
    subscription.flush()
    expect(story()).toEqual([0, 5_999])
  })

  test.each(['', '250', '19ms', '2h', '1 s', '-1s', '0.5s'])('is refused with %j', (every) => {
    expect(() => subscribe({ every })).toThrow(
      expect.objectContaining({
        code: 'BAD_USER_INPUT',
        field: 'every',
        message: expect.stringContaining('from 20ms to 1h'),
      }),
    )
  })

  test('shows no older value after a newer one, keeps its pace, and ends with the newest', async () => {
    const step = record({
      kind: constantFrom('mine', 'mine', 'mine', 'unreadable', 'close', 'open'),
      count: integer({ min: 1, max: 30 }),
      waitMs: integer({ min: 0, max: 150 }),
    })
    await assert(
      asyncProperty(array(step, { maxLength: 30 }), boolean(), async (steps, resumes) => {
        await start()
        fill(10)
        const after = resumes ? { after: printCursor(world.gateway.cursorOf(world.journal.entries[2] as never)) } : {}
        const { events, client, subscription, story } = subscribe({ every: '100ms', ...after })
        for (const { kind, count, waitMs } of steps) {
          if (kind === 'mine') fill(count)
          else if (kind === 'unreadable') world.journal.add({ unreadable: true })
          else {
            client.isOpen = kind === 'open'
            if (client.isOpen) subscription.flush()
          }
          await passed(waitMs)
        }
        client.isOpen = true
        subscription.flush()
        fill(1)
        await passed(1_000)
        const offsets = events.map(([, event]) => event.cursor.offset)
        expect(offsets).toEqual(offsets.toSorted((one, other) => one - other))
        expect(new Set(offsets).size).toBe(offsets.length)
        expect(story().at(-1)).toBe(world.journal.entries.at(-1)?.offset)
        // A client that takes events at once gets messages at the pace; a gap brings one forward.
        if (steps.every(({ kind }) => kind === 'mine')) {
          const times = events.map(([at]) => at)
          for (const [index, at] of times.entries())
            if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(100)
        }
        const { matched, delivered, pending } = world.counter
        expect(matched).toBe(delivered + pending)
      }),
      { numRuns: 100 },
    )
  })
})
