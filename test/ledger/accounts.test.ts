import { describe, expect, test } from '@jest/globals'
import { type LedgerEvent, settle } from './accounts.ts'

const clean = { lost: [], doubled: [], misordered: [], invented: [] }

/** Numbers are events, strings the reasons of gaps. */
function balanceOf(confirmed: readonly number[], story: readonly (number | string)[], attempted = 9) {
  const events = story.map(
    (one): LedgerEvent => (typeof one === 'number' ? { kind: 'event', number: one } : { kind: 'gap', reason: one }),
  )
  return settle({ client: 'alice', confirmed, events }, attempted)
}

describe('the accounts of the ledger', () => {
  test('balance if each confirmed number arrived once and in order', () => {
    expect(balanceOf([1, 2, 3], [1, 2, 3])).toEqual({ ...clean, inGaps: 0, received: 3 })
  })

  test('name a lost number, in the middle, at the beginning, at the end', () => {
    expect(balanceOf([1, 2, 3], [1, 3]).lost).toEqual([2])
    expect(balanceOf([1, 2, 3], [2, 3]).lost).toEqual([1])
    expect(balanceOf([1, 2, 3], [1, 2]).lost).toEqual([3])
    expect(balanceOf([1, 2, 3], []).lost).toEqual([1, 2, 3])
  })

  test('name a number received twice, at once or much later', () => {
    expect(balanceOf([1, 2, 3], [1, 2, 2, 3])).toMatchObject({ ...clean, doubled: [2] })
    expect(balanceOf([1, 2, 3], [1, 2, 3, 1])).toMatchObject({ ...clean, doubled: [1] })
    expect(balanceOf([1, 2, 3], [1, 'RETENTION', 1, 3])).toMatchObject({ ...clean, doubled: [1] })
  })

  test('name a number received after a later one, and do not count it as lost', () => {
    expect(balanceOf([1, 2, 3], [1, 3, 2])).toMatchObject({ ...clean, misordered: [2] })
  })

  test('name a number that was never published', () => {
    expect(balanceOf([1, 2], [1, 2, 10])).toMatchObject({ ...clean, invented: [10] })
  })

  test('explain missing numbers by a gap at its position, and by nothing else', () => {
    expect(balanceOf([1, 2, 3, 4], [1, 'RETENTION', 4])).toEqual({ ...clean, inGaps: 2, received: 2 })
    expect(balanceOf([1, 2, 3], [1, 2, 'JOURNAL_REPLACED'])).toEqual({ ...clean, inGaps: 1, received: 2 })
    expect(balanceOf([1, 2, 3, 4, 5], [1, 'RETENTION', 3, 5])).toMatchObject({ lost: [4], inGaps: 1 })
    expect(balanceOf([1, 2, 3, 4, 5], [1, 3, 'RETENTION', 5])).toMatchObject({ lost: [2], inGaps: 1 })
  })

  test('allow an unconfirmed number to arrive or not', () => {
    expect(balanceOf([1, 3], [1, 2, 3])).toMatchObject(clean)
    expect(balanceOf([1, 3], [1, 3])).toMatchObject(clean)
  })
})
