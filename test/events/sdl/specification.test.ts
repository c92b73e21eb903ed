import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { printSchema } from 'graphql'
import { schemaOf } from './reading.ts'

// Section 1 of the specification of typed events, unchanged.
const sdl = readFileSync(new URL('specification.sdl.txt', import.meta.url), 'utf8')
const { schema, federation, remarks } = schemaOf(sdl)

const at = (line: number, column: number) => ({ file: 'e.graphql', line, column })
const body = (...pointer: string[]) => ({ kind: 'body', pointer })
const field = (place: object) => ({ place, as: undefined, allow: [], filterable: false })

test('is read without a remark', () => {
  expect(remarks).toEqual([])
})

test('has both event fields', () => {
  expect([...schema.events.keys()]).toEqual(['orderChanged', 'shipment'])
  expect(schema.events.get('orderChanged')).toEqual({
    name: 'orderChanged',
    location: at(3, 3),
    bindings: [
      {
        exchange: 'orders',
        exchangeType: 'TOPIC',
        routingKey: 'orders.{region}.*',
        pattern: {
          bindingKey: 'orders.*.*',
          words: [{ kind: 'word', text: 'orders' }, { kind: 'capture', name: 'region' }, { kind: 'any' }],
        },
        body: [],
        typeFrom: undefined,
        declare: true,
        location: at(7, 12),
      },
    ],
    conditions: [
      {
        name: 'customerId',
        kind: 'ID',
        enumName: undefined,
        list: false,
        required: true,
        place: body('customer', 'id'),
        owners: [{ kind: 'clientId' }],
        location: at(4, 5),
      },
      {
        name: 'region',
        kind: 'String',
        enumName: undefined,
        list: false,
        required: false,
        place: { kind: 'word', name: 'region' },
        owners: [],
        location: at(5, 5),
      },
      {
        name: 'status',
        kind: 'enum',
        enumName: 'OrderStatus',
        list: true,
        required: false,
        place: body('status'),
        owners: [],
        location: at(6, 5),
      },
    ],
    only: [],
    ownerPlaces: [],
    access: { allow: [], owned: true },
    invalid: 'QUARANTINE',
    gapForm: { kind: 'null' },
    history: false,
    builtIn: {
      after: 'after',
      last: 'last',
      position: 'position',
      autoAck: 'autoAck',
      every: 'every',
      overflow: 'overflow',
      checkpoints: 'checkpoints',
      filter: undefined,
    },
    filterable: false,
  })
  expect(schema.events.get('shipment')).toEqual({
    name: 'shipment',
    location: at(10, 3),
    bindings: [
      {
        exchange: 'shipping',
        exchangeType: 'TOPIC',
        routingKey: 'shipment.{id}.#',
        pattern: {
          bindingKey: 'shipment.*.#',
          words: [{ kind: 'word', text: 'shipment' }, { kind: 'capture', name: 'id' }, { kind: 'anyRest' }],
        },
        body: [],
        typeFrom: undefined,
        declare: true,
        location: at(10, 37),
      },
    ],
    conditions: [
      {
        name: 'id',
        kind: 'ID',
        enumName: undefined,
        list: false,
        required: true,
        place: { kind: 'word', name: 'id' },
        owners: [],
        location: at(10, 12),
      },
    ],
    only: [],
    ownerPlaces: [],
    access: { allow: [{ scopes: ['shipping:read'], anonymous: false }], owned: false },
    invalid: 'QUARANTINE',
    gapForm: { kind: 'member' },
    history: false,
    builtIn: {
      after: 'after',
      last: 'last',
      position: 'position',
      autoAck: 'autoAck',
      every: 'every',
      overflow: 'overflow',
      checkpoints: undefined,
      filter: undefined,
    },
    filterable: false,
  })
})

test('has the mutation that publishes', () => {
  expect([...schema.publications]).toEqual([
    [
      'placeOrder',
      {
        name: 'placeOrder',
        location: at(13, 3),
        exchange: 'commands',
        routingKey: [
          { kind: 'text', text: 'order.place.' },
          { kind: 'argument', path: ['input', 'region'] },
        ],
        type: 'order.place',
        headers: [],
        wrap: undefined,
        access: { allow: [{ scopes: ['orders:write'], anonymous: false }], owned: true },
        bodyArgument: 'input',
        arguments: new Map([['input', { member: 'input', owners: [] }]]),
        mandatory: true,
        idempotencyKey: 'idempotencyKey',
      },
    ],
  ])
  expect(schema.inputs).toEqual(
    new Map([
      [
        'PlaceOrder',
        new Map([
          ['customerId', { member: 'customerId', owners: [{ kind: 'clientId' }] }],
          ['region', { member: 'region', owners: [] }],
          ['lines', { member: 'lines', owners: [] }],
        ]),
      ],
      [
        'PlaceOrderLine',
        new Map([
          ['sku', { member: 'sku', owners: [] }],
          ['quantity', { member: 'quantity', owners: [] }],
        ]),
      ],
    ]),
  )
})

