import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type Absence, Absences } from '../../../src/core/offline/absences.ts'
import { pick, runs, weighted } from '../../support/property.ts'

const quietMs = 1_000

const absenceOf = (clientId: string, cursor = `of ${clientId}`): Absence => ({
  clientId,
  cursor,
  after: `before ${cursor}`,
  source: 's',
  exchange: 'orders',
  at: 0,
})

function given(maxClients = 3): Absences {
  return new Absences({ maxClients, quietMs })
}

describe('an absence', () => {
  test('waits until its notice is published; then the client is quiet for the whole time', () => {
    const absences = given()
    expect(absences.add(absenceOf('pia'))).toBeUndefined()
    expect([...absences.waiting.values()]).toEqual([absenceOf('pia')])
    expect([absences.has('pia', 0), absences.has('quinn', 0)]).toEqual([true, false])
    absences.published('pia', 500)
    expect([absences.waiting.size, absences.quiet]).toEqual([0, 1])
    expect([absences.has('pia', 1_499), absences.has('pia', 1_500)]).toEqual([true, false])
    expect([...absences.quietClients(700)]).toEqual([['pia', 200]])
    absences.expire(1_499)
    expect(absences.quiet).toBe(1)
    absences.expire(1_500)
    expect(absences.quiet).toBe(0)
  })

  test('ends if the client comes back, whether it waits or is quiet', () => {
    const absences = given()
    absences.add(absenceOf('pia'))
    absences.add(absenceOf('quinn'))
    absences.published('quinn', 0)
    for (const id of ['pia', 'quinn', 'rita']) absences.end(id)
    expect([absences.waiting.size, absences.quiet]).toEqual([0, 0])
  })

  test('of a client with a quiet period that is over takes its place', () => {
    const absences = given(1)
    absences.add(absenceOf('pia', 'first'))
    absences.published('pia', 0)
    expect(absences.has('pia', quietMs)).toBe(false)
    expect(absences.add(absenceOf('pia', 'second'))).toBeUndefined()
    expect([absences.waiting.get('pia')?.cursor, absences.quiet]).toEqual(['second', 0])
  })

  test('above the bound ends the oldest quiet period, and is dropped if all others wait', () => {
    const absences = given(3)
    for (const id of ['one', 'two', 'three']) absences.add(absenceOf(id))
    absences.published('two', 10)
    absences.published('one', 20)
    expect(absences.add(absenceOf('four'))).toBe('evicted')
    expect([...absences.quietClients(20)]).toEqual([['one', 0]])
    expect(absences.add(absenceOf('five'))).toBe('evicted')
    expect(absences.add(absenceOf('six'))).toBe('dropped')
    expect([...absences.waiting.keys()]).toEqual(['three', 'four', 'five'])
  })
})

describe('a notice that another replica published', () => {
  test('makes the client quiet for the rest of the time, and not after it', () => {
    const absences = given()
    absences.published('pia', 5_000, 400)
    absences.published('quinn', 5_000, quietMs)
    expect([absences.has('pia', 5_599), absences.has('pia', 5_600), absences.has('quinn', 5_000)]).toEqual([
      true,
      false,
      false,
    ])
    absences.add(absenceOf('rita'))
    absences.published('rita', 5_000, quietMs)
    expect([absences.waiting.size, absences.quiet]).toEqual([0, 1])
  })

  test('is not kept above the bound, unless the client waits here', () => {
    const absences = given(2)
    for (const id of ['one', 'two']) absences.add(absenceOf(id))
    absences.published('three', 0)
    expect(absences.quiet).toBe(0)
    absences.published('one', 0)
    expect([absences.waiting.size, absences.quiet]).toEqual([1, 1])
  })

  test('begins the quiet period again', () => {
    const absences = given()
    absences.published('pia', 0)
    absences.published('quinn', 100)
    absences.published('pia', 200)
    expect([...absences.quietClients(200)]).toEqual([
      ['quinn', 100],
      ['pia', 0],
    ])
  })
})

test('there are never more clients than the bound, and none both waits and is quiet', () => {
  const clientId = pick('a', 'b', 'c', 'd', 'e', 'f')
  const act = weighted<(absences: Absences, now: number) => void>(
    [4, clientId.map((id) => (absences, now) => void (absences.has(id, now) || absences.add(absenceOf(id))))],
    [3, clientId.map((id) => (absences, now) => absences.published(id, now))],
    [
      1,
      fc.tuple(clientId, fc.nat(1_200)).map(
        ([id, ago]) =>
          (absences, now) =>
            absences.published(id, now, ago),
      ),
    ],
    [1, clientId.map((id) => (absences) => absences.end(id))],
    [1, fc.constant((absences: Absences, now: number) => absences.expire(now))],
  )
  const acts = fc.array(fc.tuple(act, fc.nat(400)), { maxLength: 60, size: 'max' })
  const check = fc.property(acts, fc.integer({ min: 1, max: 5 }), (list, maxClients) => {
    const absences = given(maxClients)
    let now = 0
    for (const [one, ms] of list) {
      now += ms
      one(absences, now)
      const quiet = [...absences.quietClients(now)].map(([id]) => id)
      const all = [...absences.waiting.keys(), ...quiet]
      expect(all.length).toBeLessThanOrEqual(maxClients)
      expect(new Set(all).size).toBe(all.length)
    }
  })
  fc.assert(check, runs(60))
})
