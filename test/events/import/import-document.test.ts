import { describe, expect, test } from '@jest/globals'
import { importDocument } from '../../../src/events/import/import-document.ts'
import { imported } from './importing.ts'

const shop = `
asyncapi: 2.6.0
info: { title: Shop, version: '1' }
defaultContentType: application/json
channels:
  order/{region}/changed:
    description: Orders as they change.
    parameters:
      region:
        description: Where the customer lives
        schema: { type: string, enum: [eu, us] }
    bindings:
      amqp: { is: routingKey, exchange: { name: orders, type: topic } }
    subscribe:
      message:
        oneOf:
          - $ref: '#/components/messages/OrderPaid'
          - $ref: '#/components/messages/OrderCancelled'
  jobs:
    bindings: { amqp: { is: queue, queue: { name: jobs } } }
    publish: { message: { payload: { type: object } } }
components:
  messages:
    OrderPaid:
      name: order.paid
      traits:
        - headers: { type: object, required: [x-tenant], properties: { x-tenant: { type: string } } }
      payload: { $ref: '#/components/schemas/Order' }
    OrderCancelled:
      name: order.cancelled
      payload:
        type: object
        required: [id]
        properties:
          id: { type: string, format: uuid }
          reason: { type: string, enum: [customer, fraud, null] }
  schemas:
    Order:
      type: object
      required: [id, lines, total]
      properties:
        id: { type: string, format: uuid, description: The id of the order. }
        lines: { type: array, items: { $ref: '#/components/schemas/Line' } }
        total: { type: number, example: 12.5 }
        ship-to: { $ref: '#/components/schemas/Address' }
        placedAt: { type: string, format: date-time }
        tags: { type: object, additionalProperties: { type: string } }
    Line: { type: object, properties: { sku: { type: string }, quantity: { type: integer } } }
    Address: { type: object, properties: { street: { type: [string, 'null'] } } }
`

describe('AsyncAPI', () => {
  test('version 2: a union of messages, captures for parameters, queues left out', () => {
    const sdl = importDocument(shop)
    expect(sdl).toContain('# Channel "jobs" is a queue; events are read from exchanges.\n')
    expect(imported(shop)).toBe(`type Subscription {
  """
  Orders as they change.
  Null means: events are missing here (a gap); read the state again.
  """
  orderChanged(
    "Where the customer lives"
    region: ID # one of eu, us
  ): OrderChangedEvent @events(exchange: "orders", routingKey: "order.{region}.changed")
}

union OrderChangedEvent = OrderPaid | OrderCancelled

type OrderPaid @eventType(name: "order.paid") {
  "The id of the order."
  id: UUID!
  lines: [Line!]!
  total: Decimal! # such as 12.5
  shipTo: Address @from(body: "/ship-to")
  placedAt: DateTime
  tags: JSON # a map: its member names are values
  tenant: String! @from(header: "x-tenant")
  region: ID! @from(word: "region")
}

type Line {
  sku: String
  quantity: Int
}

type Address {
  street: String
}

type OrderCancelled @eventType(name: "order.cancelled") {
  id: UUID!
  reason: OrderChangedReason
  region: ID! @from(word: "region")
}

enum OrderChangedReason {
  CUSTOMER @value(is: "customer")
  FRAUD @value(is: "fraud")
  OTHER @value(unknown: true)
}
`)
  })

  const payload = {
    schemaFormat: 'application/vnd.aai.asyncapi+json;version=3.0.0',
    schema: { type: 'object', required: ['userId'], properties: { userId: { type: 'string' } } },
  }
  const third = {
    asyncapi: '3.0.0',
    info: { title: 'Users', version: '1' },
    channels: {
      signedUp: {
        address: 'user.{userId}.signed-up',
        parameters: { userId: { location: '$message.payload#/userId' } },
        messages: { UserSignedUp: { payload } },
        bindings: { amqp: { is: 'routingKey', exchange: { name: 'users', type: 'topic' } } },
      },
      'audit-exchange': {
        address: 'audit-exchange',
        messages: { Seen: { $ref: '#/channels/signedUp/messages/UserSignedUp' } },
        bindings: { amqp: { exchange: { name: 'audit-exchange', type: 'fanout' } } },
      },
      bound: {
        address: 'bound',
        messages: { A: { contentType: 'application/json', payload: { type: 'array', items: payload.schema } } },
        bindings: { amqp: { exchange: { name: 'bound', type: 'topic' } } },
      },
    },
    operations: {
      onBound: { action: 'receive', channel: { $ref: '#/channels/bound' }, bindings: { amqp: { cc: ['bound.*'] } } },
    },
  }

  test('version 3: payloads with a format, places of parameters, keys of operations', () => {
    const sdl = imported(third)
    expect(sdl).toContain(
      '  signedUp(\n    userId: ID\n  ): SignedUp @events(exchange: "users", routingKey: "user.{userId}.signed-up")',
    )
    expect(sdl).toContain('auditExchange: SignedUp @events(exchange: "audit-exchange", exchangeType: FANOUT)')
    expect(sdl).toContain('bound: [Bound!] @events(exchange: "bound", routingKey: "bound.*")')
    expect(sdl).toContain('type SignedUp {\n  userId: ID!\n}')
  })

  test('the name in the binding is the routing key', () => {
    const bindings = { amqp: { name: 'user.*', exchange: { name: 'users', type: 'topic' } } }
    const sdl = imported({ ...third, channels: { signedUp: { ...third.channels.signedUp, bindings } } })
    expect(sdl).toContain('signedUp: SignedUp @events(exchange: "users", routingKey: "user.*")')
  })

  test('the constant of a property distinguishes messages', () => {
    const message = (kind: string) => ({ payload: { type: 'object', properties: { kind: { const: kind } } } })
    const channel = { ...third.channels.bound, messages: { A: message('a'), B: message('b') } }
    const sdl = imported({ ...third, channels: { bound: channel } })
    expect(sdl).toContain('typeFrom: { body: "/kind" }')
    expect(sdl).toContain('@eventType(name: "a")')
  })

  test.each<[what: string, document: object, message: string]>([
    ['another version', { asyncapi: '1.2.0' }, 'asyncapi: expected version 2 or 3, got "1.2.0"'],
    [
      'a document without exchange',
      { asyncapi: '3.0.0', channels: { a: { messages: { b: {} } } } },
      'Channel "a" names no exchange',
    ],
    ['a document without channels', { asyncapi: '3.0.0' }, 'it has no channels'],
  ])('refuses %s', (_what, document, message) => {
    expect(() => importDocument(JSON.stringify(document))).toThrow(message)
  })
})

