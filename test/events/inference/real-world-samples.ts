import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { EventSample, InferenceOptions } from '../../../src/events/inference/event-sample.ts'
import { SeededRandom } from '../seeded-random.ts'

export interface RealWorldShape {
  readonly name: string
  readonly options: InferenceOptions
  readonly samples: readonly EventSample[]
}

const count = 500

/** `body` returns JSON text, so that numbers have digits that JavaScript would drop. */
function shape(
  name: string,
  options: InferenceOptions,
  sample: (random: SeededRandom, index: number) => Omit<EventSample, 'body'> & { readonly body: string },
): RealWorldShape {
  const random = new SeededRandom(17)
  const samples = Array.from({ length: count }, (_, index) => {
    const { body, ...rest } = sample(random, index)
    return { ...rest, body: parseJson(body) }
  })
  return { name, options, samples }
}

const json = JSON.stringify

function time(index: number, digits = 3): string {
  const text = new Date(Date.UTC(2026, 10, 1) + index * 61_234).toISOString()
  return digits === 3 ? text : text.replace('Z', '4321Z')
}

function money(random: SeededRandom): string {
  return `${random.below(400)}.${String(random.below(100)).padStart(2, '0')}`
}

function address(random: SeededRandom): string {
  return json({
    street: `${random.pick(['Lange', 'Kurze', 'Alte'])} Straße ${random.below(90)}`,
    postalCode: String(10_000 + random.below(80_000)),
    city: random.pick(['Berlin', 'Köln', 'Wien']),
    country: random.pick(['DE', 'AT']),
    ...(random.chance(0.3) ? { line2: 'c/o Meyer' } : {}),
  })
}

const orders = shape('order', { exchange: 'orders' }, (random, index) => {
  const region = random.pick(['eu', 'us', 'apac'])
  const status = random.pick(['created', 'paid', 'shipped', 'cancelled'])
  const lines = Array.from({ length: 1 + random.below(3) }, () =>
    [
      `{"sku":"SKU-${random.below(900)}","quantity":${1 + random.below(5)},"unitPrice":${money(random)}`,
      `${random.chance(0.2) ? `,"discount":${money(random)}` : ''}}`,
    ].join(''),
  )
  const body = [
    `"id":"o-${1_000 + index}"`,
    `"customer":{"id":${random.below(90)},"name":"Customer ${random.below(90)}","email":${random.chance(0.9) ? '"c@example.com"' : 'null'}}`,
    `"status":"${status}"`,
    `"currency":"${random.pick(['EUR', 'USD', 'GBP'])}"`,
    `"total":${money(random)}`,
    `"itemCount":${lines.length}`,
    `"lines":[${lines.join(',')}]`,
    `"shippingAddress":${address(random)}`,
    `"billingAddress":${random.chance(0.5) ? address(random) : 'null'}`,
    `"placedAt":"${time(index)}"`,
    ...(status === 'shipped' ? [`"shippedOn":"${time(index).slice(0, 10)}"`] : []),
    `"coupon":null`,
    `"tags":[${random.chance(0.5) ? '"gift"' : ''}]`,
    `"notes":[]`,
    `"loyalty-number":${750_727_362_669_608_000n + BigInt(index)}`,
    `"stock":{"${10_000 + index}":3,"${20_000 + index}":0}`,
  ]
  return {
    routingKey: `orders.${region}.${status}`,
    properties: {
      contentType: 'application/json',
      headers: { 'x-trace-id': random.hex(16), traceparent: '00-1-2-01' },
    },
    body: `{${body.join(',')}}`,
  }
})

const telemetry = shape('telemetry', { exchange: 'telemetry' }, (random, index) => ({
  routingKey: `device.${random.pick(['a', 'b', 'c'])}${random.below(40)}-7.reading`,
  properties: { contentType: 'application/msgpack' },
  body: json({
    ts: Date.UTC(2026, 10, 1) + index * 1_000,
    temperature: Math.round(random.next() * 400) / 10,
    battery: random.below(101),
    rssi: -random.below(90) - 1,
    charging: random.chance(0.2),
    position: { lat: 52.5 + random.next() / 10, lon: 13.4 + random.next() / 10 },
    uptimeNanos: 9_000_000_000 + random.below(1_000_000_000),
    firmware: random.pick(['1.4.0', '1.4.1']),
    ...(random.chance(0.1) ? { fault: random.pick(['SENSOR', 'RADIO']) } : {}),
    samples: Array.from({ length: random.below(4) }, () => random.below(1_000)),
  }),
}))

