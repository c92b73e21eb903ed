import { describe, expect, test } from '@jest/globals'
import { importDocument } from '../../../src/events/import/import-document.ts'
import { draftOf, fieldsOf, imported, remarksOf, typesOf, uncheckedDraftOf } from './importing.ts'

const text = { type: 'string' }
const of = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const amqp = (exchange: object, more: object = {}) => ({ amqp: { is: 'routingKey', exchange, ...more } })
const orders = amqp({ name: 'orders', type: 'topic' })
const payload = of({ x: text })

interface Channel {
  readonly bindings?: object
  readonly message?: object
  readonly [other: string]: unknown
}

/**
 * A document of version 2 with these channels, by default with a message to the exchange `orders`.
 */
function second(channels: Readonly<Record<string, Channel>>, more: object = {}): object {
  const all = Object.entries(channels).map(([name, { message = { payload }, ...channel }]) => [
    name,
    { bindings: orders, subscribe: { message }, ...channel },
  ])
  return { asyncapi: '2.6.0', info: { title: 'Shop' }, channels: Object.fromEntries(all), ...more }
}

/** Likewise of version 3. */
function third(channels: Readonly<Record<string, Channel>>, more: object = {}): object {
  const all = Object.entries(channels).map(([name, channel]) => [
    name,
    { bindings: orders, messages: { m: { payload } }, ...channel },
  ])
  return { asyncapi: '3.0.0', info: { title: 'Shop' }, channels: Object.fromEntries(all), ...more }
}

function complaint(document: object): string {
  try {
    return importDocument(JSON.stringify(document))
  } catch (error) {
    return String(error)
  }
}

