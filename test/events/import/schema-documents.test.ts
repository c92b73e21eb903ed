import { describe, expect, test } from '@jest/globals'
import { draftOf, fieldsOf, imported, remarksOf, typesOf } from './importing.ts'

const $schema = 'http://json-schema.org/draft-07/schema#'
const text = { type: 'string' }
const kind = (value: unknown, more: object = {}) => ({ properties: { type: { const: value }, ...more } })

describe('a schema of objects', () => {
  test('is named by its title, its reference, its id, or the exchange', () => {
    const properties = { a: text }
    const fieldOf = (document: object, exchange?: string) =>
      fieldsOf({ $schema, ...document }, exchange === undefined ? {} : { exchange }).join()
    expect(fieldOf({ title: 'Price lists', properties })).toContain('  priceListChanged: PriceList @')
    expect(fieldOf({ title: 'Order', $id: 'https://example.com/other', properties })).toContain(': Order @')
    expect(fieldOf({ $ref: '#/definitions/Order', definitions: { Order: { properties } } })).toContain(': Order @')
    const titled = { $ref: '#/definitions/A', definitions: { A: { title: 'Order', properties } } }
    expect(fieldOf(titled)).toContain(': Order @')
    expect(fieldOf({ title: ' ', $id: 'https://example.com/order.schema.json', properties })).toContain(': Order @')
    expect(fieldOf({ title: 7, $id: 'https://example.com/order/', properties })).toContain(': Order @')
    expect(fieldOf({ $id: 'https://example.com/price-list.v2.json#', properties })).toContain(': PriceList @')
    expect(fieldOf({ $id: '#', properties }, 'shop.orders')).toContain(': ShopOrder @events(exchange: "shop.orders")')
    expect(fieldOf({ $id: 7, properties }, 'orders')).toContain('  orderChanged: Order @events(exchange: "orders")')
    expect(fieldOf({ title: '注文', properties }, '注文')).toBe('  changed: Event @events(exchange: "注文")')
  })

  test('has the name of the field that the caller gives', () => {
    const document = { $schema, title: 'Order', properties: { a: text } }
    expect(fieldsOf(document, { field: 'orderEvents' })).toEqual(['  orderEvents: Order @events(exchange: "events")'])
    expect(fieldsOf(document, { field: 'order-events' })).toEqual(['  orderEvents: Order @events(exchange: "events")'])
    expect(fieldsOf(document, { field: 'channel' })).toEqual(['  orderEvents: Order @events(exchange: "events")'])
  })

  test('is reviewed with remarks at the top', () => {
    const document = { $schema, title: 'Order “1”', properties: { a: { ...text, example: 'x' } } }
    const firstLine = (of: object) => draftOf(of).split('\n')[0]
    expect(firstLine(document)).toBe('# A draft from the JSON Schema "Order “1”". Review it before you serve it:')
    expect(firstLine({ ...document, title: undefined })).toBe(
      '# A draft from the JSON Schema. Review it before you serve it:',
    )
    expect(remarksOf(document)).toEqual(['- The exchange "events" is a placeholder.'])
    expect(remarksOf(document, { exchange: 'orders' })).toEqual([])
    expect(draftOf(document)).toContain(
      '\n# - A required property is non-null; a message without it will be quarantined.\n',
    )
    expect(draftOf(document)).toContain('\n# - Without @owner or @allow only operators and tokens with the scope')
  })

  test('shows examples unless they are personal data', () => {
    const document = { $schema, title: 'Order', properties: { a: { ...text, example: 'x' } } }
    expect(typesOf(document)).toContain('  a: String # such as "x"\n')
    expect(typesOf(document, { examples: false })).toContain('  a: String\n')
  })

  test('has its description', () => {
    const document = { $schema, title: 'Order', description: 'What was ordered.', properties: { a: text } }
    expect(typesOf(document)).toBe('"What was ordered."\ntype Order {\n  a: String\n}\n')
  })
})

describe('a schema of other values', () => {
  const item = { properties: { sku: text }, required: ['sku'] }
  const payload = (line: string) => `type Order {\n  payload: ${line}\n}\n`
  test.each<[what: string, schema: object, field: string, types: string]>([
    ['objects', { type: 'array', items: item }, '[Order!]', 'type Order {\n  sku: String!\n}\n'],
    ['objects, without type', { items: item }, '[Order!]', 'type Order {\n  sku: String!\n}\n'],
    ['texts', { type: 'array', items: text }, 'Order', payload('[String!] @from(body: "")')],
    [
      'objects and null',
      { items: { ...item, type: ['object', 'null'] } },
      'Order',
      payload('[OrderPayload] @from(body: "")') + '\ntype OrderPayload {\n  sku: String!\n}\n',
    ],
    ['objects by position', { items: item, prefixItems: [item] }, 'Order', payload('[JSON] @from(body: "")')],
    [
      'objects or one',
      { type: ['array', 'object'], items: item, ...item },
      'Order',
      payload('JSON @from(body: "") # mixed: array, object'),
    ],
    [
      'objects or texts',
      { items: { ...item, type: ['object', 'string'] } },
      'Order',
      payload('[JSON!] @from(body: "") # mixed: object, string'),
    ],
    [
      'a text',
      { type: 'string', enum: ['a', 'b'] },
      'Order',
      payload('OrderPayload @from(body: "")') +
        '\nenum OrderPayload {\n  A @value(is: "a")\n  B @value(is: "b")\n  OTHER @value(unknown: true)\n}\n',
    ],
    [
      'an object or text',
      { type: ['object', 'string'], properties: { a: text } },
      'Order',
      payload('JSON @from(body: "") # mixed: object, string'),
    ],
    ['no properties', { type: 'object' }, 'Order', payload('JSON @from(body: "")')],
    [
      'itself',
      { items: { properties: { parent: { $ref: '#/items' } } } },
      '[Order!]',
      'type Order {\n  parent: Order\n}\n',
    ],
  ])('%s', (_what, schema, field, types) => {
    const document = { $schema, title: 'Order', ...schema }
    expect(fieldsOf(document)).toEqual([`  orderChanged: ${field} @events(exchange: "events")`])
    expect(typesOf(document)).toBe(types)
  })
})

