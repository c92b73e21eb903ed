import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Identity, noScope, parseScope } from '../../../src/core/model/identity.ts'
import { drain } from '../../../src/core/sessions/drain-sessions.ts'
import type { Session } from '../../../src/core/sessions/session.ts'
import { gatewayOnMemory, pass } from '../embedded-gateway.ts'

const identity: Identity = {
  clientId: 'alice',
  scope: noScope,
  issuedAt: undefined,
  expiresAt: undefined,
}

type World = Awaited<ReturnType<typeof gatewayOnMemory>>
let world: World
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  world = await gatewayOnMemory()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  jest.useRealTimers()
})

interface Ended {
  readonly number: number
  readonly at: number
  readonly reason: string
}

function open(count: number) {
  const ended: Ended[] = []
  const began = performance.now()
  const sessions = Array.from({ length: count }, (_, number) =>
    world.gateway.openSession({
      identity,
      transport: 'in-process',
      onClose: (reason) => ended.push({ number, at: performance.now() - began, reason }),
    }),
  )
  return { ended, sessions }
}

describe('draining a gateway', () => {
  test('ends sessions evenly over the window, oldest first, so that their clients reconnect', async () => {
    const { ended } = open(100)
    const drained = world.gateway.drain(10_000)
    await pass(10_000)
    await drained
    expect(ended.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, number) => number))
    expect(new Set(ended.map(({ reason }) => reason))).toEqual(new Set(['RESTART']))
    for (const { at } of ended) {
      const inSlice = ended.filter((other) => other.at >= at && other.at < at + 1_000).length
      expect(inSlice).toBeLessThanOrEqual(15)
    }
    expect(ended.at(-1)?.at).toBeGreaterThan(8_000)
    expect(ended.at(-1)?.at).toBeLessThanOrEqual(10_000)
  })

  test('ends sessions with an open operation last', async () => {
    const { ended, sessions } = open(10)
    let answer: () => void = () => undefined
    void sessions[0]?.during(
      new Promise<void>((resolve) => {
        answer = resolve
      }),
    )
    const drained = world.gateway.drain(10_000)
    await pass(5_000)
    expect(ended.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
    answer()
    await pass(5_000)
    await drained
    expect(ended.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 0, 7, 8, 9])
  })

  test('ends when no session is left, and closes none twice', async () => {
    const { ended, sessions } = open(20)
    let over = false
    void world.gateway.drain(60_000).then(() => {
      over = true
    })
    await pass(1_000)
    for (const session of sessions) session.end('client')
    await pass(100)
    expect({ over, ended: ended.length }).toEqual({ over: true, ended: 1 })
  })

  test('accepts no session meanwhile', async () => {
    open(2)
    const drained = world.gateway.drain(1_000)
    expect(() => open(1)).toThrow('this replica is being shut down')
    await pass(1_000)
    await drained
  })

  test('for an operator leaves the sessions of operators, and can be undone', async () => {
    const { ended } = open(10)
    const observe = () =>
      world.gateway.openSession({
        identity: { ...identity, clientId: undefined, scope: parseScope('observe') },
        transport: 'in-process',
        onClose: () => undefined,
      })
    const observer = observe()
    void world.gateway.drainClients(10_000)
    await pass(5_000)
    expect(() => open(1)).toThrow('an operator has drained this replica')
    const { length } = ended
    expect(length).toBeGreaterThan(3)
    world.gateway.undrain()
    await pass(10_000)
    expect(ended).toHaveLength(length)
    open(1)
    await world.gateway.drainClients(0)
    expect([...world.gateway.sessions]).toEqual([observer])
    observe()
    expect([world.gateway.draining, world.gateway.leaving]).toEqual([true, 0])
    await world.gateway.drain(0)
    world.gateway.undrain()
    expect(observe).toThrow('this replica is being shut down')
  })

  test('takes no time without sessions', async () => {
    const { ended } = open(5)
    await world.gateway.drain(0)
    expect(ended.length).toBe(5)
  })
})

