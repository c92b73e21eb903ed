import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import {
  type Call,
  type ChannelListener,
  callerOf,
  createRabbitChannel,
  deleteRabbitChannel,
  listen,
} from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

const decimal = { '!': 'decimal', value: { places: 2, digits: 123 } }
const json = { contentType: 'application/json' }

let vhost: TestVhost
let other: ChannelModel & AsyncDisposable
let channel: ConfirmChannel

beforeAll(async () => {
  vhost = await testVhost('buffered')
})
beforeEach(async () => {
  other = await plainConnection(vhost.url)
  channel = await other.createConfirmChannel()
  channel.on('error', () => {})
})
afterEach(async () => {
  await other[Symbol.asyncDispose]()
})
afterAll(() => vhost.close())

function publish(exchange: string, routingKey: string, value: unknown, properties: object = {}): void {
  channel.publish(exchange, routingKey, Buffer.from(JSON.stringify(value)), { ...json, ...properties })
}

async function subscribe(gateway: InProcessGateway, clientId: string): Promise<ChannelListener> {
  const hub = watchHub(gateway.gateway.hub)
  const listener = await listen(gateway.graphqlSocketUrl, await gateway.clientToken(clientId), { clientId })
  await hub.until(1)
  return listener
}

describe('a buffered source', () => {
  let gateway: InProcessGateway
  let operator: Call

  beforeAll(async () => {
    gateway = await openGateway({ WARREN_BROKER_URL: vhost.url })
    operator = callerOf(gateway.graphqlUrl, gateway.operatorToken)
    await eventually('the gateway to be ready', () => gateway.gateway.up)
  })
  afterAll(() => gateway.close())

  const make = (exchange: string, more: object = {}) =>
    operator<{ createRabbitChannel: { id: string } }>(createRabbitChannel, {
      input: { exchange, routingKey: `${exchange}.{clientId}`, ...more },
    })

  test('accepts a decimal header, at which a source without a buffer ends the connection of its publisher', async () => {
    await make('prices', { buffered: true })
    await make('bare')
    await using alice = await subscribe(gateway, 'alice')
    publish('prices', 'prices.alice', 1, { headers: { price: decimal, count: 7 }, messageId: 'first' })
    publish('prices', 'prices.alice', 2, { type: 'second' })
    await channel.waitForConfirms()
    const [first, second] = await alice.take(2)
    expect(first).toMatchObject({
      data: 1,
      messageId: 'first',
      headers: { price: '1.23', count: 7 },
      redelivered: false,
    })
    expect(first).toMatchObject({ exchange: 'prices', routingKey: 'prices.alice' })
    expect(second).toMatchObject({ data: 2, type: 'second', exchange: 'prices' })

    const ended = new Promise<Error>((resolve) => other.on('error', resolve))
    publish('bare', 'bare.alice', 3, { headers: { price: decimal } })
    expect((await ended).message).toContain('541')
  })

  test('accepts what comes through an alternate exchange', async () => {
    await make('leftovers', { exchangeType: 'FANOUT', routingKey: '#', clientId: { fixed: 'bob' }, buffered: true })
    await channel.assertExchange('front', 'topic', { alternateExchange: 'leftovers' })
    await using bob = await subscribe(gateway, 'bob')
    publish('front', 'not.bound', 'left over')
    expect(await bob.next()).toMatchObject({
      data: 'left over',
      exchange: 'leftovers',
      routingKey: 'not.bound',
    })
  })

  test('is separate from sources of the same exchange without a buffer', async () => {
    await make('mixed')
    await expect(make('mixed', { buffered: true })).rejects.toMatchObject({
      code: 'SOURCE_CONFLICT',
      message: expect.stringContaining('with buffered: false, and all sources of an exchange must agree'),
    })
  })

  test('leaves no queue behind when it is deleted, and loses nothing that the queue held', async () => {
    const { createRabbitChannel: made } = await make('passing', { buffered: true })
    await using carol = await subscribe(gateway, 'carol')
    for (let n = 0; n < 200; n += 1) publish('passing', 'passing.carol', n)
    await channel.waitForConfirms()
    expect((await carol.take(200)).map(({ data }) => data)).toEqual(Array.from({ length: 200 }, (_, n) => n))
    await operator(deleteRabbitChannel, { id: made.id })
    await eventually('the queue to be deleted', async () => {
      const asking = await other.createChannel()
      asking.on('error', () => {})
      return asking.checkQueue('warren.buffer.passing').then(
        () => false,
        () => true,
      )
    })
  })

  test('is required for what comes through another exchange, and its absence is logged', async () => {
    await using process = await startGateway({ env: { WARREN_BROKER_URL: vhost.url, WARREN_NAMESPACE: 'second' } })
    const call = callerOf(process.graphqlUrl, await testToken({ scope: 'operator' }))
    const input = { exchange: 'rest', exchangeType: 'FANOUT', routingKey: '#', clientId: { everyone: true } }
    await call(createRabbitChannel, { input })
    await channel.assertExchange('main', 'direct', { alternateExchange: 'rest' })
    publish('main', 'k', 1)
    await process.printed(/messages of exchange \\?"main\\?" come through another exchange/)
    await call(createRabbitChannel, { input: { ...input, exchange: 'main', exchangeType: 'DIRECT', routingKey: 'k' } })
    await process.printed(/exchange \\?"main\\?" has the alternate exchange \\?"rest\\?"/)
  })

  test.each([['x-consistent-hash', 'routes each message to one of its queues']])(
    'refuses an exchange of type %s with a sentence',
    async (type, sentence) => {
      await channel.assertExchange('shared out', type)
      await expect(
        make('shared out', { exchangeType: 'FANOUT', routingKey: '#', clientId: { everyone: true } }),
      ).rejects.toMatchObject({ code: 'SOURCE_CONFLICT', message: expect.stringContaining(sentence) })
    },
  )
})
