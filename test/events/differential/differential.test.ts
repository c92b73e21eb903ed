import { expect, test } from '@jest/globals'
import { repetitions } from '../../support/repetitions.ts'
import { differential } from './differential.ts'

const wanted = repetitions(400, 1_000)

/** 100,000 cases: `npm run differential`. */
test.each([1, 2])('compiled validation and projection equal the references (seed %i)', (seed) => {
  const { cases, ...counts } = differential(seed, wanted)
  expect(cases).toBe(wanted)
  // Every outcome occurs often enough to be compared.
  const { valid, invalid, filtered, nulled, printed } = counts
  expect(Math.min(valid, invalid, filtered, nulled, printed)).toBeGreaterThan(wanted / 20)
})
