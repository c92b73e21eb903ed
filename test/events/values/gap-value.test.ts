import { expect, test } from '@jest/globals'
import type { GapForm } from '../../../src/events/model/event-schema.ts'
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