describe('JSON Schema', () => {
  const $schema = 'https://json-schema.org/draft/2020-12/schema'

  test.each<[what: string, schema: unknown, required: boolean, type: string]>([
    ['a required string', { type: 'string' }, true, 'String!'],
    ['a string that may be null', { type: ['string', 'null'] }, true, 'String'],
    ['a nullable string of OpenAPI', { type: 'string', nullable: true }, true, 'String'],
    ['a date-time', { type: 'string', format: 'date-time' }, false, 'DateTime'],
    ['a date', { type: 'string', format: 'date' }, false, 'Date'],
    ['a uuid', { type: 'string', format: 'uuid' }, false, 'UUID'],
    ['an integer', { type: 'integer' }, false, 'Int'],
    ['an int64', { type: 'integer', format: 'int64' }, false, 'BigInt'],
    ['an integer above 32 bits', { type: 'integer', maximum: 2 ** 40 }, false, 'BigInt'],
    ['a number', { type: 'number' }, false, 'Float'],
    ['a number with two places', { type: 'number', multipleOf: 0.01 }, false, 'Decimal'],
    ['an integer or a number', { type: ['integer', 'number'] }, false, 'Float'],
    ['a constant', { const: 'a' }, false, 'String'],
    ['no schema', true, false, 'JSON'],
    ['mixed kinds', { type: ['string', 'object'] }, false, 'JSON'],
    ['a map', { type: 'object', additionalProperties: { type: 'integer' } }, false, 'JSON'],
    ['an object without properties', { type: 'object' }, false, 'JSON'],
    ['a list without items', { type: 'array' }, false, '[JSON]'],
    ['a tuple', { type: 'array', items: [{ type: 'string' }] }, false, '[JSON]'],
    ['a list', { type: 'array', items: { type: 'boolean' } }, true, '[Boolean!]!'],
    ['a list with null', { type: 'array', items: { type: ['boolean', 'null'] } }, false, '[Boolean]'],
    ['one or null', { anyOf: [{ type: 'boolean' }, { type: 'null' }] }, true, 'Boolean'],
    ['a reference', { $ref: '#/$defs/Part' }, false, 'Part'],
    ['a reference by anchor', { $ref: '#part' }, false, 'Part'],
    ['a reference to itself', { $ref: '#' }, false, 'Thing'],
    ['a reference to another document', { $ref: 'other.json' }, false, 'JSON'],
    ['all of two', { allOf: [{ $ref: '#/$defs/Part' }, { properties: { b: { type: 'string' } } }] }, false, 'ThingIt'],
    ['a circle of references', { $ref: '#/$defs/Circle' }, false, 'JSON'],
    ['an enum of other texts', { enum: ['', 'ü'] }, false, 'String'],
  ])('%s', (_what, schema, required, type) => {
    const sdl = imported({
      $schema,
      title: 'Thing',
      type: 'object',
      properties: { it: schema, part: { $ref: '#/$defs/Part' } },
      required: required ? ['it'] : [],
      $defs: {
        Part: { $anchor: 'part', type: 'object', properties: { a: { type: 'string' } } },
        Circle: { $ref: '#/$defs/Circle' },
      },
    })
    expect(/^ {2}it: (\S+)/m.exec(sdl)?.[1]).toBe(type)
  })

  test('an enum has a value for all other texts', () => {
    const sdl = imported({ $schema, title: 'Order', properties: { state: { enum: ['in transit', 'OTHER', 7] } } })
    expect(sdl).toContain(
      'enum OrderState {\n  IN_TRANSIT @value(is: "in transit")\n  OTHER\n  _7 @value(is: "7")\n  UNKNOWN @value(unknown: true)\n}',
    )
  })

  test('alternatives of inner objects become one type with what all require', () => {
    const place = (name: string) => ({
      type: 'object',
      required: ['kind', name],
      properties: { kind: { type: 'string' }, [name]: { type: 'string' } },
    })
    const sdl = imported({ $schema, title: 'Visit', properties: { place: { oneOf: [place('city'), place('ship')] } } })
    expect(sdl).toContain('type VisitPlace {\n  kind: String!\n  city: String\n  ship: String\n}')
  })

  test('alternatives of the document become a union if a constant differs', () => {
    const kind = (title: string) => ({ title, properties: { type: { const: title } } })
    const sdl = imported({ $schema, title: 'Order', oneOf: [kind('OrderPaid'), kind('OrderSent')] })
    expect(sdl).toContain('union OrderEvent = OrderPaid | OrderSent')
    expect(sdl).toContain('typeFrom: { body: "/type" }')
  })

  test('schemas that lead back to themselves and multiply end', () => {
    const variants = Array.from({ length: 12 }, () => ({ $ref: '#/$defs/Node' }))
    const copies = Array.from({ length: 8 }, (_, index) => ({
      type: 'object',
      properties: { [`p${index}`]: { $ref: '#/$defs/Node' }, child: { $ref: '#/$defs/Node' } },
    }))
    const sdl = imported({
      $schema,
      title: 'Tree',
      type: 'object',
      properties: { root: { $ref: '#/$defs/Node' }, any: { anyOf: variants } },
      $defs: { Node: { oneOf: [...copies, { type: 'null' }] } },
    })
    expect(sdl.length).toBeLessThan(200_000)
  })
})

