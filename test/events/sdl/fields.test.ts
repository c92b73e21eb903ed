import { describe, expect, test } from '@jest/globals'
import { orderField, schemaOf } from './reading.ts'

const eventOf = (sdl: string) => {
  const event = schemaOf(sdl).schema.events.get('order')
  if (!event) throw new Error('no field order')
  return event
}

describe('@events', () => {
  test('makes one stream of several exchanges', () => {
    const { bindings } = eventOf(
      orderField(
        'region: String',
        `@events(exchange: "a", routingKey: "a.{region}", body: "/data/order", declare: false)
         @events(exchange: "b", routingKey: "#.{region}", typeFrom: {envelope: "/type"})`,
      ),
    )
    expect(bindings.map(({ exchange, body, declare, typeFrom }) => ({ exchange, body, declare, typeFrom }))).toEqual([
      { exchange: 'a', body: ['data', 'order'], declare: false, typeFrom: undefined },
      { exchange: 'b', body: [], declare: true, typeFrom: { kind: 'envelope', pointer: ['type'] } },
    ])
  })

  test.each([
    ['TOPIC', '#', '#', [{ kind: 'anyRest' }]],
    ['TOPIC', 'a.*.b', 'a.*.b', [{ kind: 'word', text: 'a' }, { kind: 'any' }, { kind: 'word', text: 'b' }]],
    ['TOPIC', '{id}.#', '*.#', [{ kind: 'capture', name: 'id' }, { kind: 'anyRest' }]],
    [
      'TOPIC',
      'a.{id#}',
      'a.#',
      [
        { kind: 'word', text: 'a' },
        { kind: 'rest', name: 'id' },
      ],
    ],
    [
      'DIRECT',
      'a.b',
      'a.b',
      [
        { kind: 'word', text: 'a' },
        { kind: 'word', text: 'b' },
      ],
    ],
    ['FANOUT', '#', '', [{ kind: 'anyRest' }]],
    ['HEADERS', '#', '', [{ kind: 'anyRest' }]],
  ])('on a %s exchange takes the routing key %s', (type, key, bindingKey, words) => {
    const { bindings } = eventOf(
      orderField('id: ID', `@events(exchange: "a", exchangeType: ${type}, routingKey: "${key}")`),
    )
    expect(bindings[0]?.pattern).toEqual({ bindingKey, words })
  })

  test('names exchanges of the environment', () => {
    const exchangeMap = new Map([['orders', 'prod.orders.v2']])
    const { schema } = schemaOf(`${orderField('')}\ntype Mutation { order: Published! @publish(exchange: "orders") }`, {
      exchangeMap,
    })
    expect(schema.events.get('order')?.bindings[0]?.exchange).toBe('prod.orders.v2')
    expect(schema.publications.get('order')?.exchange).toBe('prod.orders.v2')
  })
})

describe('@owner, @only and @allow', () => {
  test('of an event field', () => {
    const event = eventOf(
      orderField(
        'id: ID! @owner(claim: "sub") @owner(claim: "/tenant/id")',
        `@events(exchange: "a") @owner(header: "x-tenant", claim: "tenant") @owner(property: APP_ID)
         @only(property: TYPE, in: ["a", "b"]) @allow(scopes: ["room:{id}", "read"]) @allow`,
      ),
    )
    expect(event.conditions[0]?.owners).toEqual([
      { kind: 'claim', pointer: ['sub'] },
      { kind: 'claim', pointer: ['tenant', 'id'] },
    ])
    expect(event.ownerPlaces).toEqual([
      { claim: { kind: 'claim', pointer: ['tenant'] }, place: { kind: 'header', name: 'x-tenant' } },
      { claim: { kind: 'clientId' }, place: { kind: 'property', property: 'APP_ID' } },
    ])
    expect(event.only).toEqual([{ place: { kind: 'property', property: 'TYPE' }, in: ['a', 'b'] }])
    expect(event.access).toEqual({
      owned: true,
      allow: [
        { scopes: ['room:{id}', 'read'], anonymous: false },
        { scopes: [], anonymous: false },
      ],
    })
  })

  test('of an input type at any depth belong to the field', () => {
    const { schema } = schemaOf(`
      type Mutation { order(a: [A!]): Published! @publish(exchange: "a") other(c: C): Published! @publish(exchange: "a") }
      input A { b: [B], a: A } input B { id: ID @owner } input C { id: ID }`)
    expect(schema.publications.get('order')?.access.owned).toBe(true)
    expect(schema.publications.get('other')?.access.owned).toBe(false)
  })
})

