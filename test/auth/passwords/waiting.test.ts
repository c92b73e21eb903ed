import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { ConcurrencyLimit, type Waiter } from '../../../src/auth/passwords/concurrency-limit.ts'
import { FairQueue } from '../../../src/auth/passwords/fair-queue.ts'

describe('a fair queue', () => {
  const any = () => true

  function queueOf(...items: readonly string[]): FairQueue<string> {
    const queue = new FairQueue<string>()
    for (const item of items) queue.add(item[0] ?? '', item[1] ?? '', item)
    return queue
  }

  function all(queue: FairQueue<string>): string[] {
    const taken: string[] = []
    for (let next = queue.take(any); next !== undefined; next = queue.take(any)) taken.push(next)
    return taken
  }

  test('is taken in turns by network, and within a network by client, each in order', () => {
    const queue = queueOf('Aa1', 'Aa2', 'Aa3', 'Ab1', 'Ba1', 'Ba2', 'Ab2')
    expect([queue.size, queue.sizeOf('A'), queue.sizeOf('B'), queue.sizeOf('C')]).toEqual([7, 5, 2, 0])
    expect(all(queue)).toEqual(['Aa1', 'Ba1', 'Ab1', 'Ba2', 'Aa2', 'Ab2', 'Aa3'])
    expect([queue.size, queue.sizeOf('A')]).toEqual([0, 0])
  })

  test('passes over networks that are not allowed, which keep their turn', () => {
    const queue = queueOf('Aa1', 'Ba1', 'Ca1', 'Aa2')
    expect(queue.take((network) => network === 'C')).toBe('Ca1')
    expect(queue.take((network) => network === 'C')).toBeUndefined()
    expect(all(queue)).toEqual(['Aa1', 'Ba1', 'Aa2'])
  })

  test('drops the newest item of the client with the most, in a network or in the longest one', () => {
    const queue = queueOf('Aa1', 'Aa2', 'Ab1', 'Ba1', 'Bb1', 'Bb2', 'Bc1')
    expect(queue.drop('A')).toBe('Aa2')
    expect(queue.drop()).toBe('Bb2')
    // Of clients with equally many, the last one.
    expect(queue.drop()).toBe('Bc1')
    expect([queue.size, queue.sizeOf('A'), queue.sizeOf('B')]).toEqual([4, 2, 2])
    expect(queue.drop('C')).toBeUndefined()
    expect(all(queue)).toEqual(['Aa1', 'Ba1', 'Ab1', 'Bb1'])
    expect(queue.drop()).toBeUndefined()
  })
})

describe('a concurrency limit', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }))
  afterEach(() => void jest.useRealTimers())

  const settled = () => new Promise((resolve) => setImmediate(resolve))

  class Tasks {
    readonly started: string[] = []
    readonly refused: string[] = []
    readonly #ends = new Map<string, () => void>()
    readonly #limit: ConcurrencyLimit

    constructor(concurrency: number, maxWaiting: number) {
      this.#limit = new ConcurrencyLimit({ concurrency, maxWaiting, limit: 'WARREN_X', message: 'too many' })
    }

    async run(name: string, waiter: Partial<Waiter> = {}): Promise<void> {
      void this.#limit
        .run(
          () => {
            this.started.push(name)
            return new Promise<void>((resolve) => this.#ends.set(name, resolve))
          },
          { network: 'n', client: 'c', kind: 'k', ...waiter },
        )
        .catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'WARREN_X', message: 'too many' })
          this.refused.push(name)
        })
      await settled()
    }

    async end(...names: readonly string[]): Promise<void> {
      for (const name of names) {
        this.#ends.get(name)?.()
        await settled()
      }
    }
  }

  test('takes turns by kind, so that one kind of work does not hold up another', async () => {
    const tasks = new Tasks(1, 10)
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2']) await tasks.run(name, { kind: name[0] ?? '' })
    expect(tasks.started).toEqual(['a1'])
    await tasks.end('a1', 'a2', 'b1', 'a3')
    expect(tasks.started).toEqual(['a1', 'a2', 'b1', 'a3', 'b2'])
  })

  test('refuses the newest task of a network with too many that wait', async () => {
    const tasks = new Tasks(1, 2)
    for (const name of ['1', '2', '3', '4']) await tasks.run(name)
    expect(tasks.refused).toEqual(['4'])
    await tasks.run('other network', { network: 'm' })
    expect(tasks.refused).toEqual(['4'])
    await tasks.end('1')
    await tasks.run('5')
    expect(tasks.refused).toEqual(['4'])
  })

  test('refuses a task of the longest network when ten times as many wait in all', async () => {
    const tasks = new Tasks(1, 2)
    await tasks.run('running')
    for (let network = 0; network < 10; network += 1) {
      await tasks.run(`${network}a`, { network: String(network) })
      await tasks.run(`${network}b`, { network: String(network) })
    }
    expect(tasks.refused).toEqual([])
    await tasks.run('one more', { network: 'new' })
    expect(tasks.refused).toEqual(['9b'])
  })

  test('lets a slowed network wait for all others, and rest after each of its turns', async () => {
    const tasks = new Tasks(1, 10)
    const slow = { network: 'slow', slowed: () => true }
    await tasks.run('first')
    for (const name of ['s1', 's2']) await tasks.run(name, slow)
    await tasks.run('other', { network: 'm' })
    await tasks.end('first')
    expect(tasks.started).toEqual(['first', 'other'])
    await tasks.end('other')
    expect(tasks.started).toEqual(['first', 'other', 's1'])
    await tasks.end('s1')
    expect(tasks.started).toEqual(['first', 'other', 's1'])
    // While it rests, others are not held up.
    await tasks.run('another', { network: 'm' })
    await tasks.end('another')
    jest.advanceTimersByTime(99)
    await settled()
    expect(tasks.started).toEqual(['first', 'other', 's1', 'another'])
    jest.advanceTimersByTime(1)
    await settled()
    expect(tasks.started).toEqual(['first', 'other', 's1', 'another', 's2'])
  })

  test('a network that is slowed no longer does not rest', async () => {
    const tasks = new Tasks(1, 10)
    let slowed = true
    const network = { network: 'n', slowed: () => slowed }
    await tasks.run('1', network)
    await tasks.run('2', network)
    slowed = false
    await tasks.end('1')
    jest.advanceTimersByTime(100)
    await settled()
    await tasks.run('3', network)
    await tasks.end('2')
    expect(tasks.started).toEqual(['1', '2', '3'])
  })
})
