import { expect, test } from '@jest/globals'
import { BoundedMap } from '../../../src/core/limits/bounded-map.ts'

test('a bounded map forgets what was set longest ago', () => {
  const map = new BoundedMap<string, number | undefined>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', undefined)
  expect(['a', 'b', 'c'].map((key) => [map.has(key), map.get(key)])).toEqual([
    [true, 3],
    [false, undefined],
    [true, undefined],
  ])
  map.delete('a')
  map.set('d', 4)
  expect(['a', 'c', 'd'].map((key) => map.has(key))).toEqual([false, true, true])
})
