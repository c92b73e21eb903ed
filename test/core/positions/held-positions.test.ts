import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { HeldPositions } from '../../../src/core/positions/held-positions.ts'
import type { PositionKey, StoredPosition } from '../../../src/core/positions/position-store.ts'
import { passed } from '../controlled-gateway.ts'
import { asking, placeAt } from './holds.ts'

const phone = { clientId: 'alice', name: 'phone' }
const day = 24 * 3_600_000
let held: HeldPositions

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  held.close()
  jest.useRealTimers()
})

/** Holds, over a registry with these numbers by name. */
function world(ttlMs = 30 * day) {
  const holders = new Map<string, number>()
  const calls: unknown[] = []
  const errors: unknown[] = []
  const store = {
    failing: false,
    /** `find` waits for it. */
    finding: Promise.resolve(),
    find: async (keys: readonly PositionKey[]): Promise<StoredPosition[]> => {
      calls.push(['find', keys.length])
      await store.finding
      if (store.failing) throw new Error('away')
      return keys.flatMap(({ clientId, name }) => {
        const holder = holders.get(name)
        return holder === undefined ? [] : [{ clientId, name, holder } as StoredPosition]
      })
    },
    touch: async (keys: readonly PositionKey[], at: Date) => void calls.push(['touch', keys.length, at.getTime()]),
    removeUnused: async (before: Date) => {
      calls.push(['removeUnused', before.getTime()])
      if (store.failing) throw new Error('away')
      return 0
    },
  }
  held = new HeldPositions({ store, ttlMs: () => ttlMs, logError: (what) => errors.push(what) })
  return { held, holders, store, calls, errors }
}

describe('of two subscriptions with one position', () => {
  test('the one with the greater number keeps it, in whatever order they come', () => {
    const { held: tested } = world()
    const [first, second, third] = [1, 2, 3].map((holder) => asking({ holder }))
    for (const one of [first, third, second]) tested.add(one!.hold, true)
    expect([first, second, third].map((one) => one!.failure()?.code)).toEqual([
      'POSITION_TAKEN',
      'POSITION_TAKEN',
      undefined,
    ])
    expect(tested.size).toBe(1)
    expect([tested.remove(second!.hold), tested.remove(third!.hold), tested.size]).toEqual([false, true, 0])
  })

  test('the later one has it if the numbers are equal', () => {
    const { held: tested } = world()
    const [first, second] = [asking({ holder: 1 }), asking({ holder: 1 })]
    tested.add(first.hold, true)
    tested.add(second.hold, true)
    expect([first.failure()?.code, second.failure()]).toEqual(['POSITION_TAKEN', undefined])
  })

  test('the earlier one leaves its last ack if no other replica had the position in between', () => {
    const { held: tested } = world()
    const acked = (name: string, isNext: boolean) => {
      const [first, second] = [asking({ name, holder: 1 }), asking({ name, holder: 2 })]
      first.hold.ackedAt = placeAt(5)
      tested.add(first.hold, true)
      tested.add(second.hold, isNext)
      return tested.ackedAt({ clientId: 'alice', name })
    }
    expect([acked('phone', true), acked('tablet', false)]).toEqual([placeAt(5), undefined])
  })
})

describe('the last ack on this replica', () => {
  test('is that of the subscription that has the position, or had it last', () => {
    const { held: tested } = world()
    const { hold } = asking({ holder: 1 })
    tested.add(hold, true)
    expect(tested.ackedAt(phone)).toBeUndefined()
    hold.ackedAt = placeAt(5)
    expect([tested.ackedAt(phone), tested.ackedAt({ ...phone, clientId: 'bob' })]).toEqual([placeAt(5), undefined])
    tested.remove(hold)
    const next = asking({ holder: 2 })
    tested.add(next.hold, true)
    tested.remove(next.hold)
    expect(tested.ackedAt(phone)).toEqual(placeAt(5))
  })

  test('is forgotten when another replica had the position, or it was deleted', () => {
    const { held: tested } = world()
    const left = () => {
      const { hold } = asking({ holder: 1 })
      hold.ackedAt = placeAt(5)
      tested.add(hold, true)
      tested.remove(hold)
      return tested.ackedAt(phone)
    }
    expect(left()).toEqual(placeAt(5))
    tested.forgetEnded(phone)
    expect(tested.ackedAt(phone)).toBeUndefined()
    expect(left()).toEqual(placeAt(5))
    tested.lose(phone, { toLaterThan: 1 })
    expect(tested.ackedAt(phone)).toEqual(placeAt(5))
    tested.lose(phone, 'deleted')
    expect(tested.ackedAt(phone)).toBeUndefined()
  })
})

