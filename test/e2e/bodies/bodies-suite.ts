import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { expect } from '@jest/globals'
import amqp from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { freePort } from '../../support/network/ports.ts'
import { type PikaProperties, startBackEnd } from '../back-end/back-end.ts'
import { type DeliveredEvent, listen } from '../back-end/graphql-caller.ts'

interface Body {
  readonly name: string
  readonly body: Buffer
  readonly contentType?: string
  readonly contentEncoding?: string
}

interface Deliverable extends Body {
  readonly data: unknown
  /** The delivered content type. Undefined: as published. */
  readonly deliveredType?: string | null
}

interface Poison extends Body {
  readonly reason: string
}

export const json = 'application/json'
const octets = 'application/octet-stream'
const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const none = Buffer.alloc(0)
export const long = 'y'.repeat(1024 * 1024)
export const unicode = {
  emoji: '👩‍👩‍👧 🏳️‍🌈',
  rtl: 'مرحبا ‏שלום',
  nul: 'a\u0000b',
  line: '\u2028',
  half: '\ud800',
  'ключ ': '\u{10ffff}',
}

export function nested(levels: number): string {
  return `${'['.repeat(levels)}${']'.repeat(levels)}`
}

export function jsonOf(data: unknown): Buffer {
  return Buffer.from(JSON.stringify(data))
}

export const deliverable: Deliverable[] = [
  {
    name: 'JSON',
    body: Buffer.from(' {"a": [1, 2.5, null, true, "x"]}\n'),
    contentType: json,
    data: { a: [1, 2.5, null, true, 'x'] },
  },
  { name: 'JSON that is no object', body: Buffer.from('0'), contentType: json, data: 0 },
  { name: 'JSON with a character set', body: jsonOf('ü'), contentType: 'application/JSON; charset=utf-8', data: 'ü' },
  { name: 'JSON behind a byte order mark', body: Buffer.from('\ufeff{"bom":1}'), contentType: json, data: { bom: 1 } },
  {
    name: 'JSON with a character set for an encoding',
    body: jsonOf(1),
    contentType: json,
    contentEncoding: 'utf-8',
    data: 1,
  },
  { name: 'JSON of all kinds of characters', body: jsonOf(unicode), contentType: json, data: unicode },
  {
    name: 'JSON with names that mean something in JavaScript',
    body: Buffer.from('{"__proto__":{"a":1},"constructor":2}'),
    contentType: json,
    data: JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
  },
  { name: 'JSON of 1 MiB', body: jsonOf({ long }), contentType: json, data: { long } },
  { name: 'JSON of 999 levels', body: Buffer.from(nested(999)), contentType: json, data: JSON.parse(nested(999)) },
  { name: 'text', body: Buffer.from('grüß dich\n\u0000 👋'), contentType: 'text/plain', data: 'grüß dich\n\u0000 👋' },
  { name: 'text that looks like JSON', body: Buffer.from('{"a":1}'), contentType: 'text/csv', data: '{"a":1}' },
  {
    name: 'text in Latin-1',
    body: Buffer.from('grüß dich', 'latin1'),
    contentType: 'text/plain; charset=iso-8859-1',
    data: 'grüß dich',
  },
  { name: 'bytes', body: bytes, contentType: octets, data: bytes.toString('base64') },
  { name: 'bytes of another kind', body: bytes, contentType: 'image/png', data: bytes.toString('base64') },
  {
    name: 'gzip of JSON',
    body: gzipSync(jsonOf({ zip: long })),
    contentType: json,
    contentEncoding: 'gzip',
    data: { zip: long },
  },
  { name: 'gzip of text', body: gzipSync('grüß'), contentType: 'text/plain', contentEncoding: 'gzip', data: 'grüß' },
  { name: 'gzip of nothing', body: gzipSync(none), contentType: json, contentEncoding: 'GZIP', data: null },
  { name: 'deflate', body: deflateSync(jsonOf([1])), contentType: json, contentEncoding: 'deflate', data: [1] },
  { name: 'brotli', body: brotliCompressSync(jsonOf([2])), contentType: json, contentEncoding: 'br', data: [2] },
  { name: 'empty JSON', body: none, contentType: json, data: null },
  { name: 'empty text', body: none, contentType: 'text/plain', data: '' },
  { name: 'empty bytes', body: none, contentType: octets, data: '' },
  { name: 'nothing at all', body: none, data: null, deliveredType: null },
  { name: 'JSON without a content type', body: jsonOf({ a: 1 }), data: { a: 1 }, deliveredType: null },
  { name: 'bytes without a content type', body: bytes, data: bytes.toString('base64'), deliveredType: octets },
]

export const poison: Poison[] = [
  { name: 'broken JSON labelled JSON', body: Buffer.from('{"a": 1,}'), contentType: json, reason: 'broken-json' },
  { name: 'half of a JSON', body: jsonOf({ long }).subarray(0, 1000), contentType: json, reason: 'broken-json' },
  {
    name: 'JSON that is not UTF-8',
    body: Buffer.from('"gr\xfc\xdf"', 'latin1'),
    contentType: json,
    reason: 'broken-json',
  },
  { name: 'JSON of 100,000 levels', body: Buffer.from(nested(100_000)), contentType: json, reason: 'too-deep' },
  {
    name: 'an unknown encoding',
    body: jsonOf(1),
    contentType: json,
    contentEncoding: 'compress',
    reason: 'unknown-encoding',
  },
  { name: 'invalid gzip', body: jsonOf(1), contentType: json, contentEncoding: 'gzip', reason: 'broken-encoding' },
  {
    name: 'gzip that was cut',
    body: gzipSync(long).subarray(0, 200),
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    reason: 'broken-encoding',
  },
  { name: 'nothing labelled gzip', body: none, contentType: json, contentEncoding: 'gzip', reason: 'broken-encoding' },
  {
    name: 'a zip bomb',
    body: gzipSync(Buffer.alloc(65 * 1024 * 1024)),
    contentType: octets,
    contentEncoding: 'gzip',
    reason: 'too-large',
  },
]

