import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { PositionWriter } from '../../../src/core/positions/position-writer.ts'
import { passed } from '../controlled-gateway.ts'
import { MemoryPositions } from '../memory-positions.ts'
import { epoch, placeAt } from './holds.ts'

let writer: PositionWriter

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(async () => {
  await writer.close()
  jest.useRealTimers()
})

class StoreUnderTest extends MemoryPositions {
  failing = false
  /** Numbers of keys and moves. */
  readonly calls: (readonly ['find' | 'move', number])[] = []
  #moving = Promise.resolve()

  /** `move` waits until the returned function is called. */
  slowly(): () => void {
    let stored = (): void => undefined
    this.#moving = new Promise((resolve) => {
      stored = resolve
    })
    return () => stored()
  }

  override async find(...args: Parameters<MemoryPositions['find']>) {
    this.calls.push(['find', args[0].length])
    if (this.failing) throw new Error('away')
    return super.find(...args)
  }

  override async move(...args: Parameters<MemoryPositions['move']>) {
    this.calls.push(['move', args[0].length])
    await this.#moving
    return super.move(...args)
  }
}

/** A writer over positions of alice, each at offset 0 with this holder. */
function world(holders: Readonly<Record<string, number>> = { phone: 1 }) {
  const store = new StoreUnderTest()
  const now = new Date()
  const add = (name: string, holder: number, of = epoch) => {
    const row = { clientId: 'alice', name, topic: 'topic', place: placeAt(0, of), holder, heldBy: 'here' }
    store.rows.set(`${name} alice`, { ...row, movedAt: now, usedAt: now })
  }
  for (const [name, holder] of Object.entries(holders)) add(name, holder)
  const lost: unknown[] = []
  const errors: unknown[] = []
  const journal = { epoch: epoch as string | undefined, questions: 0 }
  writer = new PositionWriter({
    store,
    currentEpoch: async () => {
      journal.questions += 1
      if (journal.epoch === 'away') throw new Error('the broker is away')
      return journal.epoch
    },
    onLost: ({ name }, holder, isDeleted) => lost.push([name, holder, isDeleted]),
    logError: (what) => errors.push(what),
  })
  const placeOf = (name = 'phone') => store.rows.get(`${name} alice`)?.place
  return { writer, store, add, lost, errors, journal, placeOf }
}

/** `holder` undefined: an ack of the client itself. */
function ack(offset: number, holder: number | undefined, name = 'phone', of = epoch) {
  return { clientId: 'alice', name, place: placeAt(offset, of), holder }
}

