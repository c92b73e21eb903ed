import { expect, test } from '@jest/globals'
import { heldRows } from '../../src/console/parts/lists/held-rows.ts'

interface Row {
  readonly id: string
  readonly value: number
}

const rowsOf = (ids: string, value: number): Row[] => ids.split('').map((id) => ({ id, value }))
const held = (before: readonly Row[], now: readonly Row[]) => {
  const { rows, gone } = heldRows(before, now, ({ id }) => id)
  return { rows: rows.map(({ id, value }) => `${id}${value}`).join(' '), gone: [...gone].join(' ') }
}

test('rows keep their place and show their new values', () => {
  expect(held(rowsOf('abc', 1), rowsOf('cab', 2))).toEqual({ rows: 'a2 b2 c2', gone: '' })
})

test('new rows come last, and rows that are gone keep their place', () => {
  const first = held(rowsOf('abc', 1), rowsOf('xcya', 2))
  expect(first).toEqual({ rows: 'a2 b1 c2 x2 y2', gone: 'b' })
  // The next answer, while the rows are still held.
  const shown = [...rowsOf('a', 2), ...rowsOf('b', 1), ...rowsOf('cxy', 2)]
  expect(held(shown, rowsOf('bxa', 3))).toEqual({ rows: 'a3 b3 c2 x3 y2', gone: 'c y' })
})

test('a list that has nothing in common with the one before is shown as it is', () => {
  expect(held(rowsOf('abc', 1), rowsOf('zyx', 2))).toEqual({ rows: 'z2 y2 x2', gone: '' })
  expect(held([], rowsOf('ba', 2))).toEqual({ rows: 'b2 a2', gone: '' })
  expect(held(rowsOf('ab', 1), [])).toEqual({ rows: '', gone: '' })
})
