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

/** The CPU time of this process so far, in milliseconds. On a busy machine a clock shows more. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** The CPU time in which this process reads the slow messages one after another. */
function timeToRead(): number {
  const began = cpuTime()
  for (let count = 0; count < slowMessages; count += 1) {
    decodeBody({ exchange: '', routingKey: '', body: slow, properties, redelivered: false, receivedAt: 0 })
  }
  return cpuTime() - began
}

/**
 * The CPU time of the longest turn of the event loop while `work` runs, as a part of the time that
 * reading takes: the least of some runs, because other threads and the test itself only add to it.
 * Both are measured in each run, because a busy machine is slower from one second to the next. Ends
 * early below `enough`.
 */
async function longestTurn(work: () => Promise<unknown>, enough: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 8 && least >= enough; run += 1) {
    const before = timeToRead()
    let [began, longest] = [cpuTime(), 0]
    const turns = setInterval(() => {
      const now = cpuTime()
      longest = Math.max(longest, now - began)
      began = now
    }, 1)
    await work()
    clearInterval(turns)
    least = Math.min(least, longest / Math.max(before, timeToRead()))
  }
  return least
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
    const enough = 0.75
    const live = await longestTurn(async () => {
      for (let count = 0; count < slowMessages; count += 1)
        channel.publish('warren.events', 'client.alice', slow, properties)
      await alice.take(slowMessages)
    }, enough)
    expect(live).toBeLessThan(enough)
    const resumed = await longestTurn(async () => {
      await using again = await subscribe(gateway, first?.cursor)
      await again.take(slowMessages)
    }, enough)
    expect(resumed).toBeLessThan(enough)
    await connection.close()
  })
})
