import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { ConsumeMessage, Options } from 'amqplib'
import { parseAddress } from '../../../../src/brokers/rabbitmq/connection/address.ts'
import { connect } from '../../../../src/brokers/rabbitmq/connection/connect.ts'
import { type Delivery, DeliveryReader } from '../../../../src/brokers/rabbitmq/message/delivery-reader.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { splittingProxy } from '../../../support/network/splitting-proxy.ts'
import { rabbit, type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { plainConnection, take } from '../connections.ts'

let vhost: TestVhost

beforeAll(async () => {
  vhost = await testVhost('deliveries')
})
afterAll(() => vhost.close())

/** As the parameter `reader` of a broker's URL spells them. */
const readers = ['in-place', 'amqplib']

/**
 * A connection that reads messages for the consumer `ours` with our reader, and others with
 * amqplib.
 */
async function reader(change: (url: URL) => void = () => {}) {
  const url = new URL(vhost.url)
  change(url)
  const address = parseAddress(url.href)
  const deliveries = new DeliveryReader(address.readInPlace)
  const connection = await connect(address, 'deliveries', 10_000, new AbortController(), deliveries)
  const ended = new Promise<string>((resolve) => connection.on('close', () => resolve('ended')))
  connection.on('error', () => {})
  const ours = new Inbox<Delivery>('what our reader reads')
  deliveries.intercept('ours', (delivery) => ours.push(delivery))
  return { connection, deliveries, ours, onMessage: deliveries.callback('ours', () => {}), ended }
}

const everyType = {
  text: 'Grüße, 世界',
  empty: '',
  yes: true,
  no: false,
  nothing: null,
  whole: 7,
  negative: -7,
  large: 2 ** 40,
  negativeLarge: -(2 ** 40),
  fraction: 1.5,
  byte: { '!': 'byte', value: -8 },
  short: { '!': 'short', value: -300 },
  int: { '!': 'int', value: -70_000 },
  long: { '!': 'long', value: -5_000_000_000 },
  float: { '!': 'float', value: 0.25 },
  decimal: { '!': 'decimal', value: { places: 2, digits: 314 } },
  time: { '!': 'timestamp', value: 1_700_000_000 },
  bytes: Buffer.from([0, 255, 206]),
  list: ['a', 1, null, [true]],
  table: { inner: { deep: 'x' }, list: [] },
  'x-stream-offset': 'not a number',
}

const properties: readonly Options.Publish[] = [
  {},
  { contentType: 'application/json' },
  { contentType: 'text/plain', headers: everyType, persistent: true },
  {
    contentType: 'application/json',
    contentEncoding: 'gzip',
    priority: 3,
    correlationId: 'c',
    replyTo: 'r',
    expiration: '60000',
    messageId: 'm-ä',
    timestamp: 1_700_000_000,
    type: 't',
    userId: 'guest',
    appId: 'a',
    headers: { one: 1 },
  },
]

/** Around the size of a frame (4,096 bytes) and of a socket read (64 KiB). */
const sizes = [0, 1, 200, 4_087, 4_088, 4_089, 9_000, 70_000]

/** The parts of a message that both readers must agree on. */
function asRead({ fields, properties, content }: ConsumeMessage): object {
  const { headers = {}, timestamp } = properties
  const known: Record<string, unknown> = { headers }
  for (const name of Object.keys(propertiesRead)) known[name] = (properties as unknown as Record<string, unknown>)[name]
  return {
    deliveryTag: fields.deliveryTag,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    properties: { ...known, headers, timestamp: timestamp === undefined ? undefined : Number(timestamp) * 1000 },
    body: digest(content),
  }
}

const propertiesRead = {
  contentType: '',
  contentEncoding: '',
  priority: 0,
  correlationId: '',
  replyTo: '',
  expiration: '',
  messageId: '',
  type: '',
  userId: '',
  appId: '',
}

test.each(
  readers.flatMap((which) => [
    ['unchanged', which, () => Number.POSITIVE_INFINITY] as const,
    ['in pieces of any size', which, () => 1 + Math.floor(Math.random() ** 3 * 5_000)] as const,
  ]),
)('messages that arrive %s are read as amqplib reads them, and in order (reader=%s)', async (_how, which, cut) => {
  await using proxy = await splittingProxy(rabbit.port, () => cut)
  const { connection, ours, onMessage } = await reader((url) => {
    url.port = String(proxy.port)
    url.searchParams.set('reader', which)
  })
  const byAmqplib = new Inbox<ConsumeMessage>('what amqplib reads')
  const channels = [await connection.createChannel(), await connection.createChannel()] as const
  const queues: string[] = []
  for (const channel of channels) {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, 'amq.fanout', '')
    queues.push(queue)
  }
  await channels[0].consume(queues[0] ?? '', onMessage, { consumerTag: 'ours', noAck: true })
  await channels[1].consume(queues[1] ?? '', (message) => message && byAmqplib.push(message), { noAck: true })

  await using publishing = await plainConnection(vhost.url)
  const channel = await publishing.createConfirmChannel()
  let count = 0
  for (const size of sizes) {
    for (const each of properties) {
      count += 1
      channel.publish('amq.fanout', `key.${count}`, Buffer.alloc(size, count), each)
    }
  }
  await channel.waitForConfirms()
  const theirs = (await take(byAmqplib, count)).map(asRead)
  for (const { streamOffset, ...read } of (await take(ours, count)).map(plain)) {
    expect(streamOffset).toBeUndefined()
    expect(read).toEqual(theirs.shift())
  }
  await connection.close()
})

