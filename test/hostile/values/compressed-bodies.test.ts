import { monitorEventLoopDelay } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { decodeBody } from '../../../src/core/body/decode-body.ts'
import { listen } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'

const properties = { contentType: 'application/json', contentEncoding: 'gzip' }
const mebibyte = 1024 * 1024
/** 64 KiB that decompress to 64 MiB. */
const bomb = gzipSync(Buffer.alloc(64 * mebibyte, '[0 ,'))
/**
 * Just below the default limit, and slow to parse: many small values, and white space to remove.
 */
const slow = gzipSync(`[${'0 ,'.repeat(512 * 1024)}0]`)
const slowMessages = 6

/** The time in which this process reads the slow messages one after another, in milliseconds. */
function timeToRead(): number {
  const began = performance.now()
  for (let count = 0; count < slowMessages; count += 1) {
    decodeBody({ exchange: '', routingKey: '', body: slow, properties, redelivered: false, receivedAt: 0 })
  }
  return performance.now() - began
}

/** The longest block of the event loop while `work` runs, in milliseconds. */
async function longestStandstill(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  return delay.max / 1e6
}

async function subscribe(gateway: InProcessGateway, after?: string) {
  const hub = watchHub(gateway.gateway.hub)
  const variables = { clientId: 'alice', ...(after === undefined ? {} : { after }) }
  const alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), variables)
  if (after === undefined) await hub.until(1)
  return alice
}

describe('compressed bodies from RabbitMQ', () => {
  test('a hundred that decompress to 64 MiB cost neither memory nor the time of others', async () => {
    await using vhost = await testVhost('bombs')
    await using gateway = await openGateway({ WARREN_BROKER_URL: vhost.url })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    await using alice = await subscribe(gateway)
    const connection = await amqp.connect(vhost.url, { noDelay: true })
    const channel = await connection.createConfirmChannel()
    const before = process.memoryUsage.rss()
    for (let count = 0; count < 100; count += 1) channel.publish('warren.events', 'client.alice', bomb, properties)
    channel.publish('warren.events', 'client.alice', Buffer.from('"after"'), { contentType: 'application/json' })
    await channel.waitForConfirms()
    const [event] = await alice.take(1)
    expect(event?.data).toBe('after')
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * mebibyte)
    await connection.close()
  })

  test('other work runs between bodies that are slow to read, live and on resume', async () => {
    await using vhost = await testVhost('slow-bodies')
    await using gateway = await openGateway({ WARREN_BROKER_URL: vhost.url })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    await using alice = await subscribe(gateway)
    const connection = await amqp.connect(vhost.url, { noDelay: true })
    const channel = await connection.createConfirmChannel()
    channel.publish('warren.events', 'client.alice', Buffer.from('1'), { contentType: 'application/json' })
    const [first] = await alice.take(1)
    timeToRead()
    const inOneTurn = timeToRead()
    const live = await longestStandstill(async () => {
      for (let count = 0; count < slowMessages; count += 1)
        channel.publish('warren.events', 'client.alice', slow, properties)
      await alice.take(slowMessages)
    })
    expect(live).toBeLessThan(inOneTurn * 0.75)
    const resumed = await longestStandstill(async () => {
      await using again = await subscribe(gateway, first?.cursor)
      await again.take(slowMessages)
    })
    expect(resumed).toBeLessThan(inOneTurn * 0.75)
    await connection.close()
  })
})
