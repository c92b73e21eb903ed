import { describe, expect, test } from '@jest/globals'
import { UndecodableBody } from '../../../src/core/body/decode-body.ts'
import type { EventInput, Verdict } from '../../../src/events/model/typed-value.ts'
import { TypedObject } from '../../../src/events/model/typed-value.ts'
import { compileReplyValidator, compileValidator } from '../../../src/events/values/compiled-validator.ts'
import { bindingOf, builtSchema, type Directives, eventFieldOf, eventInput, requestField } from '../schema-builder.ts'

/** Judges a message for the field `event`, and shows objects as `{type, …fields}`. */
function judge(sdl: string, directives: Directives, given: Parameters<typeof eventInput>[0]): unknown {
  const schema = builtSchema(sdl, directives)
  const field = eventFieldOf(schema, 'event')
  return shown(compileValidator(schema, field)(eventInput(given), bindingOf(field)))
}

function shown(verdict: Verdict): unknown {
  if (verdict.kind !== 'valid') return verdict.kind === 'filtered' ? 'filtered' : `invalid at ${verdict.pointer}`
  return verdict.invalid.length > 0 ? [plain(verdict.value), ...verdict.invalid] : plain(verdict.value)
}

function plain(value: unknown): unknown {
  if (value instanceof TypedObject) {
    const fields = Object.entries(value.fields).map(([name, field]) => [name, plain(field)])
    return { type: value.typeName, ...Object.fromEntries(fields) }
  }
  return Array.isArray(value) ? value.map(plain) : value
}

