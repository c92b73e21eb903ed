import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  integer,
  oneof,
  option,
  record,
} from 'fast-check'
import type { PositionStore } from '../../src/core/positions/position-store.ts'
import { MemoryPositions } from '../core/memory-positions.ts'
import type { Place } from './registry-suite.ts'

const epochs = ['0011223344556677', '8899aabbccddeeff'] as const
const time = (ms: number) => new Date(Date.UTC(2024, 0, 1) + ms)

const keys = record({
  clientId: constantFrom('alice', 'bob', "o'brien 🦔"),
  name: constantFrom('phone', 'Tablet', 'a.b-c_1'),
})
const places = record({
  epoch: constantFrom(...epochs),
  offset: oneof(integer({ min: 0, max: 9 }), constantFrom(2 ** 40, 2 ** 53 - 2)),
  fingerprint: constant(4_000_000_000),
  before: constantFrom(true, false),
})
const most = 2

type Step =
  | { readonly kind: 'take' | 'add' | 'touch' | 'remove' | 'removeAllOf' | 'removeUnused' }
  | { readonly kind: 'begin'; readonly holds: 'last' | 'other' }
  | { readonly kind: 'move'; readonly holds: 'last' | 'other' | 'any'; readonly from: string | null }

const steps: Arbitrary<{
  readonly key: { readonly clientId: string; readonly name: string }
  readonly place: { epoch: string; offset: number; fingerprint: number; before: boolean }
  readonly topic: string
  readonly withPlace: boolean
  readonly waitedMs: number
  readonly step: Step
}> = record({
  key: keys,
  place: places,
  topic: constantFrom('["channel",{"clientId":"alice"}]', '["orders",{}]'),
  withPlace: constantFrom(true, true, false),
  waitedMs: constantFrom(0, 0, 1, 5),
  step: oneof(
    { weight: 4, arbitrary: record({ kind: constant('take' as const) }) },
    { weight: 2, arbitrary: record({ kind: constant('add' as const) }) },
    {
      weight: 2,
      arbitrary: record({ kind: constant('begin' as const), holds: constantFrom('last' as const, 'other' as const) }),
    },
    {
      weight: 8,
      arbitrary: record({
        kind: constant('move' as const),
        holds: constantFrom('last' as const, 'other' as const, 'any' as const),
        from: option(constantFrom(...epochs)),
      }),
    },
    {
      weight: 1,
      arbitrary: record({
        kind: constantFrom('touch' as const, 'remove' as const, 'removeAllOf' as const, 'removeUnused' as const),
      }),
    },
  ),
})

