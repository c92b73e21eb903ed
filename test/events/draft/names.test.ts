import { describe, expect, test } from '@jest/globals'
import { nameOfKind } from '../../../src/events/draft/kind-names.ts'
import {
  camelCase,
  enumValueName,
  eventTypeName,
  fieldName,
  isFieldName,
  pascalCase,
  reservedSubscriptions,
  reservedTypes,
  singular,
  singularWords,
  typeName,
  UniqueNames,
  wordsOf,
  wordsOfSchema,
} from '../../../src/events/draft/names.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'
import { printedMistakes } from '../sdl/reading.ts'

test.each<[text: string, words: string]>([
  ['orderId', 'order id'],
  ['order-id', 'order id'],
  ['ORDER_ID', 'order id'],
  ['HTTPServer2Port', 'http server2 port'],
  ['X509', 'x509'],
  ['XMLHttpRequest', 'xml http request'],
  ['line2item', 'line2 item'],
  ['2fa', '2 fa'],
  ['10/20', '10 20'],
  ['Größe', 'gro e'],
  ['café', 'cafe'],
  ['ﬁrst', 'first'],
  ['注文', ''],
  ['', ''],
])('the words of %j are %j', (text, words) => {
  expect(wordsOf(text).join(' ')).toBe(words)
})

test.each<[reference: string | undefined, title: string | undefined, words: string]>([
  ['OrderLine', 'A line', 'order line'],
  ['order-line', undefined, 'order line'],
  [undefined, 'A line', 'a line'],
  [undefined, undefined, ''],
  ['com.example.OrderLine', 'A line', 'a line'],
  ['com.example.OrderLine', undefined, 'order line'],
  ['Outer$Inner', undefined, 'inner'],
  ['shop/OrderLine', undefined, 'order line'],
  ['shop:Order', undefined, 'order'],
  ['shop.HTTPServer', undefined, 'http server'],
  ['shop.Id', undefined, 'id'],
  ['shop+Order', undefined, 'order'],
  ['order.line', undefined, 'order line'],
  ['order.Line2', undefined, 'line2'],
  ['order.LINE', undefined, 'order line'],
  ['order.lineItem', undefined, 'order line item'],
  ['Order.', undefined, 'order'],
  ['order.É-Line', undefined, 'order e line'],
  [undefined, 'com.example.Order', 'order'],
])('the words of the schema %s with the title %s are %j', (reference, title, words) => {
  expect(wordsOfSchema(reference, title).join(' ')).toBe(words)
})

test.each<[many: string, one: string]>([
  ['lines', 'line'],
  ['entries', 'entry'],
  ['series', 'sery'],
  ['ties', 'tie'],
  ['addresses', 'address'],
  ['boxes', 'box'],
  ['quizzes', 'quizz'],
  ['batches', 'batch'],
  ['wishes', 'wish'],
  ['houses', 'house'],
  ['address', 'address'],
  ['status', 'status'],
  ['analysis', 'analysis'],
  ['news', 'news'],
  ['gas', 'gas'],
  ['ids', 'ids'],
  ['cats', 'cat'],
  ['line', 'line'],
  ['chessboards', 'chessboard'],
])('one of %s is %s', (many, one) => {
  expect(singular(many)).toBe(one)
  expect(singularWords(['new', 'price', many])).toEqual(['new', 'price', one])
})

test('no words have no singular', () => {
  expect(singularWords([])).toEqual([])
})

describe('names are valid', () => {
  const long = Array.from({ length: 20 }, () => 'word')

  test('in their notation', () => {
    expect(pascalCase(['order', 'id'])).toBe('OrderId')
    expect(camelCase(['order', 'id'])).toBe('orderId')
    expect(camelCase([])).toBe('')
  })

  test.each<[member: string, name: string]>([
    ['orderId', 'orderId'],
    ['order_id', 'order_id'],
    ['_id', '_id'],
    ['__id', 'id'],
    ['order-id', 'orderId'],
    ['2fa', '_2Fa'],
    ['注文', 'field'],
    ['a'.repeat(60), 'a'.repeat(60)],
    ['a'.repeat(61), 'a'.repeat(60)],
    [`${'a'.repeat(60)}-`, 'a'.repeat(60)],
  ])('the field of the member %s is %s', (member, name) => {
    expect(fieldName(member)).toBe(name)
    expect(isFieldName(member)).toBe(member === name)
    expect(isFieldName(name)).toBe(true)
  })

  test('of types, of events, and without words', () => {
    expect(typeName(['order', 'line'])).toBe('OrderLine')
    expect(typeName(['2', 'fa'])).toBe('_2Fa')
    expect(typeName([])).toBe('Event')
    expect(typeName([], 'Other')).toBe('Other')
    expect(fieldName('', 'header')).toBe('header')
    expect(typeName(long)).toBe('Word'.repeat(15))
    expect(eventTypeName(['order'])).toBe('OrderEvent')
    expect(eventTypeName(['order', 'event'])).toBe('OrderEvent')
    expect(eventTypeName(['order', 'state', 'event'])).toBe('OrderStateEvent')
    expect(eventTypeName(['order', 'event', 'log'])).toBe('OrderEventLogEvent')
    expect(eventTypeName([])).toBe('Event')
  })

  test.each<[text: string, name: string]>([
    ['in-transit', 'IN_TRANSIT'],
    ['in  transit!', 'IN_TRANSIT_'],
    ['2nd', '_2ND'],
    ['a2', 'A2'],
    ['__a', '_A'],
    ['注', '_'],
    ['', ''],
  ])('the enum value for %j is %j', (text, name) => {
    expect(enumValueName(text)).toBe(name)
  })
})