describe('an event', () => {
  const order = `type Subscription { event(customerId: ID!): Order }
    type Order { id: ID! customerId: ID! region: String lines: [Line!]! traceId: String cursor: Cursor! }
    type Line { sku: ID! quantity: Int! order: ID }`
  const from = {
    'Order.customerId': { body: '/customer/id' },
    'Order.region': { word: 'region' },
    'Order.traceId': { header: 'x-trace-id' },
    'Order.cursor': { property: 'CURSOR' },
    'Line.order': { envelope: '/data/id' },
  } as const
  const directives = { from, events: { event: { bindings: [{ routingKey: 'orders.{region}.*', body: '/data' }] } } }
  const data = { id: 'o1', customer: { id: 7 }, lines: [{ sku: 'a', quantity: 2, note: 'ignored' }] }
  const routingKey = 'orders.eu.created'

  test('is read from its places', () => {
    const properties = { headers: { 'x-trace-id': 't' } }
    expect(judge(order, directives, { json: { data }, routingKey, properties })).toEqual({
      type: 'Order',
      id: 'o1',
      customerId: '7',
      region: 'eu',
      lines: [{ type: 'Line', sku: 'a', quantity: 2, order: 'o1' }],
      traceId: 't',
      cursor: 'the-cursor',
    })
  })

  test.each([
    ['a missing value', { ...data, customer: {} }, 'invalid at /data/customer/id'],
    [
      'a wrong element',
      { ...data, lines: [data.lines[0], { sku: 'b', quantity: '2' }] },
      'invalid at /data/lines/1/quantity',
    ],
    ['a null element', { ...data, lines: [null] }, 'invalid at /data/lines/0'],
    ['a text for an object', 'text', 'invalid at /data'],
    ['null for a nullable field', null, null],
    ['nothing for a nullable field', undefined, null],
  ])('with %s', (_what, payload, expected) => {
    expect(judge(order, directives, { json: { data: payload }, routingKey })).toEqual(expected)
  })

  test('is compiled for each binding of its field', () => {
    const schema = builtSchema('type Subscription { event: T! } type T { a: String b: ID }', {
      from: { 'T.a': { word: 'a' } },
      events: { event: { bindings: [{ routingKey: 'x.{a}' }, { routingKey: '{a}.y', body: '/data' }] } },
    })
    const field = eventFieldOf(schema, 'event')
    const validate = compileValidator(schema, field)
    const first = validate(eventInput({ json: { b: 1 }, routingKey: 'x.1' }), bindingOf(field, 0))
    const second = validate(eventInput({ json: { data: { b: 2 } }, routingKey: '2.y' }), bindingOf(field, 1))
    const other = validate(eventInput({ json: { b: 3 }, routingKey: 'x.3' }), { ...bindingOf(field, 0) })
    expect([first, second, other].map(shown)).toEqual([
      { type: 'T', a: '1', b: '1' },
      { type: 'T', a: '2', b: '2' },
      { type: 'T', a: '3', b: '3' },
    ])
  })

  test.each([
    ['[12.5,48.1]', [12.5, 48.1], { type: 'Point', lon: 12.5, lat: 48.1 }],
    ['{"0":1,"1":2}', { 0: 1, 1: 2 }, { type: 'Point', lon: 1, lat: 2 }],
    ['a number', 7, 'invalid at '],
  ])('with indexes as places takes an array: %s', (_what, json, expected) => {
    const sdl = 'type Subscription { event: Point } type Point { lon: Float! lat: Float! }'
    expect(judge(sdl, { from: { 'Point.lon': { body: '/0' }, 'Point.lat': { body: '/1' } } }, { json })).toEqual(
      expected,
    )
  })

  test('of an envelope type holds the whole payload', () => {
    const sdl = 'type Subscription { event: Reading! } type Reading { value: Float cursor: Cursor }'
    const places = { 'Reading.value': { body: '' }, 'Reading.cursor': { property: 'CURSOR' } } as const
    expect(judge(sdl, { from: places }, { json: 7.5 })).toEqual({ type: 'Reading', value: 7.5, cursor: 'the-cursor' })
  })

  test('has exactly the fields of its type', () => {
    const schema = builtSchema('type Subscription { event: T } type T { constructor: ID toString: ID }')
    const field = eventFieldOf(schema, 'event')
    const verdict = compileValidator(schema, field)(eventInput({ json: {} }), bindingOf(field))
    const value = verdict.kind === 'valid' ? (verdict.value as TypedObject) : undefined
    expect(Object.keys(value?.fields ?? {})).toEqual(['constructor', 'toString'])
    expect(value?.fields['hasOwnProperty']).toBeUndefined()
  })

  test('has an error that names what came, but not its value', () => {
    const schema = builtSchema('type Subscription { event: T } type T { n: Int! }')
    const field = eventFieldOf(schema, 'event')
    const verdict = compileValidator(schema, field)(eventInput({ json: { n: 'secret' } }), bindingOf(field))
    expect(verdict).toEqual({
      kind: 'invalid',
      pointer: '/n',
      expected: 'a whole number in 32 bits (Int), got a string',
    })
  })
})

