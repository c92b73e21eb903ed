import { expect, test } from '@jest/globals'
import { FirstOffsets, hashOfId } from '../../../src/core/delivery/first-offsets.ts'
import { Choices } from '../../simulation/time/seeded.ts'

test('finds what a map finds, while it grows and with hashes that collide', () => {
  const choices = new Choices(5)
  const offsets = new FirstOffsets()
  const expected = new Map<string, number>()
  for (let offset = 0; offset < 20_000; offset += 1) {
    // Few different hashes, so that most slots are taken by another entry; signed and unsigned.
    const hash = (choices.between(0, 40) * 0x0fff_ffff) | 0
    const fingerprint = choices.between(0, 500) * 0x0080_0001
    const key = `${hash} ${fingerprint | 0}`
    expect(offsets.get(hash, fingerprint)).toBe(expected.get(key))
    if (expected.has(key)) continue
    offsets.add(hash, fingerprint, offset)
    expected.set(key, offset)
    expect(offsets.size).toBe(expected.size)
  }
  expect(expected.size).toBeGreaterThan(5_000)
  expect(expected.get([...expected.keys()][0] ?? '')).toBe(0)
})

test('ids that differ in one character have different hashes', () => {
  const ids = Array.from({ length: 10_000 }, (_, number) => `order-${number}`)
  expect(new Set(ids.map(hashOfId)).size).toBe(ids.length)
})
