import { expect, test } from '@jest/globals'
import {
  listOf,
  numberOf,
  numberOrNull,
  objectOf,
  textOf,
  textOrNull,
  textsOf,
} from '../../../src/core/cluster/wire-values.ts'

/** One value of each type of JSON, and none. */
const others = [undefined, null, true, 7, 'text', ['item'], { member: 1 }]

test('a value of the expected type is read as it is', () => {
  expect(objectOf({ member: 1 })).toEqual({ member: 1 })
  expect(listOf(['a', 7], 2)).toEqual(['a', 7])
  expect([textOf('text', 'fallback'), textOf(''), textOrNull('')]).toEqual(['text', '', ''])
  expect([numberOf(7.5), numberOrNull(0)]).toEqual([7.5, 0])
})

test('a value of another type becomes the fallback', () => {
  for (const value of others) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) expect(objectOf(value)).toEqual({})
    if (!Array.isArray(value)) expect([listOf(value, 9), textsOf(value, 9)]).toEqual([[], []])
    if (typeof value !== 'string')
      expect([textOf(value), textOf(value, 'none'), textOrNull(value)]).toEqual(['', 'none', null])
    if (typeof value !== 'number') expect([numberOf(value), numberOrNull(value)]).toEqual([0, null])
  }
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, '7'])('%p is no number', (value) => {
  expect([numberOf(value), numberOrNull(value)]).toEqual([0, null])
})

test('a list is bounded, and a list of texts keeps only texts', () => {
  expect(listOf([1, 2, 3], 2)).toEqual([1, 2])
  expect(textsOf(['a', 7, null, 'b', 'c'], 4)).toEqual(['a', 'b'])
})