describe('messages', () => {
  test('a CloudEvent gives fields for data and envelope', () => {
    const sdl = imported({
      specversion: '1.0',
      id: '1',
      type: 'com.example.order.paid',
      source: '/a',
      data: { total: 1 },
    })
    expect(sdl).toContain('body: "/data", typeFrom: { envelope: "/type" }')
    expect(sdl).toContain('type OrderPaid @eventType(name: "com.example.order.paid")')
  })

  test('an array and lines are several messages', () => {
    const sdl = imported([{ a: 1 }, { a: 2, b: true }])
    expect(sdl).toContain('  a: Int! # in all 2, such as 1\n  b: Boolean # in 1 of 2\n')
    expect(imported('{"a":1}\n{"a":2,"b":true}\n')).toBe(sdl)
  })

  test('a member named type is no JSON Schema by itself', () => {
    expect(imported({ type: 'object', amount: 5 })).toContain('amount: Int!')
  })
})

test.each<[what: string, text: string, message: string]>([
  ['an empty file', '', 'got an empty document'],
  ['plain text', 'hello', 'got a document without objects'],
  ['broken JSON', '{"a": ', 'the document is not JSON'],
  ['broken YAML', 'a: [b', 'the document is neither JSON nor YAML'],
  ['an OpenAPI document', 'openapi: 3.1.0', 'got an OpenAPI document'],
])('refuses %s', (_what, text, message) => {
  expect(() => importDocument(text)).toThrow(message)
})
