import { describe, expect, test } from '@jest/globals'
import { printMistake } from '../../../src/events/sdl/mistakes.ts'
import { mistakesOfAccess } from './mistakes/mistakes-of-access.ts'
import { mistakesOfDirectives } from './mistakes/mistakes-of-directives.ts'
import { mistakesOfEvents } from './mistakes/mistakes-of-events.ts'
import { mistakesOfMappings } from './mistakes/mistakes-of-mappings.ts'
import { mistakesOfMessages } from './mistakes/mistakes-of-messages.ts'
import { mistakesOfTypes } from './mistakes/mistakes-of-types.ts'
import { printedMistakes, readSdl } from './reading.ts'

const cases = [
  ...mistakesOfDirectives,
  ...mistakesOfEvents,
  ...mistakesOfAccess,
  ...mistakesOfMappings,
  ...mistakesOfMessages,
  ...mistakesOfTypes,
]

describe('reports', () => {
  test.each(cases)('%s', (_what, sdl, printed) => {
    const reading = readSdl(sdl)
    const mistakes = 'mistakes' in reading ? reading.mistakes : []
    expect(mistakes.filter(({ severity }) => severity === 'error').map(printMistake)).toEqual(printed)
  })

  test('at least 60 distinct mistakes', () => {
    expect(new Set(cases.map(([what]) => what)).size).toBe(cases.length)
    const sentences = cases.flatMap(([, , printed]) => printed.map((line) => line.replace(/^[^ ]+ /, '')))
    expect(new Set(sentences).size).toBeGreaterThan(150)
    expect(cases.every(([, , printed]) => printed.length > 0)).toBe(true)
  })
})

test('reports the mistakes of all files at once, sorted by file, line and column', () => {
  expect(
    printedMistakes([
      'type Order { id: Sku, sku: ID! @from(body: "a") }\nenum Status { A @value }',
      'type Query { a: ID }\n\ntype Order { id: ID! }',
    ]),
  ).toEqual([
    expect.stringMatching(/^1\.graphql:1:18: unknown type "Sku"/),
    expect.stringMatching(/^1\.graphql:1:44: expected a JSON pointer/),
    expect.stringMatching(/^1\.graphql:2:17: expected is: or unknown: true/),
    expect.stringMatching(/^2\.graphql:1:14: Query\.a has no source/),
    '2.graphql:3:6: the type "Order" is defined twice, first in 1.graphql:1: write "extend" to add to it',
  ])
})

test('reports broken files alone, because what they define is missing elsewhere', () => {
  expect(
    printedMistakes(['type Order {', 'type Query { a: Order }', 'type Sku [']).map((line) => line.slice(0, 15)),
  ).toEqual(['1.graphql:1:13:', '3.graphql:1:10:'])
})

test('reports a name of Warren only if its schema is served', () => {
  const sdl = 'type Subscription { channel: Gateway @events(exchange: "a") }\ntype Gateway { id: ID! }'
  expect(printedMistakes(sdl)).toHaveLength(2)
  expect(printedMistakes(sdl, { core: false })).toEqual([])
})