describe('alternatives that a constant distinguishes', () => {
  const order = (...oneOf: object[]) => ({ $schema, title: 'Order', oneOf })

  test('become a union with what the document has for all of them', () => {
    const document = {
      ...order(
        { title: 'Order paid', description: 'Money came.', ...kind('paid') },
        { $ref: '#/$defs/Sent' },
        kind('lost'),
      ),
      type: 'object',
      properties: { id: text, type: text },
      required: ['id'],
      $defs: { Sent: { ...kind('sent', { to: text }), required: ['type'] } },
    }
    expect(imported(document)).toBe(`type Subscription {
  "Null means: events are missing here (a gap); read the state again."
  orderChanged: OrderEvent @events(exchange: "events", typeFrom: { body: "/type" })
}

# Of other types in some members, so that clients need aliases: type
union OrderEvent = OrderPaid | Sent | OrderLost

"Money came."
type OrderPaid @eventType(name: "paid") {
  id: ID!
  type: String
}

type Sent @eventType(name: "sent") {
  id: ID!
  type: String!
  to: String
}

type OrderLost @eventType(name: "lost") {
  id: ID!
  type: String
}
`)
  })

  test.each<[what: string, one: unknown, other: unknown]>([
    ['two constants', { const: 'a' }, { const: 'b' }],
    ['enums of one value', { enum: ['a'] }, { type: 'string', enum: ['b'] }],
    ['a constant elsewhere', { $ref: '#/$defs/A' }, { allOf: [{ const: 'b' }] }],
  ])('by %s', (_what, one, other) => {
    const member = (type: unknown) => ({ properties: { other: { const: 'same' }, type } })
    const document = { ...order(member(one), member(other)), $defs: { A: { const: 'a' } } }
    expect(fieldsOf(document)).toEqual([
      '  orderChanged: OrderEvent @events(exchange: "events", typeFrom: { body: "/type" })',
    ])
    expect(typesOf(document).match(/^type .*/gm)).toEqual([
      'type OrderA @eventType(name: "a") {',
      'type OrderB @eventType(name: "b") {',
    ])
  })

  test('with anyOf, and behind a reference', () => {
    const document = { $schema, $ref: '#/$defs/Order', $defs: { Order: { anyOf: [kind('a'), kind('b')] } } }
    expect(fieldsOf(document)).toEqual([
      '  orderChanged: OrderEvent @events(exchange: "events", typeFrom: { body: "/type" })',
    ])
  })

  test.each<[what: string, ...alternatives: object[]]>([
    ['the same constant', kind('a'), kind('a', { b: text })],
    ['a constant in one only', kind('a'), { properties: { type: text } }],
    ['no property of the other', kind('a'), { properties: { b: text } }],
    ['constants that are numbers', kind(1), kind(2)],
    ['a constant that is empty', kind('a'), kind('')],
    ['a constant that GraphQL cannot hold', kind('a'), kind('\ud800')],
    ['null beside the constant', kind('a'), { properties: { type: { enum: ['b', null] } } }],
    ['several values', kind('a'), { properties: { type: { enum: ['b', 'c'] } } }],
    ['no value', kind('a'), { properties: { type: { enum: [] } } }],
    [
      'a name that GraphQL cannot hold',
      { properties: { '\ud800': { const: 'a' }, a: text } },
      { properties: { '\ud800': { const: 'b' }, a: text } },
    ],
    ['one alternative', kind('a')],
  ])('but are one type with %s', (_what, ...alternatives) => {
    expect(fieldsOf(order(...alternatives))).toEqual(['  orderChanged: Order @events(exchange: "events")'])
  })

  test('but are a payload if one is no object', () => {
    const document = order(kind('a'), { type: 'string' })
    expect(fieldsOf(document)).toEqual(['  orderChanged: Order @events(exchange: "events")'])
    const types = 'type Order {\n  payload: JSON @from(body: "") # mixed: object, string\n}\n'
    expect(typesOf(document)).toBe(types)
    expect(typesOf(order(kind('a'), { ...kind('b'), type: ['object', 'string'] }))).toBe(types)
  })

  test('are members with the same fields, or clients need aliases', () => {
    const document = order(kind('a', { n: { type: 'integer' }, s: text }), kind('b', { n: text, s: text }))
    expect(typesOf(document)).toContain(
      '# Of other types in some members, so that clients need aliases: n\nunion OrderEvent = OrderA | OrderB\n',
    )
  })
})
