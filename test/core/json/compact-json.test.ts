import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { compactJson } from '../../../src/core/json/compact-json.ts'
import { runs } from '../../support/property.ts'

test.each<[string, string | undefined]>([
  ['{ "a" : [ 1 , 2 ] }', '{"a":[1,2]}'],
  [' 1 ', '1'],
  ['\t\r\n[\n]\n', '[]'],
  ['{"a b" :" c  d "}', '{"a b":" c  d "}'],
  [String.raw`["\" , \\" , 1]`, String.raw`["\" , \\",1]`],
  ['["a\\', undefined],
  // Two values stay two values: nothing is joined.
  ['1 2', undefined],
  ['[1 2]', undefined],
  ['tr ue', undefined],
  ['"a" "b"', undefined],
  ['{"a":1}', undefined],
  ['', undefined],
  ['   ', ''],
])('%j is compact as %j', (text, compact) => {
  expect(compactJson(Buffer.from(text))?.toString()).toBe(compact)
})

test('what was indented is as before', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(1, 2, '\t', '\r\n \n'), (value, indent) => {
      const text = JSON.stringify(value)
      const indented = ` ${JSON.stringify(value, undefined, indent)}\n`
      expect(compactJson(Buffer.from(indented))?.toString()).toBe(text)
    }),
    runs(500),
  )
})
