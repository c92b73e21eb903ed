import { expect, test } from '@jest/globals'
import { nothingYet, sums, type Tally, withChange } from '../../src/console/demo/tally.ts'

const tallyOf = (numbers: readonly number[]): Tally => numbers.reduce(withChange, nothingYet)

test.each([
  ['all in order', [5, 6, 7], { received: 3, doubled: 0, lost: [] }],
  ['one again', [5, 6, 6, 7], { received: 3, doubled: 1, lost: [] }],
  ['some again from the beginning', [5, 6, 5, 6, 7], { received: 3, doubled: 2, lost: [] }],
  ['two missing', [5, 8], { received: 2, doubled: 0, lost: [6, 7] }],
  ['a missing one that comes late', [5, 8, 6], { received: 3, doubled: 0, lost: [7] }],
  ['a late one again', [5, 7, 6, 6], { received: 3, doubled: 1, lost: [] }],
])('the page counts %s', (_what, numbers, { received, doubled, lost }) => {
  const tally = tallyOf(numbers)
  expect({ received: tally.received, doubled: tally.doubled, lost: [...tally.lost] }).toEqual({
    received,
    doubled,
    lost,
  })
})

test('a lost change is not on the way, and what was published before the page is not counted', () => {
  expect(sums(nothingYet, 40)).toEqual({ published: 0, underWay: 0 })
  expect(sums(tallyOf([38, 40]), 45)).toEqual({ published: 8, underWay: 5 })
  // The figure of the shop is older than the last change.
  expect(sums(tallyOf([38, 39]), 38)).toEqual({ published: 2, underWay: 0 })
})