describe('unique names', () => {
  test('are the first candidate that is free, else the last one with a number', () => {
    const names = new UniqueNames(['Query'])
    expect(names.has('Query')).toBe(true)
    expect(names.has('Order')).toBe(false)
    expect(names.take('Query', 'Order', 'OrderEvent')).toBe('Order')
    expect(names.has('Order')).toBe(true)
    expect(names.take('Query', 'Order', 'OrderEvent')).toBe('OrderEvent')
    expect(names.take('Query', 'Order', 'OrderEvent')).toBe('OrderEvent2')
    expect(names.take('Query', 'Order', 'OrderEvent')).toBe('OrderEvent3')
    expect(names.take('Query')).toBe('Query2')
  })

  test('separate numbers', () => {
    const names = new UniqueNames(['line2', 'v2x'])
    expect(names.take('line2')).toBe('line2_2')
    expect(names.take('line2')).toBe('line2_3')
    expect(names.take('v2x')).toBe('v2x2')
  })

  test('are none that the gateway refuses', () => {
    const types = Object.keys(coreSchema.getTypeMap()).filter((name) => !name.startsWith('_'))
    const fields = Object.keys(coreSchema.getSubscriptionType()?.getFields() ?? {})
    const refusedIn = (sdl: string) => printedMistakes(sdl).flatMap((one) => /(\w+)"? is taken by/.exec(one)?.[1] ?? [])
    const event = 'type Subscription { a: A @events(exchange: "a") } type A { a: ID }'
    const refusedTypes = refusedIn(`${event} ${types.map((name) => `type ${name} { a: ID }`).join(' ')}`)
    expect(refusedTypes).toContain('Presence')
    expect(refusedTypes.filter((name) => !reservedTypes.includes(name))).toEqual([])
    const refused = refusedIn(
      `${event} extend type Subscription { ${fields.map((name) => `${name}: A @events(exchange: "a")`).join(' ')} }`,
    )
    expect(refused).toContain('presenceChanged')
    expect(refused.filter((name) => !reservedSubscriptions.includes(name))).toEqual([])
  })
})

describe('the type for', () => {
  const base = ['order']
  test.each<[eventType: string, name: string]>([
    ['com.example.OrderPaid', 'OrderPaid'],
    ['urn:message:Shop:OrderPaid', 'OrderPaid'],
    ['Shop.OrderPaid, Shop.Contracts', 'OrderPaid'],
    ['Shop.Orders+Paid', 'Paid'],
    ['Shop.Orders$Paid', 'Paid'],
    ['https://example.com/events#OrderPaid', 'OrderPaid'],
    ['shop.OrderPaid.', 'OrderPaid'],
    ['shop.HTTPPaid', 'HttpPaid'],
    ['shop.OrderV2', 'OrderV2'],
    ['shop.IDs', 'IDs'],
    ['shop.Io', 'Io'],
    ['shop.xOrder', 'ShopXOrder'],
    ['shop.Order-paid', 'ShopOrderPaid'],
    ['.com.example.order.paid', 'OrderPaid'],
    ['com.example.order.paid', 'OrderPaid'],
    ['com.example.order.paid.v1', 'OrderPaidV1'],
    ['com.paid', 'ComPaid'],
    ['shop.order.paid', 'ShopOrderPaid'],
    ['order.paid', 'OrderPaid'],
    ['orders.paid', 'OrderPaid'],
    ['orders.cancelled.by.user', 'OrderCancelledByUser'],
    ['paid', 'OrderPaid'],
    ['PAID', 'OrderPaid'],
    ['A', 'OrderA'],
    ['order/paid', 'OrderPaid'],
    ['', 'Order'],
    ['注', 'Order'],
    ['...', 'Order'],
  ])('the event type %s of an order is %s', (eventType, name) => {
    expect(nameOfKind([eventType], base)[0]).toBe(name)
  })

  test('one event type that is taken begins with the base', () => {
    expect(nameOfKind(['Paid'], base)).toEqual(['Paid', 'OrderPaid'])
    expect(nameOfKind([], base)).toEqual(['Event', 'Order'])
  })

  test('event types of longer bases', () => {
    expect(nameOfKind(['shop.orders.paid'], ['shop', 'order'])[0]).toBe('ShopOrderPaid')
    expect(nameOfKind(['shops.user.paid'], ['shop', 'order'])[0]).toBe('ShopsUserPaid')
    expect(nameOfKind(['user.paid'], [])[0]).toBe('UserPaid')
  })

  test('several event types joins what differs', () => {
    expect(nameOfKind(['order.paid', 'order.sent'], base)).toEqual(['OrderPaidOrSent', 'OrderPaidEtc'])
    expect(nameOfKind(['order.paid', 'order.sent', 'order.lost'], base)[0]).toBe('OrderPaidOrSentOrLost')
    expect(nameOfKind(['UserMoved', 'AddressChanged'], base)[0]).toBe('UserMovedOrAddressChanged')
    expect(nameOfKind(['order.paid', 'order.paid.late'], base)[0]).toBe('OrderPaidOrLate')
    expect(nameOfKind(['order.paid', 'order_paid'], base)).toEqual(['OrderPaid', 'OrderOrderPaid'])
  })

  test('more than three is a change', () => {
    const four = (prefix: string) => ['a', 'b', 'c', 'd'].map((name) => `${prefix}${name}`)
    expect(nameOfKind(four('user.'), base)).toEqual(['UserChange', 'OrderOther'])
    expect(
      nameOfKind(
        ['UserA', 'ItemB', 'FooC', 'BarD'].map((name) => `${name}aa`),
        base,
      ),
    ).toEqual(['OrderChange', 'OrderOther'])
  })
})
