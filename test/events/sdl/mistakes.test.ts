import { describe, expect, test } from '@jest/globals'
import { printMistake } from '../../../src/events/sdl/mistakes.ts'
import { mistakesOfAccess } from './mistakes/mistakes-of-access.ts'
import { mistakesOfDirectives } from './mistakes/mistakes-of-directives.ts'
import { mistakesOfEvents } from './mistakes/mistakes-of-events.ts'
import { mistakesOfMappings } from './mistakes/mistakes-of-mappings.ts'
import { mistakesOfMessages } from './mistakes/mistakes-of-messages.ts'
import { mistakesOfTypes } from './mistakes/mistakes-of-types.ts'
import { mistakesOfValues } from './mistakes/mistakes-of-values.ts'
import { printedMistakes, readSdl } from './reading.ts'

const cases = [
  ...mistakesOfDirectives,
  ...mistakesOfEvents,
  ...mistakesOfAccess,
  ...mistakesOfMappings,
  ...mistakesOfMessages,
  ...mistakesOfTypes,
  ...mistakesOfValues,
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

test('reports what stands beside a directive with a mistake, and nothing that follows from it', () => {
  expect(
    printedMistakes(`type Subscription {
  order(id: ID @match(body: "x"), region: ID @match(word: "region"), at: DateTime): Order
    @events(exchange: "a", routingKey: "o.{region}", foo: 1) @events(exchange: "b", routingKey: "o") @allow(scopes: ["a b"])
  gap: Envelope @events(exchange: "c", routingKey: "{x") @only(in: [])
}
type Mutation { place(a: ID @match(body: "/a")): Published! @publish(foo: 1) @allow(scopes: ["{b}"]) }
type Order { id: ID! region: ID @from(word: "region") }
type Envelope { gap: EventGap @from(property: GAP), order: Order @from(body: "") }`).map((line) => line.slice(0, 55)),
  ).toEqual([
    'e.graphql:2:29: expected a JSON pointer (RFC 6901) such',
    'e.graphql:2:74: Subscription.order(at:) has the type Da',
    'e.graphql:3:54: unknown argument "foo" of @events: allo',
    'e.graphql:3:117: expected scopes without white space, s',
    'e.graphql:4:52: expected a capture such as {region} or ',
    'e.graphql:4:58: expected one of body, envelope, header,',
    'e.graphql:4:68: expected at least one text in @only(in:',
    'e.graphql:6:29: @match is for arguments of subscription',
    'e.graphql:6:61: @publish lacks the argument "exchange",',
    'e.graphql:6:70: unknown argument "foo" of @publish: all',
    'e.graphql:6:93: {b} in the scope "{b}" names no argumen',
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
