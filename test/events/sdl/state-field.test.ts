import { describe, expect, test } from '@jest/globals'
import type { KeyedState } from '../../../src/events/model/event-schema.ts'
import { printedMistakes, schemaOf } from './reading.ts'

const order = 'type Order { id: ID amount: Int at: DateTime @from(header: "at") }'

/** `@state` as read from a field with these arguments, and these types beside it. */
function stateOf(args: string, { type = 'Order', types = order, key = 'orders.{region}.{rest#}' } = {}) {
  const sdl = `type Subscription { order(region: ID, rest: String): ${type} @events(exchange: "o", routingKey: "${key}") @state(${args}) }\n${types}`
  return schemaOf(sdl).schema.events.get('order')?.state as KeyedState
}

function mistakesOf(args: string, type = 'Order', types = order): string[] {
  return printedMistakes(
    `type Subscription { order: ${type} @events(exchange: "o", gap: ${type.endsWith('!') ? 'NEXT' : 'AUTO'}) @state(${args}) }\n${types}`,
  )
}

describe('the key of @state', () => {
  test.each<[key: string, place: KeyedState['key']]>([
    ['/id', { kind: 'body', pointer: ['id'] }],
    ['/a~1b/~0c', { kind: 'body', pointer: ['a/b', '~c'] }],
    ['/header:x', { kind: 'body', pointer: ['header:x'] }],
    ['header:x-key', { kind: 'header', name: 'x-key' }],
    ['header:word:region', { kind: 'header', name: 'word:region' }],
    ['word:region', { kind: 'word', name: 'region' }],
    ['word:rest', { kind: 'word', name: 'rest' }],
    ['envelope:/meta/id', { kind: 'envelope', pointer: ['meta', 'id'] }],
  ])('%s', (key, place) => {
    expect(stateOf(`key: "${key}"`)).toEqual({ key: place, deleteOn: [], keepMs: undefined, removal: { kind: 'null' } })
  })

  test.each(['', 'id', 'header:', 'headers:x', 'my header:x', 'envelope:id', 'property:TYPE', '/a~2'])(
    'is not %j',
    (key) => {
      expect(mistakesOf(`key: "${key}"`)).toEqual([
        expect.stringContaining(`for key of @state, got ${JSON.stringify(key)}`),
      ])
    },
  )
})

describe('keep of @state', () => {
  test.each<[keep: string, ms: number | undefined]>([
    ['"1s"', 1_000],
    ['"90s"', 90_000],
    ['"5m"', 300_000],
    ['"12h"', 43_200_000],
    ['"30d"', 2_592_000_000],
    ['"3650d"', 315_360_000_000],
    ['"999999s"', 999_999_000],
    ['null', undefined],
  ])('%s', (keep, ms) => {
    expect(stateOf(`key: "/id", keep: ${keep}`).keepMs).toBe(ms)
  })

  test.each(['', '30', 's', '0s', '500ms', '1.5h', '-1d', '3651d', '1000000s', ' 1s', '1s ', '1sd', '1w', 'P1D'])(
    'is not %j',
    (keep) => {
      expect(mistakesOf(`key: "/id", keep: "${keep}"`)).toEqual([
        expect.stringContaining(
          `expected a time from 1s to 3650d, such as "12h" or "30d", for keep of @state, got ${JSON.stringify(keep)}`,
        ),
      ])
    },
  )
})

describe('a removed key is shown by', () => {
  const removed = 'type Order { id: ID! amount: Int removed: Boolean! @from(property: REMOVED) }'
  const members = 'type Order { id: ID } union Any = Order | Gone type Gone @eventType(name: "gone") { id: ID }'

  test.each<[what: string, args: string, type: string, types: string, removal: KeyedState['removal']]>([
    ['null', 'key: "/id", deleteOn: ["gone"]', 'Order', order, { kind: 'null' }],
    ['its field', 'key: "/id", deleteOn: ["gone"]', 'Order!', removed, { kind: 'field', field: 'removed' }],
    ['its field, though null could', 'key: "/id"', 'Order', removed, { kind: 'field', field: 'removed' }],
    ['a member of a union', 'key: "/id", deleteOn: ["gone"]', 'Any!', members, { kind: 'member' }],
    ['null for a union without deleteOn', 'key: "/id"', 'Any', members, { kind: 'null' }],
    ['nothing, if nothing is removed', 'key: "/id"', 'Order!', order, { kind: 'none' }],
    [
      'a member that stands for all other types',
      'key: "/id", deleteOn: ["gone", "lost"]',
      'Any!',
      'type Order @eventType(name: "made") { id: ID } union Any = Order | Gone type Gone @eventType(name: "*") { id: ID }',
      { kind: 'member' },
    ],
  ])('%s', (_what, args, type, types, removal) => {
    const withNames = types.replace('type Order {', 'type Order @eventType(name: "made") {')
    expect(stateOf(args, { type, types: type.startsWith('Any') ? withNames : types }).removal).toEqual(removal)
  })

  test('and fields of the payload that it may lack are nullable, except the key', () => {
    const sdl =
      'type Order { id: ID! no: ID! @from(envelope: "/no") a: Int! b: Int! @from(header: "b") removed: Boolean! @from(property: REMOVED) }'
    expect(mistakesOf('key: "/id", deleteOn: ["gone"]', 'Order!', sdl)).toEqual([
      expect.stringContaining(
        'Order.no must be nullable: where Subscription.order removes a key, Order.removed is true',
      ),
      expect.stringContaining('Order.a must be nullable'),
    ])
  })

  test('nothing that clients could see is a mistake', () => {
    expect(mistakesOf('key: "/id", deleteOn: ["gone"]', 'Order!')).toEqual([
      expect.stringContaining('Subscription.order cannot tell clients that a key is removed: make the field nullable'),
    ])
    const types =
      'type Order @eventType(name: "made") { id: ID } union Any = Order | Other type Other @eventType(name: "other") { id: ID }'
    expect(mistakesOf('key: "/id", deleteOn: ["other", "gone", "lost"]', 'Any!', types)).toEqual([
      expect.stringContaining('no member of Any stands for the event type "gone" and "lost"'),
    ])
  })
})
