import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { buildSchema } from 'graphql'
import { printServedSchema } from '../../../src/events/sdl/type-system/served-schema.ts'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'
import { readSdl } from './reading.ts'

const specification = readFileSync(new URL('specification.sdl.txt', import.meta.url), 'utf8')
const names =
  '__proto__ constructor toString hasOwnProperty __typename Query Subscription EventGap ClientChannel Order OrderStatus ID Cursor PlaceOrder'
const keywords =
  'type extend union input interface enum scalar directive schema implements on repeatable @events @match @owner @from @key @value'
const symbols =
  '{ } ( ) [ ] : ! = | & " """ # null 7 1e400 true $a \0 \u{fffe} exchange: body: fields: in: "/a~2" "{id}" "{" "a.{b#}"'
const words = `${names} ${keywords} ${symbols}`.split(' ')

const tokensOf = (text: string): string[] => text.match(/"(?:[^"\\\n]|\\.)*"|\s+|@?\w+|./g) ?? []
const specified = tokensOf(specification)

/** `rename` puts a name in the place of a name, so that many of the files can be parsed. */
type Change =
  | { readonly kind: 'omit'; readonly at: number }
  | { readonly kind: 'insert' | 'replace' | 'rename'; readonly at: number; readonly token: string }
  | { readonly kind: 'repeat'; readonly at: number; readonly count: number }

// Further than the tokens of the file, because changes make it longer.
const at = fc.nat(specified.length + 20)
const token = weighted([3, fc.constantFrom(...words)], [2, fc.constantFrom(...specified)])
const isName = (text: string | undefined) => /^@?\w+$/.test(text ?? '')
const name = fc.constantFrom(...[...words, ...specified].filter(isName))
const change: fc.Arbitrary<Change> = weighted<Change>(
  [3, fc.record({ kind: fc.constant('omit'), at })],
  [3, fc.record({ kind: pick<'insert' | 'replace'>('insert', 'replace'), at, token })],
  [3, fc.record({ kind: fc.constant('rename'), at, token: name })],
  [3, fc.record({ kind: fc.constant('insert'), at, token: pick(',', '\n', '#\n', '\u{feff}') })],
  [1, fc.record({ kind: fc.constant('repeat'), at, count: fc.integer({ min: 1, max: 20 }) })],
)
const changes = fc.array(change, { minLength: 1, maxLength: 4 })
const inputs = fc.record({
  first: changes,
  second: fc.option(changes, { freq: 4, nil: undefined }),
  core: fc.boolean(),
})

function changed(text: string, list: readonly Change[]): string {
  const tokens = tokensOf(text)
  for (const one of list) {
    switch (one.kind) {
      case 'omit':
        tokens.splice(one.at, 1)
        break
      case 'insert':
        tokens.splice(one.at, 0, ` ${one.token} `)
        break
      case 'replace':
        tokens[Math.min(one.at, tokens.length - 1)] = one.token
        break
      case 'rename':
        tokens[tokens.findIndex((text, index) => index >= one.at && isName(text))] = one.token
        break
      case 'repeat':
        tokens.splice(one.at, 0, ...tokens.slice(one.at, one.at + one.count))
    }
  }
  return tokens.join('')
}

test('returns mistakes or a schema for files that are changed at random', () => {
  const counts = { mistakes: 0, schemas: 0 }
  const check = fc.property(inputs, ({ first, second, core }) => {
    const text = changed(specification, first)
    const reading = readSdl(second ? [text, changed(text, second)] : [text], { core })
    if ('mistakes' in reading) {
      counts.mistakes += 1
      expect(reading.mistakes.length).toBeGreaterThan(0)
      for (const { location, message } of reading.mistakes) {
        expect(location).toEqual({
          file: expect.stringMatching(/^\d\.graphql$/),
          line: expect.any(Number),
          column: expect.any(Number),
        })
        expect(message).not.toMatch(/undefined|\[object|_Unresolved_/)
      }
    } else {
      counts.schemas += 1
      buildSchema(printServedSchema(reading.schema))
    }
  })
  const parameters = runs(75)
  fc.assert(check, parameters)
  if (!isWholeRun) return
  expect(counts.mistakes).toBeGreaterThan(parameters.numRuns / 3)
  expect(counts.schemas).toBeGreaterThan(parameters.numRuns / 60)
})

const chain = (length: number, line: (index: number) => string) =>
  Array.from({ length }, (_, index) => line(index)).join('\n')

test.each<[what: string, files: readonly string[]]>([
  ['no files', []],
  ['an empty file', ['']],
  ['a file of comments', ['# a\n# b']],
  ['a byte order mark', ['\u{feff}type Order { id: ID }']],
  [
    'names of the prototype',
    [
      'type constructor { toString: ID valueOf: hasOwnProperty } enum hasOwnProperty { constructor } input toString { valueOf: Int = 1 }',
    ],
  ],
  [
    'reserved names everywhere',
    [
      'type A { __proto__(__proto__: __proto__): __proto__ } input B { __proto__: ID } enum C { __proto__ } directive @__proto__(__proto__: ID) on OBJECT',
    ],
  ],
  ['nested brackets', [`type A { a(b: ID = ${'['.repeat(9_000)}): ID }`]],
  ['nested selections of a key', [`type A @key(fields: "${'a { '.repeat(900)}a${' }'.repeat(900)}") { a: A }`]],
  [
    'a long chain of input types',
    [`${chain(2_000, (index) => `input A${index} { a: A${index + 1}! }`)}\ninput A2000 { a: ID }`],
  ],
  [
    'a long chain of default values',
    [`${chain(2_000, (index) => `input A${index} { a: A${index + 1} = {} }`)}\ninput A2000 { a: ID }`],
  ],
  [
    'a long chain of types',
    [
      `type Subscription { a: A0 @events(exchange: "a") }\n${chain(1_500, (index) => `type A${index} { a: A${index + 1} }`)}\ntype A1500 { a: ID @filterable }`,
    ],
  ],
  [
    'a chain of interfaces',
    [chain(60, (index) => `interface A${index}${index > 0 ? ` implements A${index - 1}` : ''} { a: ID }`)],
  ],
  ['types that are in several files', ['type A { a: ID }', 'type A { a: ID }', 'input A { a: ID }']],
  ['extensions only', ['extend type A { a: ID }', 'extend schema { query: A }', 'extend scalar ID @tag(name: "a")']],
])('returns mistakes or a schema for %s', (_what, files) => {
  const reading = readSdl(files)
  if (!('mistakes' in reading)) expect(() => buildSchema(printServedSchema(reading.schema))).not.toThrow()
})
