import { expect, test } from '@jest/globals'
import { differential } from './differential.ts'

/** 100,000 cases: `npm run differential`. */
test.each([1, 2])('compiled validation and projection equal the references (seed %i)', (seed) => {
  const { cases, ...counts } = differential(seed, 1_000)
  expect(cases).toBe(1_000)
  // Every outcome occurs often enough to be compared.
  const { valid, invalid, filtered, nulled, printed } = counts
  expect(Math.min(valid, invalid, filtered, nulled, printed)).toBeGreaterThan(50)
})