/** Each valid body lies between two others, so that poison and valid bodies alternate. */
export const order = [
  ...poison.flatMap((one, index) => [one, ...deliverable.slice(3 * index, 3 * index + 3)]),
  ...deliverable.slice(3 * poison.length),
]
export const neighbour = (index: number) => ({ neighbour: index })

/** Exactly what a subscriber must receive. */
export const expected = order.flatMap((body, index) => [
  ...('data' in body
    ? [
        {
          name: body.name,
          data: body.data,
          contentType: body.deliveredType === undefined ? (body.contentType ?? null) : body.deliveredType,
        },
      ]
    : []),
  { name: `the neighbour behind ${body.name}`, data: neighbour(index), contentType: json },
])

export function deliveredBodies(events: readonly DeliveredEvent[]): unknown[] {
  return events.map(({ data, contentType }, index) => ({ name: expected[index]?.name, data, contentType }))
}

/** The values of one metric, by label. */
export async function quarantinedBy(opsPort: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
  const lines = text.matchAll(/^warren_messages_quarantined_total\{reason="([\w-]+)"\} (\d+)$/gm)
  return new Map(
    [...lines].map(([, reason = '', count]) => [reason, Number(count)] as const).filter(([, count]) => count > 0),
  )
}

export const countedPoison = new Map<string, number>()
for (const { reason } of poison) countedPoison.set(reason, (countedPoison.get(reason) ?? 0) + 1)

export async function aliceAt(gateway: InProcessGateway) {
  const hub = watchHub(gateway.gateway.hub)
  const alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), { clientId: 'alice' })
  await hub.until(1)
  return alice
}

/**
 * Publishes all bodies: deliverable ones arrive in order, and the others are unchanged in the
 * quarantine.
 */
export async function bodiesThroughRabbit(url: string): Promise<void> {
  const opsPort = await freePort()
  await using gateway = await openGateway({ WARREN_BROKER_URL: url, WARREN_OPS_PORT: String(opsPort) })
  await eventually('the gateway to be ready', () => gateway.gateway.up)
  await using alice = await aliceAt(gateway)
  await using python = await startBackEnd(url)
  const connection = await amqp.connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()

  for (const [index, { name, body, contentType, contentEncoding }] of order.entries()) {
    await python.publish('warren.events', 'client.alice', body, {
      ...(contentType === undefined ? {} : { content_type: contentType }),
      ...(contentEncoding === undefined ? {} : { content_encoding: contentEncoding }),
      ...propertiesOf(name, index),
    })
    channel.publish('warren.events', 'client.alice', jsonOf(neighbour(index)), { contentType: json })
    await channel.waitForConfirms()
  }
  const received = await alice.take(expected.length)
  expect(deliveredBodies(received)).toEqual(expected)

  const queue = 'warren.quarantine'
  await eventually(
    'all poison in the quarantine',
    async () => (await channel.checkQueue(queue)).messageCount >= poison.length,
  )
  for (const { name, body, contentType, contentEncoding, reason } of poison) {
    const message = await channel.get(queue, { noAck: true })
    if (!message) throw new Error(`${name} is not in the quarantine`)
    const index = order.findIndex((other) => other.name === name)
    const { headers, ...properties } = message.properties
    expect({ name, reason: headers?.['x-warren-reason'] as unknown }).toEqual({ name, reason })
    expect(message.content.equals(body)).toBe(true)
    expect(message.fields.routingKey).toBe('client.alice')
    expect(headers).toMatchObject({ 'x-warren-exchange': 'warren.events', 'x-shop': name, 'x-count': index })
    expect(properties).toMatchObject({
      contentType,
      contentEncoding,
      messageId: `message-${index}`,
      correlationId: `correlation-${index}`,
      type: 'body',
      timestamp: 1_700_000_000 + index,
      replyTo: 'answers',
      appId: 'the shop',
      priority: 3,
    })
  }
  expect(await channel.get(queue, { noAck: true })).toBe(false)
  expect(await quarantinedBy(opsPort)).toEqual(countedPoison)
  expect(alice.operation.waiting).toEqual([])
  await connection.close()
}

/**
 * Bytes in a header are base64, however RabbitMQ stored them in its stream, and text stays text.
 */
export async function binaryHeadersThroughRabbit(url: string): Promise<void> {
  await using gateway = await openGateway({ WARREN_BROKER_URL: url })
  await eventually('the gateway to be ready', () => gateway.gateway.up)
  await using alice = await aliceAt(gateway)
  const connection = await amqp.connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  const headers = { bytes: Buffer.from([0, 255, 1]), all: bytes, text: 'grüß \ufffd', number: 7 }
  channel.publish('warren.events', 'client.alice', jsonOf(1), { contentType: json, headers })
  await channel.waitForConfirms()
  const [event] = await alice.take(1)
  expect(event?.headers).toEqual({ ...headers, bytes: 'AP8B', all: bytes.toString('base64') })
  await connection.close()
}

function propertiesOf(name: string, index: number): PikaProperties {
  return {
    message_id: `message-${index}`,
    correlation_id: `correlation-${index}`,
    type: 'body',
    timestamp: 1_700_000_000 + index,
    reply_to: 'answers',
    app_id: 'the shop',
    user_id: 'guest',
    // The journal does not expire messages by it, and the quarantine must not, because an operator
    // looks at them.
    expiration: '1',
    priority: 3,
    headers: { 'x-shop': name, 'x-count': index },
  }
}