describe('an event type', () => {
  const sdl = `union Event = Packed | Sent | Rest | EventGap
    type Packed { id: ID } type Sent { id: ID } type Rest { id: ID } type Subscription { event: Event! }`
  const eventTypes = { Packed: ['packed', '3'], Sent: ['sent'] }
  const typeFrom = (place: { body: string } | { header: string }) => ({
    events: { event: { bindings: [{ typeFrom: place }] } },
  })
  const packed = { type: 'Packed', id: null }

  test.each<[string, Directives, Parameters<typeof eventInput>[0], unknown]>([
    ['the property `type`', {}, { json: {}, properties: { type: 'packed' } }, packed],
    ['the header of Spring', {}, { json: {}, properties: { headers: { __TypeId__: 'packed' } } }, packed],
    ['the member __typename', {}, { json: { __typename: 'packed' } }, packed],
    [
      'the place of the author',
      typeFrom({ body: '/kind' }),
      { json: { kind: 'packed' }, properties: { type: 'sent' } },
      packed,
    ],
    [
      'the property, without a value at that place',
      typeFrom({ header: 'kind' }),
      { json: {}, properties: { type: 'packed' } },
      packed,
    ],
    [
      'the first element that a member names',
      typeFrom({ body: '/kind' }),
      { json: { kind: ['x', 'packed', 'sent'] } },
      packed,
    ],
    ['an integer by its digits', typeFrom({ body: '/kind' }), { json: { kind: 3 } }, packed],
    [
      'its own name for a member without event types',
      {},
      { json: {}, properties: { type: 'Rest' } },
      { type: 'Rest', id: null },
    ],
    ['no part of a name', {}, { json: {}, properties: { type: 'packed.v2' } }, 'filtered'],
    ['no name of another case', {}, { json: {}, properties: { type: 'Packed' } }, 'filtered'],
    ['not the member for gaps', {}, { json: {}, properties: { type: 'EventGap' } }, 'filtered'],
    ['missing', {}, { json: {} }, 'invalid at property:TYPE'],
    ['missing at the place of the author', typeFrom({ body: '/a/b' }), { json: { a: { b: [] } } }, 'invalid at /a/b'],
    ['empty, as if missing', {}, { json: {}, properties: { type: '' } }, 'invalid at property:TYPE'],
    ['unknown, whatever the payload is', {}, { json: 7, properties: { type: 'x' } }, 'filtered'],
  ])('is %s', (_what, directives, given, expected) => {
    expect(judge(sdl, { eventTypes, ...directives }, given)).toEqual(expected)
  })

  test('that no other member names is for the member "*"', () => {
    const all = { ...eventTypes, Rest: ['*'] }
    const json = { id: 1 }
    expect(judge(sdl, { eventTypes: all }, { json, properties: { type: 'new' } })).toEqual({ type: 'Rest', id: '1' })
    expect(judge(sdl, { eventTypes: all }, { json, properties: { type: 'sent' } })).toEqual({ type: 'Sent', id: '1' })
    expect(judge(sdl, { eventTypes: all }, { json })).toBe('invalid at property:TYPE')
  })

  test('is a condition where one object type is the type of the field', () => {
    const one = 'type Subscription { event: Packed! } type Packed { id: ID }'
    expect(judge(one, { eventTypes }, { json: {}, properties: { type: 'packed' } })).toEqual(packed)
    expect(judge(one, { eventTypes }, { json: {}, properties: { type: 'sent' } })).toBe('filtered')
    expect(judge(one, { eventTypes }, { json: {} })).toBe('invalid at property:TYPE')
    expect(judge(one, {}, { json: {}, properties: { type: 'sent' } })).toEqual(packed)
  })

  test('of the message is that of a union that holds the payload', () => {
    const envelope = `${sdl.replace('event: Event!', 'event: Envelope!')} type Envelope { event: Event }`
    const directives = { eventTypes, from: { 'Envelope.event': { body: '' } } }
    const of = (type: string) => judge(envelope, directives, { json: {}, properties: { type } })
    expect(of('packed')).toEqual({ type: 'Envelope', event: packed })
    expect(of('x')).toBe('filtered')
  })

  test('of a nested object is its own, then that of the message; an unknown one is null where it may be', () => {
    const nested = `${sdl.replace('event: Event!', 'event: Batch!')} type Batch { first: Event all: [Event] }`
    const of = (json: unknown, type?: string) =>
      judge(nested, { eventTypes }, { json, properties: type ? { type } : {} })
    expect(of({ first: { __typename: 'packed' } }, 'sent')).toEqual({ type: 'Batch', first: packed, all: null })
    expect(of({ first: {} }, 'packed')).toEqual({ type: 'Batch', first: packed, all: null })
    expect(of({ all: [{ __typename: 'new' }, { __typename: 'sent' }] })).toEqual({
      type: 'Batch',
      first: null,
      all: [null, { type: 'Sent', id: null }],
    })
    expect(of({ first: {} })).toBe('invalid at /first')
    expect(of({ first: {} }, 'new')).toBe('invalid at /first')
  })
})

