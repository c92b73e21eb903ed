import { beforeAll, describe, expect, test } from '@jest/globals'
import { latin1Of } from '../../../src/core/body/latin1.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import type { ChannelEvent, GapEvent, StateMark } from '../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import type { TypedValue } from '../../../src/events/model/typed-value.ts'
import { TypedObject } from '../../../src/events/model/typed-value.ts'
import type { EventFields } from '../../../src/events/serving/event-fields.ts'
import { printEvent, resultOf, type ValuePrinter } from '../../../src/events/serving/typed-results.ts'
import { eventFieldOf } from '../schema-builder.ts'
import { entryOf, eventOf, fieldsOf } from './typed-world.ts'

const sdl = `
type Subscription {
  order: Order @events(exchange: "orders", invalid: NULL) @allow
  strict: Order! @events(exchange: "orders", invalid: DELIVER, gap: ERROR) @allow
  next: Order! @events(exchange: "orders", gap: NEXT) @allow
  seat: Order @events(exchange: "seats") @state(key: "/id", deleteOn: ["free"]) @allow
  full: Order! @events(exchange: "seats", gap: ERROR) @state(key: "/id") @allow
}
type Order { id: ID!  note: String }
`
let fields: EventFields
let schema: EventFields['schema']
beforeAll(() => {
  fields = fieldsOf(sdl).fields
  schema = fields.schema
})
const message = entryOf({ id: 1, note: 'ä' })
const { cursor } = eventOf(message)
const gapOf = (reason: GapEvent['reason'], oldest: GapEvent['oldest'] = cursor): GapEvent => ({
  kind: 'GAP',
  cursor,
  reason,
  oldest,
  receivedAt: 0,
})
const checkpoint = (state?: StateMark): ChannelEvent => ({
  kind: 'CHECKPOINT',
  cursor,
  receivedAt: 0,
  ...(state ? { state } : {}),
})

const plain = (value: TypedValue): unknown => (value instanceof TypedObject ? { ...value.fields } : value)
const printer = (name: string): ValuePrinter => ({
  responseKey: name,
  print: (value) => latin1Of(printJson({ data: { [name]: plain(value) } }) ?? ''),
})

/** What a client receives for the event, parsed, with `cursor` for the cursor of the event. */
function received(name: string, event: ChannelEvent, gap?: GapEvent): unknown {
  const text = printEvent(fields, eventFieldOf(schema, name), event, printer(name), gap)
  if (text === undefined) return undefined
  const own = printCursor(event.cursor)
  return JSON.parse(Buffer.from(text, 'latin1').toString().replaceAll(own, 'cursor')) as unknown
}

function marked(state: StateMark, data: unknown = { id: 1 }) {
  const event = eventOf(entryOf(data, { exchange: 'seats' }))
  Object.defineProperty(event, 'state', { value: state })
  return event
}

