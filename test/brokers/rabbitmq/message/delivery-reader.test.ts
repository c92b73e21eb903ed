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

/**
 * A connection that reads messages for the consumer `in-place` with our reader, and others with
 * amqplib.
 */
async function reader(change: (url: URL) => void = () => {}) {
  const url = new URL(vhost.url)
  change(url)
  const deliveries = new DeliveryReader()
  const connection = await connect(parseAddress(url.href), 'deliveries', 10_000, new AbortController(), deliveries)
  const ended = new Promise<string>((resolve) => connection.on('close', () => resolve('ended')))
  connection.on('error', () => {})
  const inPlace = new Inbox<Delivery>('what is read in place')
  deliveries.intercept('in-place', (delivery) => inPlace.push(delivery))
  return { connection, deliveries, inPlace, ended }
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

test.each([
  ['unchanged', () => Number.POSITIVE_INFINITY],
  ['in pieces of any size', () => 1 + Math.floor(Math.random() ** 3 * 5_000)],
])(
  'messages that arrive %s are read in place as amqplib reads them, and both in order',
  async (_how, cut) => {
    await using proxy = await splittingProxy(rabbit.port, () => cut)
    const { connection, inPlace } = await reader((url) => {
      url.port = String(proxy.port)
    })
    const byAmqplib = new Inbox<ConsumeMessage>('what amqplib reads')
    const channels = [await connection.createChannel(), await connection.createChannel()] as const
    const queues: string[] = []
    for (const channel of channels) {
      const { queue } = await channel.assertQueue('', { exclusive: true })
      await channel.bindQueue(queue, 'amq.fanout', '')
      queues.push(queue)
    }
    await channels[0].consume(queues[0] ?? '', () => {}, { consumerTag: 'in-place', noAck: true })
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
    for (const { streamOffset, ...ours } of (await take(inPlace, count)).map(plain)) {
      expect(streamOffset).toBeUndefined()
      expect(ours).toEqual(theirs.shift())
    }
    await connection.close()
  },
  60_000,
)

function plain({ deliveryTag, streamOffset, exchange, routingKey, properties, body }: Delivery) {
  return { deliveryTag, streamOffset, exchange, routingKey, properties, body: digest(body) }
}

/** Jest takes seconds to compare large buffers. */
function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

test('a header with the name of a prototype property is an ordinary header', async () => {
  const { connection, inPlace } = await reader()
  const channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.consume(queue, () => {}, { consumerTag: 'in-place', noAck: true })
  const headers = JSON.parse('{"__proto__": "a text", "constructor": 1}') as Record<string, unknown>
  channel.sendToQueue(queue, Buffer.from('x'), { headers })
  const { properties } = await inPlace.next()
  expect(Object.entries(properties.headers ?? {})).toEqual(Object.entries(headers))
  await connection.close()
})

test('a connection that receives only messages does not count as silent', async () => {
  const { connection, inPlace, ended } = await reader((url) => url.searchParams.set('heartbeat', '1'))
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.consume(queue, () => {}, { consumerTag: 'in-place', noAck: true })
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
  expect(inPlace.waiting.length).toBeGreaterThan(10)
  await connection.close()
})

test('an error of a consumer ends the connection with it, because amqplib does not see that message', async () => {
  const { connection, deliveries } = await reader()
  const failed = once(connection, 'error')
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  deliveries.intercept('throws', () => {
    throw new Error('it cannot be taken')
  })
  await channel.consume(queue, () => {}, { consumerTag: 'throws', noAck: true })
  channel.sendToQueue(queue, Buffer.from('x'))
  expect(String((await failed)[0])).toContain('it cannot be taken')
})

test('if the peer is not AMQP, amqplib reports it', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
  )
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await expect(reader((url) => (url.port = String(port)))).rejects.toThrow(/frame|closed/i)
  server.close()
})