describe('the version', () => {
  const channels =
    '\nchannels: { a: { bindings: { amqp: { exchange: { name: a } } }, subscribe: { message: { name: A } } } }'
  test.each(['2.0.0', '2', '2.6', '"2.6.0"'])('%s is 2', (version) => {
    expect(fieldsOf(`asyncapi: ${version}${channels}`)).toEqual(['  a: A @events(exchange: "a")'])
  })

  test.each(['3.0', '3', '"3.1.0"'])('%s is 3, of which messages are not in operations', (version) => {
    expect(() => importDocument(`asyncapi: ${version}${channels}`)).toThrow('Channel "a" has no messages.')
  })

  test.each(['1.2.0', '4.0.0', '30', '2x', 'null', '{ a: 1 }'])('%s is refused', (version) => {
    expect(() => importDocument(`asyncapi: ${version}${channels}`)).toThrow(/^asyncapi: expected version 2 or 3, got "/)
  })
})

describe('the routing key', () => {
  const key = (address: string, more: Channel = {}, exchange = 'orders') => {
    const [line = ''] = fieldsOf(second({ [address]: { bindings: amqp({ name: exchange }), ...more } })).slice(-1)
    return /routingKey: "([^"]*)"/.exec(line)?.[1]
  }

  test.each<[address: string, key: string | undefined]>([
    ['order.paid', 'order.paid'],
    ['order/paid', 'order.paid'],
    ['/order/paid', 'order.paid'],
    ['order.paid/eu', 'order.paid/eu'],
    ['paid', 'paid'],
    ['orders', undefined],
    ['orders_order.paid', 'order.paid'],
    ['paid_orders_', 'paid_orders_'],
    ['order.{region}.paid', 'order.{region}.paid'],
    ['order.v{version}.paid', 'order.*.paid'],
    ['order.{a}{b}.paid', 'order.*.paid'],
    ['order.{a}x.paid', 'order.*.paid'],
    ['order.x{a}.paid', 'order.*.paid'],
    ['{a}.{b}.{c}.{d}.{e}', '{a}.{b}.{c}.{d}.*'],
    ['{filter}.{after}', '{filterWord}.{afterWord}'],
    ['{a-b}.{1}.{注}', '{aB}.{_1}.{word}'],
  ])('of the address %s is %s', (address, expected) => {
    expect(key(address)).toBe(expected)
  })

  test('is in the binding of the channel or of an operation', () => {
    const cc = (...keys: unknown[]) => ({ message: { payload }, bindings: { amqp: { cc: keys } } })
    expect(key('a', { bindings: amqp({ name: 'orders' }, { name: 'b.#' }), subscribe: cc('c') })).toBe('b.#')
    expect(key('a', { subscribe: cc('c', 'd') })).toBe('c')
    expect(key('a', { publish: cc('b'), subscribe: cc('c') })).toBe('b')
    expect(key('a', { subscribe: cc('', 7, 'd') })).toBe('d')
    expect(key('a', { subscribe: cc('', 7) })).toBe('a')
    expect(key('a', { subscribe: { ...cc(), bindings: { $ref: '#/nothing' } } })).toBe('a')
    expect(key('a', { subscribe: { ...cc(), bindings: { amqp: { $ref: '#/nothing' } } } })).toBe('a')
  })

  test('of version 3 is the address, or the name of the channel', () => {
    const keyOf = (channel: Channel) => fieldsOf(third({ a: channel })).join()
    expect(keyOf({})).toContain('routingKey: "a"')
    expect(keyOf({ address: 'b.c' })).toContain('routingKey: "b.c"')
    expect(keyOf({ address: null })).toBe('  a: A @events(exchange: "orders")')
  })

  test('of version 3 is that of an operation on the channel', () => {
    const operation = (key: string, channel: unknown) => ({ channel, bindings: { amqp: { cc: [key] } } })
    const keysOf = (operations: object) => {
      const document = third({ a: {}, 'b/c~d': {}, e: {} }, { operations, components: { e: { $ref: '#/channels/e' } } })
      return fieldsOf(document).map((line) => /routingKey: "([^"]*)"/.exec(line)?.[1])
    }
    expect(
      keysOf({
        nothing: null,
        elsewhere: { $ref: '#/nothing' },
        aimless: operation('x', undefined),
        lost: operation('x', { $ref: '#/channels/x' }),
        e: operation('of.e', { $ref: '#/components/e' }),
        bcd: operation('of.bcd', { $ref: '#/channels/b~1c~0d' }),
      }),
    ).toEqual(['a', 'of.bcd', 'of.e'])
  })

  test('is not needed by other exchanges than topics', () => {
    const of = (type: string, address: string) =>
      fieldsOf(second({ [address]: { bindings: amqp({ name: 'e', type }) } })).at(-1)
    expect(of('fanout', 'a.{id}')).toBe('  a: A @events(exchange: "e", exchangeType: FANOUT)')
    expect(of('headers', 'a.{id}')).toBe('  a: A @events(exchange: "e", exchangeType: HEADERS)')
    expect(of('direct', 'a.b')).toBe('  aB: AB @events(exchange: "e", exchangeType: DIRECT, routingKey: "a.b")')
    expect(of('Topic', 'a.b')).toBe('  aB: AB @events(exchange: "e", routingKey: "a.b")')
  })
})

