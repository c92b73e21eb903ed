import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { buildSchema } from 'graphql'
import { printServedSchema } from '../../../src/events/sdl/type-system/served-schema.ts'
import { repetitions } from '../../support/repetitions.ts'
import { readSdl } from './reading.ts'

const specification = readFileSync(new URL('specification.sdl.txt', import.meta.url), 'utf8')
const names =
  '__proto__ constructor toString hasOwnProperty __typename Query Subscription EventGap ClientChannel Order OrderStatus ID Cursor PlaceOrder'
const keywords =
  'type extend union input interface enum scalar directive schema implements on repeatable @events @match @owner @from @key @value'
const symbols =
  '{ } ( ) [ ] : ! = | & " """ # null 7 1e400 true $a \0 \u{fffe} exchange: body: fields: in: "/a~2" "{id}" "{" "a.{b#}"'
const words = `${names} ${keywords} ${symbols}`.split(' ')

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Changes some tokens: leaves them out, repeats them, or puts others in their place. */
function mutated(text: string, random: () => number): string {
  const tokens = text.match(/"(?:[^"\\\n]|\\.)*"|\s+|@?\w+|./g) ?? []
  const changes = 1 + Math.floor(random() * 4)
  for (let change = 0; change < changes; change += 1) {
    const at = Math.floor(random() * tokens.length)
    const other =
      random() < 0.6 ? words[Math.floor(random() * words.length)] : tokens[Math.floor(random() * tokens.length)]
    const kind = random()
    if (kind < 0.3) tokens.splice(at, 1)
    else if (kind < 0.5) tokens.splice(at, 0, ` ${other} `)
    else if (kind < 0.6) tokens.splice(at, 0, ...tokens.slice(at, at + 1 + Math.floor(random() * 20)))
    else tokens[at] = other ?? ''
  }
  return tokens.join('')
}

const rounds = repetitions(75, 300)

test(`returns mistakes or a schema for ${rounds} files that are changed at random`, () => {
  const random = seeded(17)
  const counts = { mistakes: 0, schemas: 0 }
  for (let round = 0; round < rounds; round += 1) {
    const text = mutated(specification, random)
    const files = random() < 0.8 ? [text] : [text, mutated(text, random)]
    let reading: ReturnType<typeof readSdl>
    try {
      reading = readSdl(files, { core: random() < 0.5 })
    } catch (error) {
      throw new Error(`threw ${String(error)} for\n${files.join('\n---\n')}`, { cause: error })
    }
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
  }
  expect(counts.mistakes).toBeGreaterThan(rounds / 3)
  expect(counts.schemas).toBeGreaterThan(rounds / 60)
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
