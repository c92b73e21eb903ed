import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { parseAddress } from '../../src/brokers/rabbitmq/connection/address.ts'
import { connect } from '../../src/brokers/rabbitmq/connection/connect.ts'
import { DeliveryReader } from '../../src/brokers/rabbitmq/message/delivery-reader.ts'
import { consumeStream } from '../../src/brokers/rabbitmq/stream/stream-consumer.ts'
import type { JournalMessage } from '../../src/core/model/message.ts'
import { eventually } from '../support/eventually.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { rabbit, type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'

let vhost: TestVhost
let proxy: TcpProxy
let reading: ChannelModel
const deliveries = new DeliveryReader(true)

const stream = 'short'
const body = Buffer.alloc(10_000)

beforeAll(async () => {
  vhost = await testVhost('overtaken')
  proxy = await tcpProxy(rabbit.port)
  const url = new URL(vhost.url)
  url.port = String(proxy.port)
  reading = await connect(parseAddress(url.href), 'overtaken', 10_000, new AbortController(), deliveries)
  reading.on('error', () => {})
})

afterAll(async () => {
  await reading?.close().catch(() => {})
  await proxy?.close()
  await vhost?.close()
})

test('a reader that retention overtakes reports it at the position where it continues, and holes between segments do not count', async () => {
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createConfirmChannel()
  const limits = { 'x-max-length-bytes': 2 ** 21, 'x-stream-max-segment-size-bytes': 2 ** 18 }
  await channel.assertQueue(stream, { arguments: { 'x-queue-type': 'stream', ...limits } })
  let published = 0
  // Messages sent together are stored together, and RabbitMQ starts a segment only between two
  // chunks.
  const publish = async (chunks: number): Promise<void> => {
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      for (let index = 0; index < 10; index += 1) {
        published += 1
        channel.sendToQueue(stream, body, { messageId: String(published) })
      }
      await channel.waitForConfirms()
    }
  }
  await publish(10)

  const story: (number | 'overtaken')[] = []
  const ends: Error[] = []
  let newest = 0
  const consumer = await consumeStream({ connection: reading, deliveries }, stream, 0, {
    onEntry: ({ offset, properties }: JournalMessage) => {
      story.push(offset)
      newest = Number(properties.messageId)
    },
    onTruncated: () => void story.push('overtaken'),
    onEnd: (error) => void ends.push(error),
  })
  const allCame = () => {
    expect(ends).toEqual([])
    return newest === published
  }
  await eventually('the existing messages', allCame)
  expect(Number(story.at(-1))).toBeGreaterThan(100)
  expect(story).not.toContain('overtaken')

  // Twice as many as may be in flight, so that the broker stops reading in the middle of what it
  // then deletes.
  proxy.pause()
  await publish(120)
  proxy.resume()
  await publish(1)
  await eventually('the newest message', allCame)
  // The reader may report more: holes in what was in flight, with an unknown cause.
  const jump = story.findIndex((one, index) => Number(one) - Number(story[index - 2]) > 100)
  expect(story[jump - 1]).toBe('overtaken')
  const unreported = story.filter((one, index) => Number(one) - Number(story[index - 1]) > 2)
  expect(unreported).toEqual([])
  consumer.close()
  await connection.close()
})