describe('acks', () => {
  test('are stored a second after the first one, of each position the last', async () => {
    const { writer: tested, store, placeOf } = world({ phone: 1, tablet: 1 })
    tested.record(ack(3, 1))
    await passed(500)
    tested.record(ack(5, 1))
    tested.record(ack(4, 1))
    tested.record(ack(2, undefined, 'tablet'))
    expect(tested.waiting).toBe(2)
    await passed(499)
    expect(store.calls).toEqual([])
    await passed(1)
    expect([placeOf()?.offset, placeOf('tablet')?.offset, tested.waiting]).toEqual([5, 2, 0])
    expect(jest.getTimerCount()).toBe(0)
    await passed(20_000)
    // One statement for the acks of clients, and one for those of subscriptions.
    expect(store.calls).toEqual([
      ['find', 1],
      ['move', 1],
      ['find', 1],
      ['move', 1],
    ])
  })

  test('of the same place are one ack', async () => {
    const { writer: tested, store } = world()
    const stored = store.slowly()
    tested.record(ack(3, 1))
    await passed(1_000)
    tested.record(ack(3, 1))
    stored()
    await passed()
    expect(tested.waiting).toBe(0)
  })

  test('that come while one is stored are stored next', async () => {
    const { writer: tested, store, placeOf } = world()
    const stored = store.slowly()
    tested.record(ack(3, 1))
    await passed(1_000)
    tested.record(ack(7, 1))
    stored()
    await passed()
    expect([placeOf()?.offset, tested.waiting]).toEqual([3, 1])
    await passed(1_000)
    expect([placeOf()?.offset, tested.waiting]).toEqual([7, 0])
  })

  test('of a later subscription replace those of the earlier one, also with a smaller place', async () => {
    const { writer: tested, placeOf } = world({ phone: 2 })
    tested.record(ack(9, 1))
    tested.record(ack(4, 2))
    await passed(1_000)
    expect(placeOf()?.offset).toBe(4)
  })

  test('of a client and of its subscription wait together', async () => {
    const { writer: tested, placeOf } = world({ phone: 1 })
    tested.record(ack(4, undefined))
    tested.record(ack(9, 8))
    expect(tested.waiting).toBe(2)
    await passed(1_000)
    // The subscription 8 does not have the position.
    expect(placeOf()?.offset).toBe(4)
  })

  test('are stored 200 in a statement', async () => {
    const names = Array.from({ length: 401 }, (_, n) => [`n${n}`, 1] as const)
    const { writer: tested, store } = world(Object.fromEntries(names))
    for (const [name] of names) tested.record(ack(3, 1, name))
    await tested.flush()
    expect(store.calls.map(([, count]) => count)).toEqual([200, 200, 200, 200, 1, 1])
    for (const [name] of names.slice(0, 200)) tested.record(ack(4, 1, name))
    await tested.flush()
    expect(store.calls.slice(6).map(([, count]) => count)).toEqual([200, 200])
  })

  test('of a position that was taken or deleted are dropped, and that is reported', async () => {
    const { writer: tested, lost, placeOf } = world({ phone: 2 })
    tested.record(ack(9, 1))
    tested.record(ack(9, 1, 'deleted'))
    tested.record(ack(9, undefined, 'unknown'))
    await tested.flush()
    expect(new Set(lost)).toEqual(
      new Set([
        ['deleted', 1, true],
        ['phone', 1, false],
        ['unknown', undefined, true],
      ]),
    )
    expect([placeOf()?.offset, tested.waiting]).toEqual([0, 0])
  })

  test('are forgotten with the position', async () => {
    const { writer: tested, placeOf } = world({ phone: 1, tablet: 1 })
    for (const name of ['phone', 'tablet']) {
      tested.record(ack(9, 1, name))
      tested.record(ack(9, undefined, name))
    }
    tested.forget({ clientId: 'alice', name: 'phone' })
    expect(tested.waiting).toBe(2)
    await passed(1_000)
    expect([placeOf()?.offset, placeOf('tablet')?.offset]).toEqual([0, 9])
  })

  test('of one position can be stored at once, alone', async () => {
    const { writer: tested, placeOf, store } = world({ phone: 1, tablet: 1 })
    tested.record(ack(8, undefined))
    tested.record(ack(9, 1))
    tested.record(ack(9, 1, 'tablet'))
    await tested.flushOf({ clientId: 'alice', name: 'phone' })
    expect([placeOf()?.offset, placeOf('tablet')?.offset, tested.waiting]).toEqual([9, 0, 1])
    store.failing = true
    await expect(tested.flushOf({ clientId: 'alice', name: 'tablet' })).rejects.toThrow('away')
    await tested.flushOf({ clientId: 'alice', name: 'phone' })
    expect(tested.waiting).toBe(1)
  })

  test('of one position wait for those that are stored now', async () => {
    const { writer: tested, store } = world()
    const stored = store.slowly()
    tested.record(ack(3, 1))
    void tested.flush()
    let isDone = false
    const flushed = tested.flushOf({ clientId: 'alice', name: 'phone' }).then(() => {
      isDone = true
    })
    await passed()
    expect(isDone).toBe(false)
    stored()
    await flushed
    expect(store.calls.filter(([kind]) => kind === 'move')).toHaveLength(1)
  })
})

