import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import type { JournalMessage } from '../../src/core/message.ts'
import { consumeStream } from '../../src/journal/stream-consumer.ts'
import { eventually } from '../support/eventually.ts'
import { rabbit, type TestVhost, testVhost } from '../support/rabbitmq.ts'
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts'

let vhost: TestVhost
let proxy: TcpProxy
let reading: ChannelModel

const stream = 'short'
const body = Buffer.alloc(10_000)

beforeAll(async () => {
  vhost = await testVhost('overtaken')
  proxy = await tcpProxy(rabbit.port)
  const url = new URL(vhost.url)
  url.port = String(proxy.port)
  reading = await amqp.connect(url.href)
  reading.on('error', () => {})
})

afterAll(async () => {
  await reading?.close().catch(() => {})
  await proxy?.close()
  await vhost?.close()
})

test('a reader that retention overtakes is told so where it goes on, and the holes between segments are no such thing', async () => {
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createConfirmChannel()
  const limits = { 'x-max-length-bytes': 2 ** 21, 'x-stream-max-segment-size-bytes': 2 ** 18 }
  await channel.assertQueue(stream, { arguments: { 'x-queue-type': 'stream', ...limits } })
  // What is sent together is stored together, and RabbitMQ begins a segment only between two chunks.
  const publish = async (chunks: number): Promise<void> => {
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      for (let index = 0; index < 10; index += 1) channel.sendToQueue(stream, body)
      await channel.waitForConfirms()
    }
  }
  await publish(10)

  const story: (number | 'overtaken')[] = []
  const consumer = await consumeStream(reading, stream, 0, {
    take: ({ offset }: JournalMessage) => void story.push(offset),
    onOvertaken: () => void story.push('overtaken'),
    onEnd: (error) => {
      throw error
    },
  })
  const come = (count: number) => () => story.filter((one) => one !== 'overtaken').length >= count
  await eventually('what is there', come(100))
  expect(Number(story.at(-1))).toBeGreaterThan(100)
  expect(story).not.toContain('overtaken')

  // Twice as many as may be on the way, so that the broker has to stop reading in the middle of what it then deletes.
  proxy.pause()
  await publish(120)
  proxy.resume()
  await publish(1)
  const newest = (await lastOffset(connection)) ?? 0
  await eventually('the newest', () => story.at(-1) === newest)
  // It may be told of more than that: of holes in what was on the way, of which nobody can say any more what they were.
  const jump = story.findIndex((one, index) => Number(one) - Number(story[index - 2]) > 100)
  expect(story[jump - 1]).toBe('overtaken')
  const untold = story.filter((one, index) => Number(one) - Number(story[index - 1]) > 2)
  expect(untold).toEqual([])
  consumer.close()
  await connection.close()
})

async function lastOffset(connection: ChannelModel): Promise<number | undefined> {
  const channel = await connection.createChannel()
  await channel.prefetch(100)
  let last: number | undefined
  await channel.consume(
    stream,
    (message) => {
      last = Number(message?.properties.headers?.['x-stream-offset'])
    },
    { arguments: { 'x-stream-offset': 'last' } },
  )
  await eventually('the last', () => last !== undefined)
  await channel.close()
  return last
}
