import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Cluster, type ClusterMessage } from '../../../src/core/cluster/cluster.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'

/** A control bus within the test; a replica in `cutOff` neither sends nor receives. */
class Bus {
  readonly clusters = new Map<string, Cluster>()
  readonly cutOff = new Set<string>()
  readonly sent: ControlMessage[] = []

  open(replica: string): Cluster {
    const control = { send: async (message: ControlMessage) => this.#send(replica, message) } as unknown as ControlBus
    const cluster = new Cluster({ replica, version: '1.0.0', control, log: () => {} })
    this.clusters.set(replica, cluster)
    cluster.open()
    return cluster
  }

  #send(from: string, message: ControlMessage): void {
    if (this.cutOff.has(from)) return
    this.sent.push(message)
    for (const [replica, cluster] of this.clusters)
      if (!this.cutOff.has(replica)) void cluster.onControl(message as ClusterMessage)
  }
}

const texts = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
let bus: Bus
beforeEach(() => {
  jest.useFakeTimers()
  bus = new Bus()
})
afterEach(() => {
  for (const cluster of bus.clusters.values()) cluster.close()
  jest.useRealTimers()
})

/** Advances the clock until the promise settles. */
async function soon<Value>(promise: Promise<Value>): Promise<Value> {
  await jest.advanceTimersByTimeAsync(500)
  return promise
}

describe('a question to all replicas', () => {
  test('is answered without waiting once every replica that is alive has answered', async () => {
    const [a, b] = [bus.open('a'), bus.open('b')]
    for (const cluster of [a, b]) cluster.gathering.answer('name', () => cluster.replica)
    const { answers, unanswered } = await a.gathering.ask('name', null, texts)
    expect(answers.map(({ value }) => value)).toEqual(['a', 'b'])
    expect(unanswered).toEqual([])
  })

  test('names a replica that does not answer, and one with an answer that cannot be read', async () => {
    const [a, b, c] = [bus.open('a'), bus.open('b'), bus.open('c')]
    for (const cluster of [a, b]) cluster.gathering.answer('name', () => cluster.replica)
    c.gathering.answer('name', () => 17)
    bus.cutOff.add('b')
    const { answers, unanswered } = await soon(a.gathering.ask('name', null, texts))
    expect(answers.map(({ replica }) => replica)).toEqual(['a'])
    expect(unanswered).toEqual(['b', 'c'])
  })

  test('does not name a replica that has announced its end', async () => {
    const [a, b] = [bus.open('a'), bus.open('b')]
    a.gathering.answer('name', () => 'a')
    b.close()
    expect((await a.gathering.ask('name', null, texts)).unanswered).toEqual([])
    expect(a.members.others).toMatchObject([{ replica: 'b', endedAt: expect.any(Number) }])
  })
})

describe('the lease of a replica', () => {
  test('ends after three missed announcements, and the replica is back with the next one', async () => {
    const [a] = [bus.open('a'), bus.open('b')]
    const changes: string[] = []
    a.listen({
      onJoined: ({ replica }) => changes.push(`${replica} joined`),
      onLeft: ({ replica }) => changes.push(`${replica} left`),
    })
    bus.cutOff.add('b')
    await jest.advanceTimersByTimeAsync(10_000)
    expect(a.members.alive).toEqual(['a'])
    bus.cutOff.delete('b')
    await jest.advanceTimersByTimeAsync(2_000)
    expect(a.members.alive).toEqual(['a', 'b'])
    expect(changes).toEqual(['b left', 'b joined'])
  })

  test('of a killed replica that started again under its name is another one', async () => {
    const a = bus.open('a')
    bus.open('b')
    const changes: string[] = []
    a.listen({
      onJoined: ({ replica, startedAt }) => changes.push(`${replica} joined ${startedAt}`),
      onLeft: ({ replica, startedAt }) => changes.push(`${replica} left ${startedAt}`),
    })
    const first = Date.now()
    bus.cutOff.add('b')
    await jest.advanceTimersByTimeAsync(1_000)
    // A killed replica announces no end.
    bus.clusters.get('b')?.close()
    bus.cutOff.delete('b')
    bus.open('b')
    expect(changes).toEqual([`b left ${first}`, `b joined ${first + 1_000}`])
  })
})