describe('a message', () => {
  test('has its value and its cursor', () => {
    expect(received('order', eventOf(message))).toEqual({
      data: { order: { id: '1', note: 'ä' } },
      extensions: { warren: { cursor: 'cursor' } },
    })
  })

  test('has the trace of its publisher', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(received('order', eventOf(entryOf({ id: 1 }, { headers: { traceparent } })))).toEqual({
      data: { order: { id: '1', note: null } },
      extensions: { warren: { cursor: 'cursor' }, traceparent },
    })
  })

  test('is marked with the gap before it', () => {
    expect(received('next', eventOf(message), gapOf('RETENTION', null))).toEqual({
      data: { next: { id: '1', note: 'ä' } },
      extensions: { warren: { cursor: 'cursor', gap: { reason: 'RETENTION', oldest: null } } },
    })
  })

  test('names what became null', () => {
    expect(received('order', eventOf(entryOf({ id: 1, note: {} })))).toEqual({
      data: { order: { id: '1', note: null } },
      extensions: { warren: { cursor: 'cursor', invalid: ['/note'] } },
    })
  })

  test('that does not fit is an error with the place, at the name that the client chose', () => {
    const text = 'this event does not fit the schema at "/id": expected '
    expect(received('strict', eventOf(entryOf({})))).toEqual({
      data: null,
      errors: [
        {
          message: expect.stringContaining(text),
          extensions: { code: 'INVALID_EVENT', pointer: '/id' },
          path: ['strict'],
        },
      ],
      extensions: { warren: { cursor: 'cursor' } },
    })
  })

  test('that is not for the field any more is nothing', () => {
    expect(received('order', eventOf(entryOf({}, { exchange: 'seats' })))).toBeUndefined()
  })

  test('names the key that it removes', () => {
    expect(received('seat', eventOf(entryOf({ id: 7 }, { exchange: 'seats', type: 'free' })))).toEqual({
      data: { seat: null },
      extensions: { warren: { cursor: 'cursor', removed: '7' } },
    })
  })

  test('of a snapshot has its phase', () => {
    const seen = (mark: StateMark) => received('seat', marked(mark)) as { extensions: unknown }
    expect(seen({ phase: 'SNAPSHOT', reset: true }).extensions).toEqual({
      warren: { cursor: 'cursor', state: 'SNAPSHOT', reset: true },
    })
    expect(seen({ phase: 'SNAPSHOT_END', reset: false }).extensions).toEqual({
      warren: { cursor: 'cursor', state: 'SNAPSHOT_END' },
    })
  })
})

describe('a gap', () => {
  const warren = { cursor: 'cursor', gap: { reason: 'RETENTION', oldest: 'cursor' } }

  test('is null, an error, or nothing, as the field has it', () => {
    expect(received('order', gapOf('RETENTION'))).toEqual({ data: { order: null }, extensions: { warren } })
    expect(received('strict', gapOf('RETENTION'))).toEqual({
      data: null,
      errors: [
        {
          message: 'events are missing before this cursor (RETENTION); read the state again',
          extensions: { code: 'GAP', reason: 'RETENTION', oldest: 'cursor', cursor: 'cursor' },
          path: ['strict'],
        },
      ],
      extensions: { warren },
    })
    expect(received('next', gapOf('RETENTION'))).toBeUndefined()
  })

  test('of which the oldest cursor is unknown has null there', () => {
    expect(received('order', gapOf('INVALID_CURSOR', null))).toMatchObject({
      extensions: { warren: { gap: { reason: 'INVALID_CURSOR', oldest: null } } },
    })
  })

  test.each([
    ['JOURNAL_REPLACED', { reset: true }],
    ['INVALID_CURSOR', { reset: true }],
    ['RETENTION', {}],
    ['UNREADABLE', {}],
    ['OVERFLOW', {}],
  ] as const)('with the reason %s has a mark if keyed state begins again', (reason, reset) => {
    const gap = { reason, oldest: 'cursor' }
    expect(received('seat', gapOf(reason))).toEqual({
      data: { seat: null },
      extensions: { warren: { cursor: 'cursor', gap, ...reset } },
    })
    expect(received('order', gapOf(reason))).toEqual({
      data: { order: null },
      extensions: { warren: { cursor: 'cursor', gap } },
    })
  })
})

describe('a checkpoint', () => {
  test('has the cursor only', () => {
    const warren = { cursor: 'cursor', checkpoint: true }
    expect(received('order', checkpoint())).toEqual({ data: { order: null }, extensions: { warren } })
    expect(resultOf(fields, eventFieldOf(schema, 'full'), checkpoint())).toMatchObject({ kind: 'value', value: null })
  })

  test('stands for an empty state where the field can be null', () => {
    const empty = checkpoint({ phase: 'SNAPSHOT_END', reset: true })
    expect(received('seat', empty)).toEqual({
      data: { seat: null },
      extensions: { warren: { cursor: 'cursor', checkpoint: true, state: 'SNAPSHOT_END', reset: true } },
    })
    expect(received('full', empty)).toBeUndefined()
  })
})
