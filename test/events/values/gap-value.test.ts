import { expect, test } from '@jest/globals'
import { type GapForm, ownArguments } from '../../../src/events/model/event-schema.ts'
import { gapValue } from '../../../src/events/model/gap-notice.ts'
import { TypedObject } from '../../../src/events/model/typed-value.ts'
import { builtSchema, eventFieldOf } from '../schema-builder.ts'

const gap = { reason: 'RETENTION', oldest: null, cursor: 'c2' }
const notice = new TypedObject('EventGap', gap)

test.each<[GapForm, unknown]>([
  [{ kind: 'member' }, notice],
  [{ kind: 'field', field: 'gap' }, new TypedObject('Envelope', { order: null, cursor: 'c2', gap: notice, at: null })],
  [{ kind: 'null' }, null],
  [{ kind: 'error' }, undefined],
  [{ kind: 'next' }, undefined],
])('a gap of the form %p', (gapForm, expected) => {
  const sdl = `type Subscription { event: Envelope! }
    type Envelope { order: Order cursor: Cursor! gap: EventGap at: DateTime } type Order { id: ID! }`
  const schema = builtSchema(sdl, {
    from: {
      'Envelope.order': { body: '' },
      'Envelope.cursor': { property: 'CURSOR' },
      'Envelope.gap': { property: 'GAP' },
      'Envelope.at': { property: 'RECEIVED_AT' },
    },
    events: { event: { gapForm } },
  })
  expect(gapValue(schema, eventFieldOf(schema, 'event'), gap)).toEqual(expected)
})

test('a gap of a field has only what is not from the message', () => {
  const sdl = 'type Subscription { event: Envelope! } type Envelope { gap: EventGap cursor: ID order: ID }'
  const schema = builtSchema(sdl, { from: { 'Envelope.order': { word: 'order' } } })
  const field = { ...eventFieldOf(schema, 'event'), gapForm: { kind: 'field', field: 'gap' } as const }
  const nothing = new TypedObject('Envelope', { gap: notice, cursor: null, order: null })
  expect(gapValue(schema, field, gap)).toEqual(nothing)
  // Types and fields without a place are read by their names.
  expect(gapValue({ ...schema, objects: new Map() }, field, gap)).toEqual(nothing)
  expect(gapValue({ ...schema, objects: new Map([['Envelope', new Map()]]) }, field, gap)).toEqual(nothing)
  expect(gapValue(schema, { ...field, name: 'other' }, gap)).toBeUndefined()
})

test('a field that is no object has no gap of its own', () => {
  const schema = builtSchema('type Subscription { event: ID }')
  const field = { ...eventFieldOf(schema, 'event'), gapForm: { kind: 'field', field: 'gap' } as const }
  expect(gapValue(schema, field, gap)).toBeUndefined()
})

test('arguments that decide how events are delivered are all that are built in but the filter', () => {
  const builtIn = {
    after: 'after',
    last: 'since',
    position: undefined,
    autoAck: 'autoAck',
    every: 'every',
    overflow: 'overflow',
    checkpoints: 'checkpoints',
    filter: 'filter',
  }
  expect([...ownArguments(builtIn)].filter((name) => name !== undefined).toSorted()).toEqual([
    'after',
    'autoAck',
    'checkpoints',
    'every',
    'overflow',
    'since',
  ])
})
