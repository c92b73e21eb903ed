import { expect, test } from '@jest/globals'
import { FirstOffsets, IdHash } from '../../../src/core/delivery/first-offsets.ts'
import { Choices } from '../../simulation/time/seeded.ts'

test('finds what a map finds, while it grows and with hashes that collide', () => {
  const choices = new Choices(5)
  const offsets = new FirstOffsets()
  const expected = new Map<string, number>()
  const id = new IdHash()
  // One `expect` at the end: two for each offset take ten times as long as the search.
  const wrong: unknown[] = []
  for (let offset = 0; offset < 6_000 && wrong.length < 10; offset += 1) {
    // Few different hashes, so that many slots are taken by another entry; signed and unsigned. All
    // three numbers matter, and each may be the only one that differs.
    id.low = Math.imul(choices.whole(0, 20), 0x0fff_fff1)
    id.high = choices.whole(0, 2)
    const fingerprint = Math.imul(choices.whole(0, 100), 0x9e37_79b1) >>> 0
    const key = `${id.low} ${id.high} ${fingerprint | 0}`
    const found = offsets.get(id, fingerprint)
    if (found !== expected.get(key)) wrong.push({ offset, key, found, expected: expected.get(key) })
    if (expected.has(key)) continue
    offsets.add(id, fingerprint, offset)
    expected.set(key, offset)
    if (offsets.size !== expected.size) wrong.push({ offset, size: offsets.size, expected: expected.size })
  }
  expect(wrong).toEqual([])
  // Many were found, and many were not.
  expect(expected.size).toBeGreaterThan(3_000)
  expect(expected.size).toBeLessThan(5_000)
  expect(expected.get([...expected.keys()][0] ?? '')).toBe(0)
})

test('keeps an entry with three zeros when it grows', () => {
  const offsets = new FirstOffsets()
  const id = new IdHash()
  offsets.add(id, 0, 0)
  for (id.low = 1; id.low <= 2_000; id.low += 1) offsets.add(id, 0, id.low)
  id.low = 0
  expect([offsets.get(id, 0), offsets.size]).toEqual([0, 2_001])
})

test('the hash of an id begins with a secret number, so that no publisher can choose ids with one hash', () => {
  const { low, high } = new IdHash().set('')
  // Without a secret both are 0; with one, each is 0 once in four billion starts.
  expect([low === 0, high === 0]).toEqual([false, false])
})

test('each half of the hash of an id is spread almost as if it were drawn', () => {
  const count = 100_000
  for (const nameOf of [
    (n: number) => `order-${n}`,
    (n: number) => `${n}`.padStart(16, '0'),
    (n: number) => 'é'.repeat(n % 70) + n,
  ]) {
    const id = new IdHash()
    const halves = [new Uint32Array(count), new Uint32Array(count)] as const
    const both = new BigUint64Array(count)
    for (let n = 0; n < count; n += 1) {
      id.set(nameOf(n))
      halves[0][n] = id.low
      halves[1][n] = id.high
      both[n] = (BigInt(id.low >>> 0) << 32n) | BigInt(id.high >>> 0)
    }
    // Of 100,000 draws of 32 bits, 1.2 pairs are equal on average. FNV-1a has more with few
    // secrets: 32 were seen. Both halves together name an id.
    for (const half of halves) expect(different(half)).toBeGreaterThan(count - 200)
    expect(different(both)).toBe(count)
  }
})

/** How many different numbers there are. Sorting them takes a tenth of the time of a set. */
function different(numbers: Uint32Array | BigUint64Array): number {
  const sorted = numbers.toSorted()
  return sorted.filter((number, index) => index === 0 || number !== sorted[index - 1]).length
}
