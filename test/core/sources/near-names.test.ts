import { describe, expect, test } from '@jest/globals'
import { guessedNames, nearNames } from '../../../src/core/sources/near-names.ts'

describe('near names', () => {
  test.each<[string, string, string, boolean]>([
    ['a letter more', 'orders', 'orderss', true],
    ['a letter less', 'orders', 'order', true],
    ['another letter', 'orders', 'ordars', true],
    ['neighbours swapped', 'orders', 'odrers', true],
    ['the first two swapped', 'orders', 'roders', true],
    ['the last two swapped', 'orders', 'ordesr', true],
    ['two edits of six letters', 'orders', 'ardars', true],
    ['two swaps', 'orders', 'rodesr', true],
    ['an edit at each end', 'orders', 'xordersx', true],
    ['three edits', 'orders', 'ardarx', false],
    ['three letters more', 'orders', 'ordersxyz', false],
    ['a swap over a letter: two edits', 'abcd', 'cbad', false],
    ['one edit of four letters', 'abcd', 'abcx', true],
    ['two edits of four letters', 'abcd', 'abxy', false],
    ['two edits of five letters', 'abcde', 'abcxy', true],
    ['the name itself', 'orders', 'orders', false],
    ['all letters replaced', 'orders', 'xxxxxx', false],
  ])('%s: %s and %s', (_what, name, candidate, isNear) => {
    expect(nearNames(name, [candidate])).toEqual(isNear ? [candidate] : [])
    expect(nearNames(candidate, [name])).toEqual(isNear ? [name] : [])
  })

  test('come nearest first, each once', () => {
    expect(nearNames('orders', ['ardars', 'order', 'billing', 'orders', 'order', 'odrers'])).toEqual([
      'order',
      'odrers',
      'ardars',
    ])
  })
})

test('guesses the typing errors that lead to a name, at most 60', () => {
  const guesses = [
    'Ba.c a.Bc aBc.',
    'B.c a.c aBc aB.',
    'aB.cs aB.c.events ab.c AB.C',
    'aB-c aB_c',
    'aaB.c aBB.c aB..c aB.cc',
  ]
  expect(guessedNames('aB.c')).toEqual(guesses.join(' ').split(' '))
  expect(guessedNames('a')).toEqual(['as', 'a.events', 'A', 'aa'])
  expect(guessedNames('x'.repeat(9) + 'abcdefghijklmnopqrstuvwxyz'.repeat(2))).toHaveLength(60)
})