test('a position is lost to a later subscription elsewhere, or by its deletion', () => {
  const { held: tested } = world()
  const [one, other] = [asking({ holder: 5 }), asking({ name: 'tablet', holder: 5 })]
  for (const { hold } of [one, other]) tested.add(hold, true)
  tested.lose(phone, { toLaterThan: 4 })
  expect(one.failure()).toBeUndefined()
  tested.lose(phone, { toLaterThan: 5 })
  tested.lose({ ...phone, name: 'tablet' }, 'deleted')
  expect([one.failure()?.message, other.failure()?.message]).toEqual([
    'position "phone" was taken by a later subscription',
    'position "tablet" was deleted',
  ])
})

test('a subscription gets the number of a later one that did not begin, and never a smaller one', () => {
  const { held: tested } = world()
  const { hold } = asking({ holder: 5 })
  expect(tested.adopt(phone, 6)).toBeUndefined()
  tested.add(hold, true)
  expect([tested.adopt(phone, 4), hold.holder]).toEqual([undefined, 5])
  expect([tested.adopt(phone, 5), hold.holder]).toEqual([hold, 5])
  expect([tested.adopt(phone, 8), hold.holder]).toEqual([hold, 8])
})

describe('the comparison with the registry', () => {
  test('ends every 30 seconds what was taken or deleted meanwhile', async () => {
    const { held: tested, holders } = world()
    const [kept, taken, deleted] = ['kept', 'taken', 'deleted'].map((name) => asking({ name, holder: 1 }))
    for (const one of [kept, taken, deleted]) tested.add(one!.hold, true)
    holders.set('kept', 1).set('taken', 2)
    await passed(29_999)
    expect(taken!.failure()).toBeUndefined()
    await passed(1)
    expect([kept, taken, deleted].map((one) => one!.failure()?.message)).toEqual([
      undefined,
      'position "taken" was taken by a later subscription',
      'position "deleted" was deleted',
    ])
  })

  test('asks for 200 positions at a time', async () => {
    const { held: tested, calls } = world()
    const add = (from: number, to: number) => {
      for (let n = from; n < to; n += 1) tested.add(asking({ name: `n${n}`, holder: 1 }).hold, true)
    }
    add(0, 200)
    await tested.check()
    add(200, 450)
    await tested.check()
    expect(calls).toEqual([200, 200, 200, 50].map((count) => ['find', count]))
  })

  test('runs once at a time, and not after the end', async () => {
    const { held: tested, store, calls } = world()
    let answer = (): void => undefined
    store.finding = new Promise((resolve) => {
      answer = resolve
    })
    for (let n = 0; n < 201; n += 1) tested.add(asking({ name: `n${n}`, holder: 1 }).hold, true)
    const checked = tested.check()
    await tested.check()
    expect(calls).toHaveLength(1)
    tested.close()
    answer()
    await checked
    await tested.check()
    await passed(2 * 3_600_000)
    expect(calls).toHaveLength(1)
  })

  test('tries again after a failure, which is reported', async () => {
    const { held: tested, store, holders, errors } = world()
    const one = asking({ holder: 1 })
    tested.add(one.hold, true)
    holders.set('phone', 2)
    store.failing = true
    await passed(30_000)
    expect([errors, one.failure()]).toEqual([['comparing the positions of subscriptions'], undefined])
    store.failing = false
    await passed(30_000)
    expect(one.failure()?.code).toBe('POSITION_TAKEN')
  })

  test.each([
    ['each hour', 30 * day, 3_600_000],
    ['in a quarter of the time after which they expire', 120_000 * 4, 120_000],
  ])('renews held positions %s', async (_, ttlMs, everyMs) => {
    const { held: tested, holders, calls } = world(ttlMs)
    const begun = Date.now()
    tested.add(asking({ holder: 1 }).hold, true)
    holders.set('phone', 1)
    await passed(2 * everyMs)
    const touched = calls.filter((call) => (call as unknown[])[0] === 'touch')
    expect(touched).toEqual([1, 2].map((times) => ['touch', 1, begun + times * everyMs]))
  })
})

test('expired positions are removed each hour, also after a failure, which is reported', async () => {
  const { store, calls, errors } = world(30 * day)
  const begun = Date.now()
  store.failing = true
  await passed(3_600_000)
  expect(errors).toEqual(['removing expired positions'])
  store.failing = false
  await passed(3_600_000)
  expect(calls).toEqual([1, 2].map((hours) => ['removeUnused', begun + hours * 3_600_000 - 30 * day]))
  expect(errors).toHaveLength(1)
})