function plain({ deliveryTag, streamOffset, exchange, routingKey, properties, body }: Delivery) {
  return { deliveryTag, streamOffset, exchange, routingKey, properties, body: digest(body) }
}

/** Jest takes seconds to compare large buffers. */
function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

test.each(readers)(
  'a header with the name of a prototype property is an ordinary header (reader=%s)',
  async (which) => {
    const { connection, ours, onMessage } = await reader((url) => url.searchParams.set('reader', which))
    const channel = await connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.consume(queue, onMessage, { consumerTag: 'ours', noAck: true })
    const headers = JSON.parse('{"__proto__": "a text", "constructor": 1}') as Record<string, unknown>
    channel.sendToQueue(queue, Buffer.from('x'), { headers })
    const { properties } = await ours.next()
    expect(Object.entries(properties.headers ?? {})).toEqual(Object.entries(headers))
    await connection.close()
  },
)

test.each(readers)('offsets of a stream and integers beyond 2^53 are read exactly (reader=%s)', async (which) => {
  const { connection, ours, onMessage } = await reader((url) => url.searchParams.set('reader', which))
  await using publishing = await plainConnection(vhost.url)
  const publisher = await publishing.createConfirmChannel()
  const queue = `exact-${which}`
  await publisher.assertQueue(queue, { arguments: { 'x-queue-type': 'stream' } })
  const channel = await connection.createChannel()
  await channel.prefetch(10)
  await channel.consume(queue, onMessage, { consumerTag: 'ours', arguments: { 'x-stream-offset': 'first' } })
  publisher.sendToQueue(queue, Buffer.from('first'))
  // amqplib encodes a number as a double.
  const exact = 750727362669608961n
  publisher.sendToQueue(queue, Buffer.from('second'), { timestamp: 5, headers: { id: { '!': 'int64', value: exact } } })
  expect(await ours.next()).toMatchObject({ streamOffset: 0, properties: { headers: {} } })
  expect(await ours.next()).toMatchObject({ streamOffset: 1, properties: { headers: { id: exact } } })
  await connection.close()
})

test('a connection that receives only messages does not count as silent', async () => {
  const { connection, ours, onMessage, ended } = await reader((url) => url.searchParams.set('heartbeat', '1'))
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.consume(queue, onMessage, { consumerTag: 'ours', noAck: true })
  await using publishing = await plainConnection(vhost.url)
  const publisher = await publishing.createChannel()
  const over = new AbortController()
  const publish = async (): Promise<void> => {
    for (; !over.signal.aborted; await pause(20)) publisher.sendToQueue(queue, Buffer.from('x'))
  }
  const publishes = publish()
  // amqplib closes a connection after two seconds without data.
  expect(await Promise.race([ended, pause(3_500, 'open')])).toBe('open')
  over.abort()
  await publishes
  expect(ours.waiting.length).toBeGreaterThan(10)
  await connection.close()
})

test.each(readers)('an error of a consumer ends the connection with it (reader=%s)', async (which) => {
  const { connection, deliveries } = await reader((url) => url.searchParams.set('reader', which))
  const failed = once(connection, 'error')
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  deliveries.intercept('throws', () => {
    throw new Error('it cannot be taken')
  })
  const onMessage = deliveries.callback('throws', () => {})
  await channel.consume(queue, onMessage, { consumerTag: 'throws', noAck: true })
  channel.sendToQueue(queue, Buffer.from('x'))
  expect(String((await failed)[0])).toContain('it cannot be taken')
})

test('if the peer is not AMQP, amqplib reports it', async () => {
  const server = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ).listen(0)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await expect(reader((url) => (url.port = String(port)))).rejects.toThrow(/frame|closed/i)
  server.close()
})