test('has the query that requests', () => {
  expect([...schema.requests]).toEqual([
    [
      'Query.quote',
      {
        name: 'quote',
        location: at(16, 3),
        operation: 'Query',
        exchange: '',
        routingKey: [{ kind: 'text', text: 'pricing.quote' }],
        type: undefined,
        headers: [],
        wrap: undefined,
        access: { allow: [{ scopes: [], anonymous: true }], owned: false },
        bodyArgument: undefined,
        arguments: new Map([
          ['sku', { member: 'sku', owners: [] }],
          ['quantity', { member: 'quantity', owners: [] }],
        ]),
        timeoutMs: 2000,
        body: [],
        entity: false,
        idempotencyKey: undefined,
      },
    ],
  ])
})

test('has the mappings of its types', () => {
  expect(schema.objects).toEqual(
    new Map([
      [
        'Order',
        new Map([
          ['id', field(body('id'))],
          ['customerId', field(body('customer', 'id'))],
          ['status', field(body('status'))],
          ['total', field(body('total'))],
          ['placedAt', field(body('placedAt'))],
          ['traceId', field({ kind: 'header', name: 'x-trace-id' })],
          ['cursor', field({ kind: 'property', property: 'CURSOR' })],
        ]),
      ],
      [
        'ShipmentPacked',
        new Map([
          ['id', field(body('id'))],
          ['weight', field(body('weight'))],
        ]),
      ],
      [
        'ShipmentDelivered',
        new Map([
          ['id', field(body('id'))],
          ['signedBy', field(body('signedBy'))],
        ]),
      ],
      [
        'Quote',
        new Map([
          ['sku', field(body('sku'))],
          ['price', field(body('price'))],
        ]),
      ],
    ]),
  )
  const names = ['CREATED', 'PAID', 'SHIPPED', 'OTHER'].map((name) => [name, name] as const)
  expect(schema.enums.get('OrderStatus')).toEqual({ byText: new Map(names), textOf: new Map(names), unknown: 'OTHER' })
  expect(schema.eventTypes).toEqual(
    new Map([
      ['ShipmentPacked', ['shipment.packed']],
      ['ShipmentDelivered', ['shipment.delivered']],
    ]),
  )
})

test('keeps the directives of federation beside the schema', () => {
  expect(federation).toEqual({
    links: [],
    uses: [{ coordinate: 'Order', name: 'key', args: { fields: 'id', resolvable: true } }],
  })
})

test('has a hash that depends on what the files mean only', () => {
  expect(schema.hash).toMatch(/^[\da-f]{16}$/)
  const [first = '', ...others] = sdl.split(/(?=^type Mutation)/m)
  const moved = schemaOf([...others, `# A comment.\n${first.replace(/"[^"]*"\n/, '"Another description"\n')}`])
  expect(moved.schema.hash).toBe(schema.hash)
  expect(schemaOf(sdl.replace('orders.{region}.*', 'orders.{region}.#')).schema.hash).not.toBe(schema.hash)
})

test('is served beside the schema of Warren', () => {
  const printed = printSchema(schema.schema)
  const root = (name: string) => schema.schema.getRootType(name as never)?.getFields() ?? {}
  expect(Object.keys(root('subscription'))).toEqual(expect.arrayContaining(['channel', 'orderChanged', 'shipment']))
  expect(Object.keys(root('mutation'))).toContain('createClientChannel')
  expect(Object.keys(root('mutation'))).toContain('placeOrder')
  expect(Object.keys(root('query'))).toContain('quote')
  expect(root('subscription')['orderChanged']?.description).toBe(
    'Orders of one customer, as they change. Null means: events are missing here (a gap); read the state again.',
  )
  const args = (type: string, name: string) => root(type)[name]?.args.map((arg) => `${arg.name}: ${String(arg.type)}`)
  expect(args('subscription', 'orderChanged')).toEqual([
    'customerId: ID!',
    'region: String',
    'status: [OrderStatus!]',
    'after: Cursor',
    'last: Int',
    'position: String',
    'autoAck: AutoAck',
    'every: String',
    'overflow: OverflowPolicy',
    'checkpoints: Boolean',
  ])
  expect(args('subscription', 'shipment')).toEqual([
    'id: ID!',
    'after: Cursor',
    'last: Int',
    'position: String',
    'autoAck: AutoAck',
    'every: String',
    'overflow: OverflowPolicy',
  ])
  expect(args('mutation', 'placeOrder')).toEqual(['input: PlaceOrder!', 'idempotencyKey: String'])
  expect(args('query', 'quote')).toEqual(['sku: ID!', 'quantity: Int!'])
  expect(printed).not.toMatch(/@(?!specifiedBy|deprecated|oneOf)\w/)
})
