import { expect, test } from '@jest/globals'
import { compare, pairedInterval, pairsNeeded } from '../../bench/interval.ts'
import { Choices } from '../simulation/time/seeded.ts'

test('six pairs differ only if all of them are on one side of 1', () => {
  expect(compare([1.2, 1.1, 1.3, 1.01, 1.15, 1.15])).toEqual({ ratio: 1.15, from: 1.01, to: 1.3, verdict: 'slower' })
  expect(compare([0.8, 0.9, 0.7, 0.99, 0.85, 0.75])).toMatchObject({ from: 0.7, to: 0.99, verdict: 'faster' })
  expect(compare([1.2, 1.1, 1.3, 0.99, 1.15, 1.25])).toMatchObject({ from: 0.99, to: 1.3, verdict: 'noise' })
  expect(compare([1, 1, 1, 1, 1, 1])).toMatchObject({ ratio: 1, verdict: 'noise' })
})

test('an interval of fewer pairs would not be one of 95 %', () => {
  expect(() => compare([1, 1, 1, 1, 1])).toThrow('5 pairs of runs: at least 6 are needed')
})

test('more pairs leave out extreme ratios, as few as the table of the sign test allows', () => {
  const spread = (pairs: number) => Array.from({ length: pairs }, (_, index) => index + 1)
  // The ranks of the interval of the median with at least 95 %, from tables of the sign test.
  const ranks = [
    [6, 1],
    [8, 1],
    [9, 2],
    [11, 2],
    [12, 3],
    [15, 4],
    [20, 6],
    [25, 8],
  ] as const
  for (const [pairs, rank] of ranks)
    expect({ pairs, ...compare(spread(pairs)) }).toMatchObject({ pairs, from: rank, to: pairs + 1 - rank })
})

test('two builds of one cost are called different in at most one of twenty comparisons', () => {
  const choices = new Choices(16)
  // Each ratio and its inverse are equally likely.
  const ratio = (): number => choices.between(1, 2) ** (choices.chance(0.5) ? 1 : -1)
  const verdicts = Array.from({ length: 2_000 }, () => compare(Array.from({ length: pairsNeeded }, ratio)).verdict)
  const different = verdicts.filter((verdict) => verdict !== 'noise').length
  expect(different / verdicts.length).toBeLessThan(0.05)
})

test('differences of pairs leave out as many middles as the table of the signed-rank test allows', () => {
  // The critical values of W for 5 % on both sides together: so many middles are outside.
  const criticalValues = [
    [6, 0],
    [7, 2],
    [8, 3],
    [9, 5],
    [10, 8],
    [15, 25],
    [20, 52],
    [25, 89],
    [30, 137],
    [40, 264],
  ] as const
  for (const [pairs, critical] of criticalValues) {
    const differences = Array.from({ length: pairs }, (_, index) => index ** 2)
    const middles = differences
      .flatMap((one, at) => differences.slice(at).map((other) => (one + other) / 2))
      .toSorted((a, b) => a - b)
    const { from, to } = pairedInterval(differences)
    expect({ pairs, from, to }).toEqual({ pairs, from: middles[critical], to: middles.at(-1 - critical) })
  }
})

test('an interval of pairs has the centre in nineteen of twenty runs, or more', () => {
  const choices = new Choices(17)
  const centre = 0.02
  const difference = (): number => centre + choices.between(0, 1) + choices.between(0, 1) - 1
  const runs = Array.from({ length: 1_000 }, () => pairedInterval(Array.from({ length: 16 }, difference)))
  const right = runs.filter(({ from, to }) => from <= centre && centre <= to).length
  expect(right / runs.length).toBeGreaterThan(0.935)
  expect(right / runs.length).toBeLessThan(1)
})