describe('while the registry is away', () => {
  test('acks wait and are tried again every five seconds, and each failure is reported', async () => {
    const { writer: tested, store, errors, placeOf } = world()
    store.failing = true
    tested.record(ack(3, 1))
    await passed(1_000)
    expect([errors, tested.waiting]).toEqual([['storing acked positions'], 1])
    tested.record(ack(5, 1))
    await passed(4_999)
    expect(errors).toHaveLength(1)
    await passed(1)
    expect(errors).toHaveLength(2)
    store.failing = false
    await passed(5_000)
    expect([placeOf()?.offset, tested.waiting, errors.length]).toEqual([5, 0, 2])
  })

  test('a client is refused beyond 20,000 positions, so that memory is bounded', () => {
    const { writer: tested } = world()
    for (let n = 0; n < 19_999; n += 1) tested.record(ack(1, undefined, `n${n}`))
    tested.record(ack(1, 1))
    expect(() => tested.requireRoom()).not.toThrow()
    tested.record(ack(1, undefined, 'last'))
    expect(() => tested.requireRoom()).toThrow(
      expect.objectContaining({ code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('try again') }),
    )
    for (let n = 0; n < 19_999; n += 1) tested.forget({ clientId: 'alice', name: `n${n}` })
  })
})

describe('after the journal was replaced', () => {
  test('an ack of the present journal replaces the place of the former one, which is asked once', async () => {
    const { writer: tested, add, journal, placeOf } = world({})
    for (const name of ['phone', 'tablet']) add(name, 1, 'former')
    tested.record(ack(1, 1))
    tested.record(ack(2, 1, 'tablet'))
    await tested.flush()
    expect([placeOf(), placeOf('tablet')]).toEqual([placeAt(1), placeAt(2)])
    expect(journal.questions).toBe(1)
  })

  test('an ack of the former journal is dropped', async () => {
    const { writer: tested, journal, placeOf } = world()
    tested.record(ack(9, 1, 'phone', 'former'))
    await tested.flush()
    expect([placeOf(), tested.waiting, journal.questions]).toEqual([placeAt(0), 0, 1])
  })

  test('an ack of the present journal replaces one of the former that waits', async () => {
    const { writer: tested, placeOf } = world()
    tested.record(ack(9, 1, 'phone', 'former'))
    tested.record(ack(3, 1))
    await tested.flush()
    expect(placeOf()).toEqual(placeAt(3))
  })

  test.each(['away', undefined])('an ack waits while the epoch is not known (%s)', async (unknown) => {
    const { writer: tested, add, journal, placeOf } = world({})
    add('phone', 1, 'former')
    journal.epoch = unknown
    tested.record(ack(1, 1))
    await passed(1_000)
    expect([placeOf(), tested.waiting]).toEqual([placeAt(0, 'former'), 1])
    journal.epoch = epoch
    await passed(5_000)
    expect([placeOf(), tested.waiting]).toEqual([placeAt(1), 0])
  })

  test('an ack of the journal of the stored place asks for no epoch', async () => {
    const { writer: tested, journal, placeOf } = world()
    tested.record(ack(1, 1))
    await tested.flush()
    expect([placeOf(), journal.questions]).toEqual([placeAt(1), 0])
  })
})

test('the end stores what waits at once, and later acks only by a flush', async () => {
  const { writer: tested, store, placeOf } = world()
  tested.record(ack(3, 1))
  await tested.close()
  expect(placeOf()?.offset).toBe(3)
  const { length } = store.calls
  tested.record(ack(5, 1))
  await passed(10_000)
  expect(store.calls).toHaveLength(length)
  expect(tested.waiting).toBe(1)
})

test('acks that wait do not keep the process alive', () => {
  jest.useRealTimers()
  const { writer: tested } = world()
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  tested.record(ack(3, 1))
  expect(timers()).toBe(before)
})