describe('a channel is left out', () => {
  test.each<[why: string, channel: unknown, remark: string]>([
    ['a queue', { bindings: { amqp: { is: 'queue' } } }, 'is a queue; events are read from exchanges.'],
    ['no exchange', { bindings: {} }, 'names no exchange (bindings.amqp.exchange.name).'],
    ['an exchange without name', { bindings: amqp({ name: '' }) }, 'names no exchange (bindings.amqp.exchange.name).'],
    ['bindings elsewhere', { bindings: { $ref: 'b.yaml' } }, 'names no exchange (bindings.amqp.exchange.name).'],
    [
      'the default exchange',
      { bindings: amqp({ name: 'e', type: 'default' }) },
      'names no exchange (bindings.amqp.exchange.name).',
    ],
    ['no messages', { subscribe: {} }, 'has no messages.'],
    ['operations that are no objects', { subscribe: 7, publish: null }, 'has no messages.'],
    ['an operation elsewhere', { subscribe: { $ref: 'a.yaml' } }, 'has no messages.'],
    [
      'an unknown exchange',
      { bindings: amqp({ name: 'e', type: 'X-Delayed' }) },
      'has an exchange of the unknown type "x-delayed".',
    ],
    ['an exchange that GraphQL cannot hold', { bindings: amqp({ name: '\ud800' }) }, 'has a name that is no text.'],
    [
      'a key that GraphQL cannot hold',
      { bindings: amqp({ name: 'e' }, { name: '\ud800' }) },
      'has a name that is no text.',
    ],
    [
      'parameters of a direct exchange',
      { bindings: amqp({ name: 'e', type: 'direct' }, { name: 'a.{b}' }) },
      'has parameters, and its direct exchange compares whole routing keys: name each key.',
    ],
    ['a channel elsewhere', { $ref: 'channels/a.yaml' }, 'is "channels/a.yaml", which leads out of the document.'],
    ['a circle', { $ref: '#/channels/left~1out' }, 'is "#/channels/left~1out", which leads out of the document.'],
  ])('with %s', (_why, channel, remark) => {
    const { channels, ...document } = second({ 'left/out': channel as Channel, kept: {} }) as { channels: object }
    const all = '$ref' in (channel as object) ? { ...channels, 'left/out': channel } : channels
    expect(remarksOf({ ...document, channels: all })).toEqual([`Channel "left/out" ${remark}`])
    expect(fieldsOf({ ...document, channels: all })).toEqual([
      '  kept: Kept @events(exchange: "orders", routingKey: "kept")',
    ])
  })

  test('that is no object', () => {
    expect(complaint({ asyncapi: '2.0.0', channels: { a: 7 } })).toContain('Channel "a" is no object.')
  })

  test('after the first 200', () => {
    const many = (count: number) =>
      third(Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, {}])))
    const remark = '# The document has 201 channels; those after the first 200 are not read.\n'
    expect(uncheckedDraftOf(many(200))).not.toContain('not read')
    expect(uncheckedDraftOf(many(201))).toContain(remark)
    expect(uncheckedDraftOf(many(201)).match(/@events/g)).toHaveLength(200)
  })

  test('and an exchange is that of the caller if the channel names none', () => {
    expect(fieldsOf(second({ a: { bindings: {} } }), { exchange: 'events' })).toEqual([
      '  a: A @events(exchange: "events", routingKey: "a")',
    ])
  })

  test('and the document is refused if none is left', () => {
    const queues = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`q${index}.`, { bindings: { amqp: { is: 'queue' } } }]),
    )
    expect(complaint(second(queues))).toContain(
      'ImportRefused: the document names no exchange of RabbitMQ to read events from: Channel "q0."',
    )
    expect(complaint(second(queues))).toContain('Channel "q9."')
    expect(complaint(second(queues))).not.toContain('Channel "q10."')
    expect(complaint(second({ a: { bindings: amqp({ name: 'e', type: 'x' }) } }))).toBe(
      'ImportRefused: no channel can be an event field: Channel "a" has an exchange of the unknown type "x".',
    )
  })
})