test('@from, @allow and @filterable of a field', () => {
  const { schema } = schemaOf(`
    type Subscription { order: Order @events(exchange: "a", routingKey: "{region}") }
    type Order {
      at: DateTime! @from(envelope: "/meta/time", as: EPOCH_SECONDS)
      millis: DateTime @from(as: EPOCH_MILLIS)
      whole: JSON @from(body: "")
      region: String! @from(word: "region") @filterable
      total: Decimal @allow(scopes: ["finance"]) @allow(scopes: ["audit", "read"])
    }`)
  const rules = (...scopes: string[][]) => scopes.map((each) => ({ scopes: each, anonymous: false }))
  expect(schema.objects.get('Order')).toEqual(
    new Map([
      [
        'at',
        { place: { kind: 'envelope', pointer: ['meta', 'time'] }, as: 'EPOCH_SECONDS', allow: [], filterable: false },
      ],
      ['millis', { place: { kind: 'body', pointer: ['millis'] }, as: 'EPOCH_MILLIS', allow: [], filterable: false }],
      ['whole', { place: { kind: 'body', pointer: [] }, as: undefined, allow: [], filterable: false }],
      ['region', { place: { kind: 'word', name: 'region' }, as: undefined, allow: [], filterable: true }],
      [
        'total',
        {
          place: { kind: 'body', pointer: ['total'] },
          as: undefined,
          allow: rules(['finance'], ['audit', 'read']),
          filterable: false,
        },
      ],
    ]),
  )
})

test('@value maps the texts of an enum', () => {
  const { schema } = schemaOf('enum Status { PAID @value(is: "1") OPEN OTHER @value(is: "?", unknown: true) }')
  expect(schema.enums.get('Status')).toEqual({
    byText: new Map([
      ['1', 'PAID'],
      ['OPEN', 'OPEN'],
      ['?', 'OTHER'],
    ]),
    textOf: new Map([
      ['PAID', '1'],
      ['OPEN', 'OPEN'],
      ['OTHER', '?'],
    ]),
    unknown: 'OTHER',
  })
})

test.each([
  ['SNAKE', 'customer_id', 'line2', 'http_server', '_id'],
  ['KEBAB', 'customer-id', 'line2', 'http-server', '_id'],
  ['PASCAL', 'CustomerID', 'Line2', 'HTTPServer', '_Id'],
])('@naming(case: %s) gives the names of members', (style, ...members) => {
  const names = ['customerID', 'line2', 'HTTPServer', '_id']
  const { schema } = schemaOf(`
    extend schema @naming(case: ${style})
    type Subscription { order(customerID: ID): Order @events(exchange: "a") }
    type Mutation { send(customerID: ID, b: ID): Published! @publish(exchange: "a") }
    type Order { ${names.map((name) => `${name}: ID`).join(' ')} own: ID @from(body: "/ownName") }
    input Input { customerID: ID }`)
  const pointers = [...(schema.objects.get('Order')?.values() ?? [])].map(
    ({ place }) => 'pointer' in place && place.pointer[0],
  )
  expect(pointers).toEqual([...members, 'ownName'])
  expect(schema.events.get('order')?.conditions[0]?.place).toEqual({ kind: 'body', pointer: [members[0]] })
  expect(schema.publications.get('send')?.arguments.get('customerID')?.member).toBe(members[0])
  expect(schema.inputs.get('Input')?.get('customerID')?.member).toBe(members[0])
})

test('@publish and @request describe messages', () => {
  const { schema } = schemaOf(`
    type Mutation {
      send(id: ID!, kind: Kind): Published!
        @publish(exchange: "a", routingKey: "x-{kind}.{id}", mandatory: false, wrap: "{\\"id\\": 1.10, \\"data\\": \\"{body}\\"}",
          headers: [{name: "tenant", value: "t-{claim:/tenant/id}"}, {name: "from", value: "{claim:name}"}])
      ask(id: ID!): Answer @request(exchange: "rpc", routingKey: "ask", timeout: "1m", body: "/result")
    }
    type Query { order(id: ID!): Order @request(routingKey: "order", entity: true) }
    enum Kind { A }
    type Answer { ok: Boolean }
    type Order @key(fields: "id") @key(fields: "sku") { id: ID! sku: ID }`)
  const send = schema.publications.get('send')
  expect(send?.routingKey).toEqual([
    { kind: 'text', text: 'x-' },
    { kind: 'argument', path: ['kind'] },
    { kind: 'text', text: '.' },
    { kind: 'argument', path: ['id'] },
  ])
  expect(send?.headers).toEqual([
    {
      name: 'tenant',
      value: [
        { kind: 'text', text: 't-' },
        { kind: 'claim', pointer: ['tenant', 'id'] },
      ],
    },
    { name: 'from', value: [{ kind: 'claim', pointer: ['name'] }] },
  ])
  expect(JSON.stringify(send?.wrap)).toBe('{"id":"1.10","data":"{body}"}')
  expect(send).toMatchObject({ mandatory: false, bodyArgument: undefined, idempotencyKey: 'idempotencyKey' })
  expect(schema.requests.get('Mutation.ask')).toMatchObject({
    exchange: 'rpc',
    timeoutMs: 60_000,
    body: ['result'],
    entity: false,
    idempotencyKey: 'idempotencyKey',
  })
  expect(schema.requests.get('Query.order')).toMatchObject({
    entity: true,
    timeoutMs: 5_000,
    idempotencyKey: undefined,
  })
})

test('a sole member of a union needs no event type', () => {
  const { schema } = schemaOf(`${orderField('', '@events(exchange: "a")', 'Event')} union Event = Order | EventGap`)
  expect(schema.eventTypes.size).toBe(0)
})
