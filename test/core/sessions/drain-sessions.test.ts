import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Identity, noScope, parseScope } from '../../../src/core/model/identity.ts'
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