describe('a drain', () => {
  afterEach(() => void jest.restoreAllMocks())

  /** Sessions of which the first ones are busy, in the set that `drain` ends. */
  function sessionsOf(count: number, busy = 0) {
    const set = new Set<Session>()
    const ended: number[] = []
    for (let number = 0; number < count; number += 1) {
      const session = {
        busy: number < busy,
        close() {
          ended.push(number)
          set.delete(session)
        },
      } as unknown as Session
      set.add(session)
    }
    return { set, ended }
  }

  /** Delays the process: its clock goes on, and no timer of it runs. */
  function delay(ms: number): void {
    const at = performance.now.bind(performance)
    jest.spyOn(performance, 'now').mockImplementation(() => at() + ms)
  }

  /** How many sessions have ended after each step. */
  async function steps(ended: readonly unknown[], count: number, ms: number): Promise<number[]> {
    const counts: number[] = []
    for (let step = 0; step < count; step += 1) {
      await jest.advanceTimersByTimeAsync(ms)
      counts.push(ended.length)
    }
    return counts
  }

  test('keeps an even pace in each step, and resolves with the last session', async () => {
    jest.advanceTimersByTime(100_000)
    const { set, ended } = sessionsOf(100)
    let over = false
    void drain(set, 10_000).then(() => {
      over = true
    })
    await jest.advanceTimersByTimeAsync(0)
    expect(ended).toHaveLength(1)
    expect(await steps(ended, 19, 450)).toEqual(Array.from({ length: 19 }, (_, step) => 6 + 5 * step))
    await jest.advanceTimersByTimeAsync(400)
    expect([ended.length, over]).toEqual([100, true])
  })

  test('makes up for a delay with a peak of a quarter more, in any tenth of the window', async () => {
    const { set, ended } = sessionsOf(100)
    void drain(set, 10_000)
    await jest.advanceTimersByTimeAsync(0)
    delay(5_000)
    // 13 a second, where an even pace has 10.
    expect(await steps(ended, 2, 50)).toEqual([14, 14])
    for (const expected of [27, 40]) {
      await jest.advanceTimersByTimeAsync(900)
      expect(ended).toHaveLength(expected - 13)
      expect(await steps(ended, 2, 50)).toEqual([expected, expected])
    }
  })

  test.each([
    [10_000, 12_500],
    [60_000, 70_000],
  ])('over %i ms ends all that is left at %i ms, if the process was delayed', async (overMs, endMs) => {
    const { set, ended } = sessionsOf(1_000)
    jest.advanceTimersByTime(100_000)
    const drained = drain(set, overMs)
    delay(overMs - 1_000)
    await jest.advanceTimersByTimeAsync(1_000 + endMs - overMs - 50)
    expect(ended.length).toBeLessThan(600)
    await jest.advanceTimersByTimeAsync(50)
    await drained
    expect(ended).toHaveLength(1_000)
  })

  test('ends busy sessions too, when no other is due', async () => {
    const { set, ended } = sessionsOf(3, 2)
    const drained = drain(set, 3_000)
    await jest.advanceTimersByTimeAsync(3_000)
    await drained
    expect(ended).toEqual([2, 0, 1])
  })

  test('ends idle and busy sessions in one step, if so many are due', async () => {
    const { set, ended } = sessionsOf(40, 39)
    const drained = drain(set, 100)
    await jest.advanceTimersByTimeAsync(150)
    await drained
    expect(ended).toEqual([39, ...Array.from({ length: 39 }, (_, number) => number)])
  })

  test('stops when its signal aborts, at once', async () => {
    const { set, ended } = sessionsOf(10)
    const stop = new AbortController()
    const drained = drain(set, 10_000, stop.signal)
    await jest.advanceTimersByTimeAsync(2_000)
    const { length } = ended
    stop.abort()
    await drained
    expect([length, ended.length, set.size]).toEqual([3, 3, 7])
    await drain(set, 10_000, stop.signal)
    expect(set.size).toBe(7)
  })
})