describe('names', () => {
  test('of the document are in the first line', () => {
    expect(draftOf(second({ a: {} }))).toMatch(/^# A draft from "Shop"\. Review it before you serve it:\n/)
    expect(draftOf(second({ a: {} }, { info: {} }))).toMatch(/^# A draft from an AsyncAPI document\. Review/)
  })

  test('of channels without words are those of the exchange, or none', () => {
    const named = (name: string, exchange: string) =>
      fieldsOf(second({ [name]: { bindings: amqp({ name: exchange, type: 'fanout' }) } })).at(-1)
    expect(named('{a}', 'price-lists')).toBe(
      '  priceLists: PriceList @events(exchange: "price-lists", exchangeType: FANOUT)',
    )
    expect(named('user.{a}.created', 'e')).toBe(
      '  userCreated: UserCreated @events(exchange: "e", exchangeType: FANOUT)',
    )
    expect(named('注', '文')).toBe('  events: Event @events(exchange: "文", exchangeType: FANOUT)')
    expect(named('channel', 'e')).toBe('  channelEvents: Channel @events(exchange: "e", exchangeType: FANOUT)')
  })

  test('of types come from the payload, the channel, or the messages of a union', () => {
    const message = (name: string) => ({ name, payload })
    const document = second({
      a: { message: { payload: { ...payload, title: 'Order placed' } } },
      b: { message: { payload: text } },
      order: {
        message: { oneOf: [message('com.example.OrderPaid'), message('sent'), message('com.example.OrderPaid')] },
      },
    })
    expect(imported(document)).toContain('union OrderEvent = OrderPaid | OrderSent\n')
    expect(typesOf(document).match(/^type \w+/gm)).toEqual([
      'type OrderPlaced',
      'type B',
      'type OrderPaid',
      'type OrderSent',
    ])
  })
})

describe('parameters', () => {
  const lines = (parameters: object, message: object = { payload }) => {
    const document = second({ 'a.{p}': { parameters, message } })
    return [fieldsOf(document)[1]?.trim(), /^ {2}p: (.*)$/m.exec(typesOf(document))?.[1]]
  }

  test.each<[what: string, parameter: unknown, argument: string, field: string | undefined]>([
    ['nothing', undefined, 'p: ID', 'ID! @from(word: "p")'],
    ['a text', { schema: text }, 'p: ID', 'ID! @from(word: "p")'],
    ['a UUID', { schema: { ...text, format: 'uuid' } }, 'p: UUID', 'UUID! @from(word: "p")'],
    ['an integer', { schema: { type: 'integer' } }, 'p: BigInt', 'BigInt! @from(word: "p")'],
    ['words', { schema: { enum: ['eu', 'us'] } }, 'p: ID # one of eu, us', 'ID! @from(word: "p")'],
    ['words of version 3', { enum: ['eu', 'us'] }, 'p: ID # one of eu, us', 'ID! @from(word: "p")'],
    ['no words', { enum: [] }, 'p: ID', 'ID! @from(word: "p")'],
    ['a word with a line break', { enum: ['a\nb'] }, 'p: ID # one of a\\u{a}b', 'ID! @from(word: "p")'],
    ['a reference', { $ref: '#/components/parameters/P' }, 'p: BigInt', 'BigInt! @from(word: "p")'],
    ['a reference elsewhere', { $ref: 'p.yaml' }, 'p: ID', 'ID! @from(word: "p")'],
    ['a place in the payload', { location: '$message.payload#/x' }, 'p: ID', undefined],
    ['a place in a header', { location: '$message.header#/$message.payload' }, 'p: ID', 'ID! @from(word: "p")'],
  ])('with %s', (_what, parameter, argument, field) => {
    const document = second(
      { 'a.{p}': parameter === undefined ? {} : { parameters: { p: parameter } } },
      { components: { parameters: { P: { schema: { type: 'integer' } } } } },
    )
    expect(fieldsOf(document)[1]?.trim()).toBe(argument)
    expect(/^ {2}p: (.*)$/m.exec(typesOf(document))?.[1]).toBe(field)
  })

  test('are described', () => {
    expect(imported(second({ 'a.{p}': { parameters: { p: { description: 'Where.' } } } }))).toContain(
      '    "Where."\n    p: ID\n',
    )
  })

  test('are no field if the payload has one of that name', () => {
    expect(lines({}, { payload: of({ p: { type: 'boolean' } }) })).toEqual(['p: ID', 'Boolean'])
  })

  test('with many words show the first 100 characters, and whole ones', () => {
    const [argument] = lines({ p: { enum: Array.from({ length: 60 }, (_, index) => `${index}😀`) } })
    const comment = argument?.slice('p: ID # '.length) ?? ''
    expect(Array.from(comment)).toHaveLength(100)
    expect(comment).toMatch(/^one of 0😀, 1😀, (?:\d+😀, )*\d*😀?,?/u)
    expect(comment).not.toMatch(/\p{Cs}/u)
  })
})

describe('messages', () => {
  test('of both operations and of references are one if they have one name', () => {
    const document = second(
      { a: { publish: { message: { $ref: '#/components/messages/M' } }, message: { name: 'M', payload: text } } },
      { components: { messages: { M: { payload } } } },
    )
    expect(typesOf(document)).toBe('type A {\n  x: String\n}\n')
  })

  test.each<[what: string, message: object, eventType: string]>([
    ['its name', { name: 'n', messageId: 'i', title: 't' }, 'n'],
    ['its id', { name: ' ', messageId: 'i', title: 't' }, 'i'],
    ['its title', { title: 't', payload: { ...payload, title: 'p' } }, 't'],
    ['the reference of its payload', { payload: { $ref: '#/components/schemas/Paid' } }, 'Paid'],
    ['the title of its payload', { payload: { ...payload, title: 'p' } }, 'p'],
    ['nothing', { payload: { ...payload } }, 'event'],
    ['x-event-type', { name: 'n', 'x-event-type': 'x', 'x-eventType': 'y', 'x-type': 'z' }, 'x'],
    ['x-eventType', { name: 'n', 'x-eventType': 'y', 'x-type': 'z' }, 'y'],
    ['x-type', { name: 'n', 'x-type': 'z', bindings: { amqp: { messageType: 'b' } } }, 'z'],
    ['the binding', { name: 'n', bindings: { amqp: { messageType: 'b' } } }, 'b'],
  ])('have the event type of %s', (_what, message, eventType) => {
    const other = { name: 'other', payload }
    const document = second(
      { a: { message: { oneOf: [message, other] } } },
      { components: { schemas: { Paid: payload } } },
    )
    expect(typesOf(document)).toContain(`@eventType(name: "${eventType}")`)
    expect(typesOf(document)).toContain('@eventType(name: "other")')
  })

  test('of one event type differ by their names', () => {
    const message = (name: string) => ({ name, payload, 'x-event-type': 'changed' })
    const types = typesOf(second({ a: { message: { oneOf: [message('one'), message('two')] } } }))
    expect(types.match(/@eventType\(.*\)/g)).toEqual(['@eventType(name: "changed")', '@eventType(name: "two")'])
  })

  test('without names differ by their payloads', () => {
    const one = { payload: of({ one: text }) }
    const two = { payload: of({ two: text }) }
    const types = typesOf(second({ a: { message: { oneOf: [one, two] } } }))
    expect(types.match(/@eventType\(.*\)/g)).toEqual(['@eventType(name: "event")', '@eventType(name: "event2")'])
    const yaml = `
asyncapi: 2.6.0
channels:
  a:
    bindings: { amqp: { exchange: { name: orders } } }
    publish: { message: &m { payload: { properties: { x: { type: string } } } } }
    subscribe: { message: { oneOf: [*m, { payload: {} }, *m] } }
`
    expect(typesOf(yaml).match(/@eventType\(.*\)/g)).toEqual([
      '@eventType(name: "event")',
      '@eventType(name: "event2")',
    ])
  })

  test('elsewhere are JSON, with the reference', () => {
    const elsewhere = '  payload: JSON @from(body: "") # the reference "m.yaml#/M" leads out of the document\n'
    expect(typesOf(second({ a: { message: { $ref: 'm.yaml#/M' } } }))).toBe(`type A {\n${elsewhere}}\n`)
    expect(typesOf(third({ a: { messages: { m: { $ref: 'm.yaml#/M' } } } }))).toBe(`type A {\n${elsewhere}}\n`)
  })

  test('have what their traits have, and headers of both', () => {
    const message = {
      payload,
      headers: { required: ['own'], properties: { own: text } },
      traits: [
        { $ref: '#/components/messageTraits/T' },
        { $ref: 't.yaml' },
        { headers: { type: 'object', properties: { both: { type: 'integer' } } }, description: 'Of the trait.' },
        7,
      ],
    }
    const messageTraits = { T: { headers: { $ref: '#/components/schemas/H' } } }
    const schemas = { H: of({ common: text }, { required: ['common'] }) }
    expect(typesOf(second({ a: { message } }, { components: { messageTraits, schemas } }))).toBe(`"Of the trait."
type A {
  x: String
  own: String! @from(header: "own")
  common: String! @from(header: "common")
  both: Int @from(header: "both")
}
`)
  })

  test('are described by themselves before their payloads', () => {
    const described = (message: object) =>
      /^"(.*)"\ntype A /m.exec(
        typesOf(second({ a: { message: { payload: { ...payload, description: 'P' }, ...message } } })),
      )?.[1]
    expect(described({ description: 'D', summary: 'S' })).toBe('D')
    expect(described({ summary: 'S' })).toBe('S')
    expect(described({})).toBe('P')
  })

  test('describe the field by the channel or an operation', () => {
    const described = (channel: Channel) =>
      imported(second({ a: channel }))
        .split('\n')
        .slice(1, 5)
        .map((line) => line.trim())
    const gap = 'Null means: events are missing here (a gap); read the state again.'
    expect(described({ description: ' D\n', subscribe: { message: { payload }, description: 'S' } })).toEqual([
      '"""',
      'D',
      gap,
      '"""',
    ])
    expect(described({ publish: {}, subscribe: { message: { payload }, description: 'S' } })).toEqual([
      '"""',
      'S',
      gap,
      '"""',
    ])
    expect(described({})[0]).toBe(`"${gap}"`)
  })

  test('of other formats than JSON Schema have no payload', () => {
    const avro = { schemaFormat: 'application/vnd.apache.avro;version=1.9.0', payload: { type: 'record' } }
    const cursor = 'type A {\n  cursor: Cursor @from(property: CURSOR)\n}\n'
    expect(typesOf(second({ a: { message: avro } }))).toBe(cursor)
    expect(typesOf(second({ a: { message: { name: 'A' } } }))).toBe(cursor)
    const wrapped = { payload: { schemaFormat: avro.schemaFormat, schema: avro.payload } }
    expect(typesOf(third({ a: { messages: { m: wrapped } } }))).toBe(cursor)
    const header = { ...avro, headers: { schemaFormat: 'application/schema+json', schema: of({ h: text }) } }
    expect(typesOf(third({ a: { messages: { m: header } } }))).toBe('type A {\n  h: String @from(header: "h")\n}\n')
    for (const schemaFormat of [
      'application/schema+yaml;version=draft-07',
      'application/vnd.oai.openapi;version=3.0.0',
    ])
      expect(typesOf(second({ a: { message: { schemaFormat, payload } } }))).toBe('type A {\n  x: String\n}\n')
  })

  test('are one type in several channels if it has no fields of its own', () => {
    const shared = { $ref: '#/components/schemas/Order' }
    const document = second(
      {
        a: { message: { payload: shared } },
        'b.{w}': { message: { payload: shared } },
        c: { message: { payload: shared, headers: of({ h: text }) } },
        d: { message: { payload: { type: 'array', items: shared } } },
        e: { message: { payload: of({ order: shared }) } },
        f: { message: { payload: shared } },
      },
      { components: { schemas: { Order: payload } } },
    )
    const returned = fieldsOf(document).flatMap((line) => /: (\S+) @events/.exec(line)?.[1] ?? [])
    expect(returned).toEqual(['Order', 'BEvent', 'CEvent', '[D!]', 'E', 'Order'])
    const reversed = second(
      {
        'b.{w}': { message: { payload: shared } },
        d: { message: { payload: { items: shared } } },
        a: { message: { payload: shared } },
      },
      { components: { schemas: { Order: payload } } },
    )
    const types = typesOf(reversed)
    expect(types).toContain('type Order {\n  x: String\n  w: ID! @from(word: "w")\n}\n')
    expect(fieldsOf(reversed).at(-1)).toBe('  a: AEvent @events(exchange: "orders", routingKey: "a")')
  })

  test('are types of their own as members of a union, and if they are no objects', () => {
    const [order, note] = ['Order', 'Note'].map((name) => ({ $ref: `#/components/schemas/${name}` }))
    const document = second(
      {
        a: {
          message: {
            oneOf: [
              { name: 'paid', payload: order },
              { name: 'sent', payload },
            ],
          },
        },
        b: { message: { payload: of({ order }) } },
        c: { message: { payload: note } },
        d: { message: { payload: note } },
      },
      { components: { schemas: { Order: of({ y: text }), Note: text } } },
    )
    expect(typesOf(document)).toContain('type B {\n  order: Order\n}\n\ntype Order {\n  y: String\n}\n')
    expect(
      fieldsOf(document)
        .slice(2)
        .map((line) => line.split(' @')[0]),
    ).toEqual(['  c: Note', '  d: DEvent'])
  })

  test.each<[what: string, payload: object, returned: string, type: string]>([
    ['objects', { type: 'array', items: payload }, '[A!]', 'type A {\n  x: String\n}\n'],
    [
      'objects or one',
      { ...payload, type: ['array', 'object'], items: payload },
      'A',
      'type A {\n  payload: JSON @from(body: "") # mixed: array, object\n}\n',
    ],
    ['a text', text, 'A', 'type A {\n  payload: String @from(body: "")\n}\n'],
    [
      'an object or a text',
      { ...payload, type: ['object', 'string'] },
      'A',
      'type A {\n  payload: JSON @from(body: "") # mixed: object, string\n}\n',
    ],
    ['an object without type', { properties: { x: text } }, 'A', 'type A {\n  x: String\n}\n'],
    [
      'an enum',
      { enum: ['a', 'b'] },
      'A',
      'type A {\n  payload: APayload @from(body: "")\n}\n\nenum APayload {\n  A @value(is: "a")\n  B @value(is: "b")\n  OTHER @value(unknown: true)\n}\n',
    ],
  ])('of %s', (_what, given, returned, type) => {
    const document = second({ a: { message: { payload: given } } })
    expect(fieldsOf(document)).toEqual([`  a: ${returned} @events(exchange: "orders", routingKey: "a")`])
    expect(typesOf(document)).toBe(type)
  })

  test('of a union hold a payload that is no object in a field', () => {
    const document = second({
      a: {
        message: {
          oneOf: [
            { name: 'list', payload: { type: 'array', items: payload } },
            { name: 'x', payload },
          ],
        },
      },
    })
    expect(typesOf(document)).toBe(`union AEvent = AList | AX

type AList @eventType(name: "list") {
  payload: [APayload!] @from(body: "")
}

type APayload {
  x: String
}

type AX @eventType(name: "x") {
  x: String
}
`)
  })

  test('are distinguished by a header before the payload', () => {
    const message = (name: string) => ({
      name,
      payload: of({ p: { const: name } }),
      headers: of({ h: { const: `${name}!` } }),
    })
    const document = second({ a: { message: { oneOf: [message('one'), message('two')] } } })
    expect(fieldsOf(document).join()).toContain('typeFrom: { header: "h" }')
    expect(typesOf(document)).toContain('@eventType(name: "two!")')
  })
})

describe('headers', () => {
  test('are fields, without those that are about the transport', () => {
    const names = [
      'x-x content-type Content_Type contentType traceparent tracestate __TypeId__ __x my-content-type',
      'content-typed traceparent2 \ud800 注 y-x-z X-Message-Id xml',
    ].flatMap((some) => some.split(' '))
    const headers = of(Object.fromEntries(names.map((name) => [name, text])), { required: ['X-Message-Id'] })
    expect(typesOf(second({ a: { message: { payload, headers } } }))).toBe(`type A {
  x: String
  headerX: String @from(header: "x-x")
  headerX2: String @from(header: "__x")
  myContentType: String @from(header: "my-content-type")
  contentTyped: String @from(header: "content-typed")
  traceparent2: String @from(header: "traceparent2")
  header: String @from(header: "注")
  yXZ: String @from(header: "y-x-z")
  messageId: ID! @from(header: "X-Message-Id")
  xml: String @from(header: "xml")
}
`)
  })

  test('that are no single values are left out', () => {
    const headers = of({
      map: { type: 'object' },
      object: { properties: { a: {} } },
      list: { type: 'array', items: text },
      items: { items: text },
      some: { type: ['string', 'array'] },
      either: { anyOf: [text, { type: 'object' }] },
      any: {},
      state: { enum: ['a', 'b'] },
    })
    expect(typesOf(second({ a: { message: { headers } } }))).toBe(`enum AState {
  A @value(is: "a")
  B @value(is: "b")
  OTHER @value(unknown: true)
}

type A {
  any: JSON @from(header: "any")
  state: AState @from(header: "state")
}
`)
  })
})

describe('CloudEvents', () => {
  const event = (properties: object, more: object = {}) =>
    of({ specversion: text, id: text, type: text, ...properties }, { required: ['id', 'specversion'], ...more })

  test('in structured mode are their data, with fields for the rest', () => {
    const data = of({ total: { type: 'number' } })
    const attributes = { source: text, subject: text, time: { ...text, format: 'date-time' }, traceid: text }
    const document = second({ a: { message: { payload: event({ ...attributes, data }) } } })
    expect(fieldsOf(document)).toEqual(['  a: A @events(exchange: "orders", routingKey: "a", body: "/data")'])
    expect(typesOf(document)).toBe(`type A {
  total: Decimal
  eventId: ID! @from(envelope: "/id")
  eventSource: String @from(envelope: "/source")
  eventSubject: String @from(envelope: "/subject")
  eventTime: DateTime @from(envelope: "/time")
  eventType: String @from(envelope: "/type")
}
`)
  })

  test('are recognised by their content type too', () => {
    const fields = (message: object, more: object = {}) => fieldsOf(second({ a: { message } }, more)).join()
    const plain = of({ type: text, data: of({ x: text }) })
    const contentType = 'application/cloudevents+json; charset=utf-8'
    expect(fields({ payload: plain })).not.toContain('body:')
    expect(fields({ payload: plain, contentType })).toContain('body: "/data"')
    expect(typesOf(second({ a: { message: { payload: plain, contentType } } }))).toBe(
      'type A {\n  x: String\n  eventType: String @from(envelope: "/type")\n}\n',
    )
    expect(fields({ payload: plain }, { defaultContentType: contentType })).toContain('body: "/data"')
    expect(
      fields({ payload: plain, contentType: 'application/json' }, { defaultContentType: contentType }),
    ).not.toContain('body:')
    expect(fields({ payload: plain, contentType: `text/plain+${contentType}` })).not.toContain('body:')
  })

  test.each<[what: string, payload: object]>([
    ['data', event({})],
    ['data that is an object', event({ data: text })],
    ['a type', of({ specversion: text, data: of({ x: text }) })],
  ])('without %s are messages like others', (_what, given) => {
    const document = second({ a: { message: { payload: given } } })
    expect(fieldsOf(document)).toEqual(['  a: A @events(exchange: "orders", routingKey: "a")'])
    expect(typesOf(document)).toContain('  specversion: String')
  })

  test('have types of their own in each channel', () => {
    const document = second(
      {
        a: { message: { payload: { $ref: '#/components/schemas/E' } } },
        b: { message: { payload: of({ e: { $ref: '#/components/schemas/D' } }) } },
      },
      { components: { schemas: { D: of({ x: text }), E: event({ data: { $ref: '#/components/schemas/D' } }) } } },
    )
    expect(typesOf(document)).toContain('type B {\n  e: D\n}\n\ntype D {\n  x: String\n}\n')
  })
})