describe('a condition of the author', () => {
  const field = (text: string) => ({
    events: { event: { only: [{ place: { kind: 'body' as const, pointer: ['kind'] }, in: [text] }] } },
  })

  test.each([
    ['a', 'a', true],
    ['7', 7, true],
    ['true', true, true],
    ['a', ['b', 'a'], true],
    ['a', 'A', false],
    ['a', null, false],
    ['a', { a: 1 }, false],
  ])('%s takes %p: %p', (text, kind, taken) => {
    const verdict = judge('type Subscription { event: T! } type T { id: ID }', field(text), { json: { kind } })
    expect(verdict).toEqual(taken ? { type: 'T', id: null } : 'filtered')
  })

  test('excludes a message before its value is judged', () => {
    expect(judge('type Subscription { event: T! } type T { id: ID! }', field('a'), { json: {} })).toBe('filtered')
  })
})

describe('an invalid value with `invalid: NULL`', () => {
  const sdl =
    'type Subscription { event: A ROOT } type A { b: B c: [C] } type B { n: Int! m: D } type D { n: Int! } type C { n: Int! }'
  const nulls = { events: { event: { invalid: 'NULL' as const } } }
  const of = (json: unknown, root = '') => judge(sdl.replace(' ROOT', root), nulls, { json })

  test('becomes null at the nearest nullable place, which the verdict names', () => {
    expect(of({ b: { n: 'x' } })).toEqual([{ type: 'A', b: null, c: null }, '/b'])
    expect(of({ b: { n: 1, m: { n: 'x' } } })).toEqual([
      { type: 'A', b: { type: 'B', n: 1, m: null }, c: null },
      '/b/m',
    ])
    expect(of({ c: [{ n: 1 }, { n: null }, 7] })).toEqual([
      { type: 'A', b: null, c: [{ type: 'C', n: 1 }, null, null] },
      '/c/1',
      '/c/2',
    ])
    expect(of('text')).toEqual([null, ''])
  })

  test('names no place inside one that became null', () => {
    const inner = sdl.replace('type B { n: Int! m: D }', 'type B { m: D n: Int! }').replace(' ROOT', '')
    expect(judge(inner, nulls, { json: { b: { m: { n: 'x' }, n: 'y' } } })).toEqual([
      { type: 'A', b: null, c: null },
      '/b',
    ])
  })

  test('is invalid where no nullable place is around it', () => {
    expect(of('text', '!')).toBe('invalid at ')
    expect(judge('type Subscription { event: D! } type D { n: Int! }', nulls, { json: {} })).toBe('invalid at /n')
  })

  test('and a message of another event type stays filtered', () => {
    const union = 'union U = P | Q type P { id: ID } type Q { id: ID } type E { u: U } type Subscription { event: E }'
    expect(judge(union, { ...nulls, from: { 'E.u': { body: '' } } }, { json: {}, properties: { type: 'x' } })).toBe(
      'filtered',
    )
  })
})

describe('a body', () => {
  const outside = 'type Subscription { event: T! } type T { trace: String! }'
  const header = { from: { 'T.trace': { header: 'x' } } } as const
  const properties = { headers: { x: 'y' } }
  const undecodable = {
    body: () => {
      throw new UndecodableBody('broken-json', 'broken')
    },
  }

  test('of another content type fits types that read none of it', () => {
    expect(judge(outside, header, { json: undefined, properties })).toEqual({ type: 'T', trace: 'y' })
    expect(judge(outside, {}, { json: undefined, properties })).toBe('invalid at ')
    expect(judge('type Subscription { event: Int }', {}, { json: undefined })).toBe('invalid at ')
  })

  test('is not decoded for types that read none of it', () => {
    expect(judge(outside, header, { ...undecodable, properties })).toEqual({ type: 'T', trace: 'y' })
    expect(() => judge(outside, {}, { ...undecodable, properties })).toThrow(UndecodableBody)
  })

  test('that is an array suits a field that returns a list', () => {
    const list = 'type Subscription { event: [T!]! } type T { id: ID! }'
    expect(judge(list, {}, { json: [{ id: 1 }] })).toEqual([{ type: 'T', id: '1' }])
    expect(judge(list, {}, { json: { id: 1 } })).toBe('invalid at ')
  })

  test.each(['__proto__', 'constructor', 'hasOwnProperty'])('reads only own members: %s', (name) => {
    const sdl = 'type Subscription { event: T! } type T { v: JSON }'
    const places = { from: { 'T.v': { body: `/${name}` } } }
    expect(judge(sdl, places, { json: JSON.parse('{}') })).toEqual({ type: 'T', v: null })
  })
})