/** The rule of every store of named positions, on any database. */
export function positionSuite(name: string, newPlace: () => Promise<Place>): void {
  describe(`named positions on ${name}`, () => {
    let place: Place
    let opened: Awaited<ReturnType<Place['open']>>[]
    const open = async (): Promise<PositionStore> => {
      const registry = await place.open()
      opened.push(registry)
      return registry.positions
    }

    beforeEach(async () => {
      opened = []
      place = await newPlace()
    })
    afterEach(async () => {
      await Promise.all(opened.map((registry) => registry.close()))
      await place.remove()
    })

    test('change as those of the model, whatever two replicas do to them in turn', async () => {
      const replicas = [await open(), await open()] as const
      let run = 0
      await assert(
        asyncProperty(array(steps, { minLength: 1, maxLength: 40 }), async (all) => {
          const model = new MemoryPositions()
          // Each run has clients of its own.
          run += 1
          for (const [at, { key: given, place: at_, topic, withPlace, waitedMs, step }] of all.entries()) {
            const key = { clientId: `${run} ${given.clientId}`, name: given.name }
            const now = time(run * 1_000 + Math.floor(at / 2))
            const holder = model.rows.get(`${key.name} ${key.clientId}`)?.holder ?? 0
            const act = async (store: PositionStore): Promise<unknown> => {
              switch (step.kind) {
                case 'take':
                  return store.take({
                    ...key,
                    topic,
                    replica: `replica-${at % 2}`,
                    place: withPlace ? at_ : undefined,
                    askedAt: new Date(now.getTime() - waitedMs),
                    at: now,
                    most,
                  })
                case 'add':
                  return store.add({ ...key, place: at_, at: now, most })
                case 'begin':
                  return store.begin({ ...key, place: at_, holder: holder - (step.holds === 'last' ? 0 : 1) }, now)
                case 'move': {
                  const held = { last: holder, other: holder - 1, any: undefined }[step.holds]
                  return store.move([{ ...key, place: at_, holder: held, from: step.from ?? undefined }], now)
                }
                case 'touch':
                  return store.touch([key], now)
                case 'remove':
                  return store.remove(key)
                case 'removeAllOf':
                  return store.removeAllOf(key.clientId)
                case 'removeUnused':
                  // Earlier runs have left rows in the database, which the model does not count.
                  return void (await store.removeUnused(now))
              }
            }
            const replica = replicas[at % 2] ?? replicas[0]
            expect(await act(replica)).toEqual(await act(model))
            expect(await replica.listOf(key.clientId)).toEqual(await model.listOf(key.clientId))
          }
        }),
        { numRuns: 60 },
      )
    })

    test('give every concurrent subscription another number, and keep the greatest', async () => {
      const replicas = [await open(), await open()]
      const taken = await Promise.all(
        Array.from({ length: 20 }, async (_, n) =>
          replicas[n % 2]?.take({
            clientId: 'alice',
            name: 'phone',
            topic: 't',
            replica: 'r',
            place: { epoch: epochs[0], offset: n, fingerprint: 1, before: false },
            askedAt: time(0),
            at: time(0),
            most: 10,
          }),
        ),
      )
      const rows = taken.map((one) => (one?.kind === 'taken' ? one.position : undefined))
      const numbers = rows.map((row) => row?.holder ?? Number.NaN)
      expect(new Set(numbers).size).toBe(20)
      // The first one decides where all begin.
      expect(new Set(rows.map((row) => row?.place?.offset)).size).toBe(1)
      const [row] = (await replicas[0]?.find([{ clientId: 'alice', name: 'phone' }])) ?? []
      expect(row?.holder).toBe(Math.max(...numbers))
    })

    test('end at the furthest of concurrent acks, in batches with others', async () => {
      const replicas = [await open(), await open()]
      const names = Array.from({ length: 60 }, (_, n) => `device-${n}`)
      const at = (offset: number) => ({ epoch: epochs[0], offset, fingerprint: 1, before: false })
      for (const name of names)
        await replicas[0]?.add({ clientId: 'alice', name, place: at(0), at: time(0), most: 100 })
      const offsets = Array.from({ length: 10 }, (_, n) => (n * 7) % 10)
      const moves = (offset: number) =>
        names.map((name) => ({ clientId: 'alice', name, place: at(offset), holder: undefined, from: undefined }))
      for (const offset of offsets) {
        // One at a time on each connection, as the gateway writes: PostgreSQL may refuse one of two
        // that lock the same rows in another order.
        await replicas[offset % 2]?.move(moves(offset), time(offset))
      }
      const rows = (await replicas[1]?.listOf('alice')) ?? []
      expect(rows).toHaveLength(60)
      for (const row of rows) expect(row).toMatchObject({ place: at(9), movedAt: time(9) })
      expect(rows.map(({ name }) => name)).toEqual(names.toSorted())
    })

    test('do not exceed the number of one client, and expire after their last use', async () => {
      const store = await open()
      const added = (name: string, ms: number) =>
        store.add({
          clientId: 'alice',
          name,
          place: { epoch: epochs[0], offset: 1, fingerprint: 1, before: false },
          at: time(ms),
          most: 2,
        })
      expect([await added('a', 1), await added('b', 2), await added('c', 3)].map((row) => row?.name)).toEqual([
        'a',
        'b',
        undefined,
      ])
      const asking = { topic: 't', replica: 'r', place: undefined, askedAt: time(4), at: time(4), most: 2 }
      const take = { clientId: 'alice', name: 'c', ...asking }
      expect(await store.take(take)).toEqual({ kind: 'full' })
      await store.touch([{ clientId: 'alice', name: 'a' }], time(5))
      expect(await store.removeUnused(time(3))).toBe(1)
      expect((await store.listOf('alice')).map(({ name }) => name)).toEqual(['a'])
      expect(await store.take(take)).toMatchObject({ kind: 'taken', position: { place: undefined, topic: 't' } })
    })
  })
}
