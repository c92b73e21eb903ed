import { describe, expect, test } from '@jest/globals'
import { peakOf } from './pace.ts'

const windowMs = 10_000
const sliceMs = 2_000
const evenly = (count: number, overMs: number) =>
  Array.from({ length: count }, (_, number) => (number * overMs) / count)

describe('the peak of a pace', () => {
  test('is 1 for an even spread over the window', () => {
    expect(peakOf(evenly(100, windowMs), { windowMs, sliceMs })).toBeCloseTo(1)
  })

  test('is 2 for what ends after half of the window, and window/slice for what happens at once', () => {
    expect(peakOf(evenly(100, windowMs / 2), { windowMs, sliceMs })).toBeCloseTo(2)
    expect(peakOf(evenly(100, 10), { windowMs, sliceMs })).toBeCloseTo(5)
  })

  test('is found in the middle, and across the border of two adjacent slices', () => {
    const burst = Array.from({ length: 20 }, (_, number) => 3_990 + number)
    const all = [...evenly(80, windowMs), ...burst].sort((a, b) => a - b)
    expect(peakOf(all, { windowMs, sliceMs })).toBeCloseTo(1.8)
  })
})