describe('the bounds of a message', () => {
  const chain = (depth: number) => JSON.parse(`${'{"next":'.repeat(depth)}null${'}'.repeat(depth)}`) as unknown

  test('a recursive type ends with the body', () => {
    const sdl = 'type Subscription { event: Node! } type Node { next: Node }'
    expect(judge(sdl, {}, { json: chain(3) })).toEqual({
      type: 'Node',
      next: { type: 'Node', next: { type: 'Node', next: null } },
    })
    const schema = builtSchema(sdl)
    const field = eventFieldOf(schema, 'event')
    const validate = (input: EventInput) => compileValidator(schema, field)(input, bindingOf(field)).kind
    expect(validate(eventInput({ json: chain(1_000) }))).toBe('valid')
    expect(validate(eventInput({ json: chain(1_001) }))).toBe('invalid')
    expect(validate(eventInput({ json: chain(5_000) }))).toBe('invalid')
  })

  test('many types at one level do not overflow the stack', () => {
    const names = Array.from({ length: 40 }, (_, index) => `T${index}`)
    const types = names.map((name, index) => `type ${name} { v: ${names[(index + 1) % 40]} }`).join(' ')
    const from = Object.fromEntries(names.slice(0, -1).map((name) => [`${name}.v`, { body: '' }]))
    const sdl = `type Subscription { event: T0 } ${types}`
    expect(judge(sdl, { from: { ...from, 'T39.v': { body: '/next' } } }, { json: chain(900) })).toMatch(
      /^invalid at (\/next)+$/,
    )
  })

  test.each([
    ['two fields read one place', { 'Node.a': { body: '/next' }, 'Node.b': { body: '/next' } }],
    ['fields do not go down in the body', { 'Node.a': { body: '' }, 'Node.b': { envelope: '' } }],
  ])('a value that grows with each level is invalid, although %s', (_what, from) => {
    const sdl = 'type Subscription { event: Node } type Node { a: Node b: Node }'
    expect(judge(sdl, { from }, { json: chain(100) })).toMatch(/^invalid at/)
    const nulls = { event: { invalid: 'NULL' as const } }
    expect(judge(sdl, { from, events: nulls }, { json: chain(100) })).toMatch(/^invalid at/)
  })
})

test('more than 1,000 places that became null make the message invalid', () => {
  const sdl = 'type Subscription { event: T! } type T { list: [Int] }'
  const nulls = { events: { event: { invalid: 'NULL' as const } } }
  const of = (count: number) => judge(sdl, nulls, { json: { list: Array.from({ length: count }, () => 'x') } })
  expect(of(1_000)).toHaveLength(1_001)
  expect(of(1_001)).toBe('invalid at /list')
})

describe('a reply', () => {
  const sdl = `type Query { quote: Quote! } type Subscription { event: Int }
    type Quote { sku: ID! price: Decimal! cursor: Cursor region: String }`
  const from = { 'Quote.cursor': { property: 'CURSOR' }, 'Quote.region': { word: 'region' } } as const
  const reply = compileReplyValidator(builtSchema(sdl, { from }), requestField('Query', 'quote', '/result'))

  test('is validated like an event, without cursor and captures', () => {
    const json = { result: { sku: 7, price: 1.5 } }
    expect(shown(reply(eventInput({ json, cursor: '' })))).toEqual({
      type: 'Quote',
      sku: '7',
      price: '1.5',
      cursor: null,
      region: null,
    })
    expect(shown(reply(eventInput({ json: { result: { sku: 7 } } })))).toBe('invalid at /result/price')
    expect(shown(reply(eventInput({ json: {} })))).toBe('invalid at /result')
  })

  test('of an unknown field is a mistake of the caller', () => {
    expect(() => compileReplyValidator(builtSchema(sdl), requestField('Mutation', 'quote'))).toThrow('Mutation.quote')
  })
})
