import { expect, test } from '@jest/globals'
import { readPointer, splitPointer } from '../../../src/core/json/json-pointer.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'

test.each<[string, string[] | undefined]>([
  ['', []],
  ['/', ['']],
  ['/a/b', ['a', 'b']],
  ['/a//b', ['a', '', 'b']],
  ['/a~1b/~0c~01', ['a/b', '~c~1']],
  ['/~01', ['~1']],
  ['/~1~1/~0~0', ['//', '~~']],
  ['a', undefined],
  ['a/b', undefined],
  ['/a~', undefined],
  ['/a~2', undefined],
])('the pointer "%s" has the tokens %j', (pointer, tokens) => {
  expect(splitPointer(pointer)).toEqual(tokens)
})

const document = parseJson('{"a":[{"b":1},[2]],"n":1.10,"":{"":3},"null":null,"__proto__":{"x":4},"length":"own"}')

test.each<[string, unknown]>([
  ['/a/0/b', 1],
  ['/a/1/0', 2],
  ['//', 3],
  ['/null', null],
  ['/__proto__/x', 4],
  ['/length', 'own'],
  ['/missing', undefined],
  ['/a/2', undefined],
  ['/a/-', undefined],
  ['/a/00', undefined],
  ['/a/01', undefined],
  ['/a/0x', undefined],
  ['/a/x0', undefined],
  ['/a/length', undefined],
  ['/constructor', undefined],
  ['/a/0/b/c', undefined],
  ['/null/a', undefined],
  // The digits of a number are not its members.
  ['/n/token', undefined],
  ['/length/0', undefined],
])('the pointer %s reads %j', (pointer, value) => {
  expect(readPointer(document, splitPointer(pointer) ?? [])).toEqual(value)
})

test('the empty pointer reads the whole', () => {
  expect(readPointer(document, [])).toBe(document)
})
