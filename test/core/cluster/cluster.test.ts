import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Cluster, type ClusterMessage } from '../../../src/core/cluster/cluster.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'

/** A control bus within the test; a replica in `cutOff` neither sends nor receives. */
class Bus {
  readonly clusters = new Map<string, Cluster>()
  readonly cutOff = new Set<string>()
  readonly sent: ControlMessage[] = []
  readonly lines: unknown[] = []

  open(replica: string): Cluster {
    const control = { send: async (message: ControlMessage) => this.#send(replica, message) } as unknown as ControlBus
    const cluster = new Cluster({ replica, version: '1.0.0', control, log: (...line) => this.lines.push(line) })
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

describe('a question to all replicas, and its answers', () => {
  test('counts the first answer of a replica, of several, and only if it can be read', async () => {
    const [a] = [bus.open('a'), bus.open('b')]
    a.gathering.answer('name', () => 'a')
    const gathered = a.gathering.ask('name', null, texts)
    await jest.advanceTimersByTimeAsync(0)
    const [question] = bus.sent.flatMap((message) => (message.kind === 'asked' ? [message.question] : []))
    const answered = (replica: string, value: unknown) =>
      a.onControl({ kind: 'answered', question: question ?? '', replica, value })
    await answered('b', 17)
    // It is not awaited, because it has not announced itself. Its first answer counts all the same.
    await answered('older', 'first')
    await answered('older', 'second')
    // Its own answer does not come over the bus.
    await answered('a', 'copy')
    await answered('b', 'b')
    const answers = ['a', 'first', 'b']
    expect((await gathered).answers.map(({ value }) => value)).toEqual(answers)
    // Too late: the question is closed.
    await expect(answered('b', 'late')).resolves.toBeUndefined()
  })

  test('is answered by this replica alone if there is no other, and not at all if it has no answer', async () => {
    const a = bus.open('a')
    expect(await a.gathering.ask('name', null, texts)).toEqual({ answers: [], unanswered: [] })
    a.gathering.answer('name', (args) => args)
    expect((await a.gathering.ask('name', 'echo', texts)).answers).toEqual([{ replica: 'a', value: 'echo' }])
    expect(bus.sent.filter(({ kind }) => kind === 'asked')).toEqual([])
  })

  test('has no answer from a replica that fails, which logs it', async () => {
    const [a, b] = [bus.open('a'), bus.open('b')]
    b.gathering.answer('name', () => {
      throw new Error('broken')
    })
    const { answers, unanswered } = await soon(a.gathering.ask('name', null, texts))
    expect([answers, unanswered]).toEqual([[], ['b']])
    expect(bus.lines).toEqual([['warn', 'answering "name" failed: broken']])
    expect(bus.sent.filter(({ kind }) => kind === 'answered')).toEqual([])
  })

  test('asks no other replica while 200 are open; questions to one replica do not count', async () => {
    const [a, b] = [bus.open('a'), bus.open('b')]
    bus.cutOff.add('b')
    const toOne = Array.from({ length: 5 }, () => a.gathering.askOne('b', 'name', null, texts))
    const open = Array.from({ length: 201 }, () => a.gathering.ask('name', null, texts))
    await jest.advanceTimersByTimeAsync(0)
    expect(bus.sent.filter(({ kind }) => kind === 'asked')).toHaveLength(205)
    await soon(Promise.all([...toOne, ...open]))
    bus.cutOff.delete('b')
    b.gathering.answer('name', () => 'b')
    expect((await a.gathering.ask('name', null, texts)).answers).toEqual([{ replica: 'b', value: 'b' }])
  })
})

describe('a question to one replica', () => {
  test('is answered by that replica only', async () => {
    const clusters = [bus.open('a'), bus.open('b'), bus.open('c')]
    for (const { gathering, replica } of clusters) gathering.answer('name', (args) => `${String(args)} ${replica}`)
    expect(await clusters[0]?.gathering.askOne('b', 'name', 'I am', texts)).toBe('I am b')
    expect(bus.sent.filter(({ kind }) => kind === 'answered')).toHaveLength(1)
  })

  test('has no answer if the replica is unknown, this one, silent, or not understood', async () => {
    const [a, b] = [bus.open('a'), bus.open('b')]
    for (const { gathering } of [a, b]) gathering.answer('name', () => 17)
    expect(await a.gathering.askOne('unknown', 'name', null, texts)).toBeUndefined()
    expect(await a.gathering.askOne('a', 'name', null, texts)).toBeUndefined()
    expect(bus.sent.filter(({ kind }) => kind === 'asked')).toEqual([])
    expect(await a.gathering.askOne('b', 'name', null, texts)).toBeUndefined()
    expect(await soon(a.gathering.askOne('b', 'other', null, texts))).toBeUndefined()
  })

  test('is not asked while 10,000 are open', async () => {
    const [a, b] = [bus.open('a'), bus.open('b')]
    b.gathering.answer('name', () => 'b')
    bus.cutOff.add('b')
    const open = Array.from({ length: 10_001 }, () => a.gathering.askOne('b', 'name', null, texts))
    await jest.advanceTimersByTimeAsync(0)
    expect(bus.sent.filter(({ kind }) => kind === 'asked')).toHaveLength(10_000)
    await soon(Promise.all(open))
    bus.cutOff.delete('b')
    expect(await a.gathering.askOne('b', 'name', null, texts)).toBe('b')
  })

  test('ignores an answer of another replica', async () => {
    const [a] = [bus.open('a'), bus.open('b')]
    const asked = a.gathering.askOne('b', 'name', null, texts)
    await jest.advanceTimersByTimeAsync(0)
    const [question] = bus.sent.flatMap((message) => (message.kind === 'asked' ? [message.question] : []))
    for (const replica of ['c', 'b']) {
      await a.onControl({ kind: 'answered', question: question ?? '', replica, value: `of ${replica}` })
      await jest.advanceTimersByTimeAsync(0)
    }
    expect(await asked).toBe('of b')
  })
})

test('a listener may leave out what it does not want', async () => {
  const [a] = [bus.open('a')]
  const calls: string[] = []
  a.listen({})
  a.listen({
    onJoined: () => calls.push('joined'),
    onLeft: () => calls.push('left'),
    onTick: () => calls.push('tick'),
    onResync: () => calls.push('resync'),
    onPresence: ({ kind }) => calls.push(`presence: ${kind}`),
    onOffline: ({ kind }) => calls.push(`offline: ${kind}`),
  })
  const b = bus.open('b')
  b.close()
  await jest.advanceTimersByTimeAsync(2_000)
  bus.sent.length = 0
  a.onResync()
  expect(bus.sent).toMatchObject([
    { kind: 'replica-alive', replica: 'a', ask: true },
    { kind: 'replica-alive', replica: 'b', ask: false },
  ])
  await a.onControl({ kind: 'presence-wanted' } as ClusterMessage)
  await a.onControl({ kind: 'offline-known' } as ClusterMessage)
  const messages = ['presence: presence-wanted', 'offline: offline-known']
  expect(calls).toEqual(['joined', 'left', 'tick', 'resync', ...messages])
})

describe('the lease of a replica', () => {
  test('begins when it starts, and it knows the others at once, in the order of their names', async () => {
    bus.open('a')
    bus.open('c')
    bus.open('b')
    for (const { members, replica } of bus.clusters.values())
      expect(members.others.map((other) => other.replica)).toEqual(['a', 'b', 'c'].filter((name) => name !== replica))
    bus.sent.length = 0
    await jest.advanceTimersByTimeAsync(2_000)
    // The others need not answer.
    expect(bus.sent).toMatchObject(['a', 'c', 'b'].map((replica) => ({ kind: 'replica-alive', replica, ask: false })))
  })

  test('is renewed by what it answers, and ends after more than three announcements', async () => {
    const [a] = [bus.open('a'), bus.open('b')]
    bus.cutOff.add('b')
    await jest.advanceTimersByTimeAsync(4_000)
    await a.onControl({ kind: 'answered', question: 'closed', replica: 'b', value: null })
    await jest.advanceTimersByTimeAsync(6_000)
    expect(a.members.alive).toEqual(['a', 'b'])
    await jest.advanceTimersByTimeAsync(2_000)
    expect(a.members.alive).toEqual(['a'])
  })

  test('of this replica is its own announcement that comes back', async () => {
    const a = bus.open('a')
    await jest.advanceTimersByTimeAsync(6_000)
    expect([a.members.isCutOff, a.members.isAlive('a')]).toEqual([false, true])
    bus.cutOff.add('a')
    await jest.advanceTimersByTimeAsync(6_000)
    expect(a.members.isCutOff).toBe(false)
    await jest.advanceTimersByTimeAsync(1)
    expect([a.members.isCutOff, a.members.isAlive('a')]).toEqual([true, true])
  })

  test('ends once, also if its announcement arrives behind that of its end', async () => {
    const a = bus.open('a')
    const changes: string[] = []
    a.listen({ onJoined: () => changes.push('joined'), onLeft: () => changes.push('left') })
    const b = { replica: 'b', startedAt: 1 }
    const alive = { kind: 'replica-alive', version: '1.0.0', ask: false } as const
    // Not known yet, so its end changes nothing.
    await a.onControl({ kind: 'replica-ended', ...b })
    await a.onControl({ ...alive, ...b })
    // The end of an earlier life.
    await a.onControl({ kind: 'replica-ended', ...b, startedAt: 0 })
    expect(a.members.alive).toEqual(['a', 'b'])
    await a.onControl({ kind: 'replica-ended', ...b })
    await a.onControl({ ...alive, ...b })
    await jest.advanceTimersByTimeAsync(10_000)
    expect(changes).toEqual(['joined', 'left'])
    await a.onControl({ ...alive, ...b, startedAt: 2 })
    expect(changes).toEqual(['joined', 'left', 'joined'])
  })

  test('is listed ten minutes longer, and of a thousand replicas those that are alive', async () => {
    const a = bus.open('a')
    bus.open('b')
    bus.cutOff.add('b')
    await jest.advanceTimersByTimeAsync(600_000)
    expect(a.members.others.map(({ replica }) => replica)).toEqual(['b'])
    await jest.advanceTimersByTimeAsync(2_000)
    expect(a.members.others).toEqual([])
    for (let n = 0; n < 1_005; n += 1) {
      const life = { replica: `n${n}`, startedAt: 1 }
      await a.onControl({ kind: 'replica-alive', version: '1.0.0', ask: false, ...life })
      if (n >= 1_000) await a.onControl({ kind: 'replica-ended', ...life })
    }
    await jest.advanceTimersByTimeAsync(2_000)
    const { others, alive } = a.members
    expect([others.length, alive.length]).toEqual([1_000, 1_001])
    expect(others.filter(({ replica }) => !a.members.isAlive(replica))).toEqual([])
  })

  test('ends after three missed announcements, and the replica is back with the next one', async () => {
    const [a] = [bus.open('a'), bus.open('b')]
    const changes: string[] = []
    a.listen({
      onJoined: ({ replica }) => changes.push(`${replica} joined`),
      onLeft: ({ replica }) => changes.push(`${replica} left`),
    })
    await jest.advanceTimersByTimeAsync(10_000)
    expect([changes, a.members.alive]).toEqual([[], ['a', 'b']])
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