const audit = shape('audit', { exchange: 'audit-log' }, (random, index) => {
  const eventType = random.pick(['user.login', 'role.granted', 'document.deleted'])
  const details = {
    'user.login': { ip: `10.0.0.${random.below(250)}`, mfa: random.chance(0.5) },
    'role.granted': { role: random.pick(['admin', 'editor', 'viewer']), grantedBy: random.uuid() },
    'document.deleted': { documentId: random.below(100_000), reason: random.chance(0.5) ? 'old' : null },
  }[eventType]
  return {
    routingKey: eventType,
    properties: {
      contentType: 'application/json',
      type: eventType,
      headers: { tenant: random.pick(['acme', 'umbrella']) },
    },
    body: json({
      id: random.uuid(),
      at: time(index),
      actor: { id: random.uuid(), email: 'a@example.com' },
      severity: random.pick(['INFO', 'WARN']),
      ...details,
    }),
  }
})

const cloudEvents = shape('cloud-events', { exchange: 'invoices' }, (random, index) => {
  const type = random.pick(['com.example.invoice.issued.v1', 'com.example.invoice.paid.v1'])
  return {
    routingKey: type,
    properties: { contentType: 'application/cloudevents+json; charset=utf-8' },
    body: json({
      specversion: '1.0',
      id: random.uuid(),
      source: '/billing/eu',
      type,
      subject: `invoice/${index}`,
      time: time(index),
      datacontenttype: 'application/json',
      traceparent: '00-1-2-01',
      partitionkey: String(random.below(8)),
      data: {
        invoiceId: `inv-${index}`,
        amount: { value: random.below(9_000) / 100, currency: 'EUR' },
        ...(type.includes('paid')
          ? { paidAt: time(index), method: random.pick(['card', 'sepa']) }
          : { dueOn: '2026-12-24' }),
      },
    }),
  }
})

const knative = shape('knative', { exchange: 'broker.default', exchangeType: 'HEADERS' }, (random, index) => ({
  routingKey: '',
  properties: {
    contentType: 'application/json',
    headers: {
      'content-type': 'application/json',
      specversion: '1.0',
      id: random.uuid(),
      type: 'dev.example.image.resized',
      source: '/images',
      time: time(index),
    },
  },
  body: json({ imageId: random.uuid(), width: random.below(4_000), height: random.below(4_000) }),
}))

const massTransit = shape(
  'mass-transit',
  { exchange: 'Shop.Contracts:OrderEvent', exchangeType: 'FANOUT' },
  (random, index) => {
    const isPaid = random.chance(0.5)
    const message = isPaid
      ? { orderId: random.uuid(), amount: random.below(90_000) / 100, paidAt: time(index, 7) }
      : {
          orderId: random.uuid(),
          carrier: random.pick(['DHL', 'UPS']),
          parcels: [{ trackingCode: `T${index}`, weight: random.below(900) / 10 + 0.05 }],
        }
    return {
      routingKey: '',
      properties: {
        contentType: 'application/vnd.masstransit+json',
        headers: { 'Content-Type': 'application/vnd.masstransit+json', 'MT-Activity-Id': random.hex(8) },
      },
      body: json({
        messageId: random.uuid(),
        correlationId: random.chance(0.7) ? random.uuid() : null,
        conversationId: random.uuid(),
        sourceAddress: 'rabbitmq://localhost/shop',
        destinationAddress: 'rabbitmq://localhost/Shop.Contracts:OrderEvent',
        messageType: [
          `urn:message:Shop.Contracts:${isPaid ? 'OrderPaid' : 'OrderShipped'}`,
          'urn:message:Shop.Contracts:OrderEvent',
        ],
        message,
        sentTime: time(index, 7),
        headers: {},
        host: { machineName: 'worker-1', processId: 1 },
      }),
    }
  },
)

const spring = shape('spring', { exchange: 'customers', exchangeType: 'DIRECT' }, (random, index) => ({
  routingKey: random.pick(['customer.created', 'customer.renamed']),
  properties: {
    contentType: 'application/json',
    headers: { __TypeId__: 'com.example.crm.events.CustomerChanged', __ContentTypeId__: 'java.lang.Object' },
  },
  body: json({ customerId: index, name: `Customer ${index}`, changedAt: 1_790_000_000 + index }),
}))

/** Messages as programs of seven kinds publish them. */
export const realWorldShapes: readonly RealWorldShape[] = [
  orders,
  telemetry,
  audit,
  cloudEvents,
  massTransit,
  knative,
  spring,
]
