import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { parseAddress } from '../../../src/brokers/rabbitmq/connection/address.ts'
import { connect } from '../../../src/brokers/rabbitmq/connection/connect.ts'
import { type Delivery, DeliveryReader } from '../../../src/brokers/rabbitmq/message/delivery-reader.ts'
import { messageOf, toAmqp } from '../../../src/brokers/rabbitmq/message/properties.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
let gateway: ReachableGateway
let listener: GraphqlClient
let back: ChannelModel

beforeAll(async () => {
  vhost = await testVhost('quarantined-values')
  gateway = await openReachable({ WARREN_BROKER_URL: vhost.url })
  // The gateway decodes a body only if the client has a subscriber.
  listener = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'alice' }) },
  })
  await listener.subscribe('subscription { channel(clientId: "alice", checkpoints: true) { kind } }').next()
  back = await amqp.connect(vhost.url)
})
afterAll(async () => {
  await back?.close()
  await listener?.[Symbol.asyncDispose]()
  await gateway?.[Symbol.asyncDispose]()
  await vhost?.close()
})

const warren = (...args: string[]) => runCommand(['quarantine', ...args], { WARREN_BROKER_URL: vhost.url })

/** Consumes a queue on a fanout exchange, and keeps types and digits. */
async function taker(exchange: string): Promise<{ inbox: Inbox<Delivery> } & AsyncDisposable> {
  const deliveries = new DeliveryReader(true)
  const connection = await connect(parseAddress(vhost.url), 'taker', 10_000, new AbortController(), deliveries)
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'fanout')
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, '')
  const inbox = new Inbox<Delivery>('what comes out of the quarantine')
  deliveries.intercept('taker', (delivery) => inbox.push(delivery))
  await channel.consume(queue, () => {}, { consumerTag: 'taker', noAck: true })
  return { inbox, [Symbol.asyncDispose]: () => connection.close() }
}

test('a message leaves the quarantine with the values, types and timestamp that it had before', async () => {
  const headers = {
    id: { '!': 'int64', value: 750727362669608961n },
    small: { '!': 'int64', value: 5 },
    int: { '!': 'int32', value: 5 },
    float: { '!': 'float', value: 0.25 },
    double: { '!': 'double', value: 5 },
    time: { '!': 'timestamp', value: 1_700_000_000 },
    text: 'ü',
  }
  const channel = await back.createConfirmChannel()
  // In microseconds; AMQP has seconds.
  const timestamp = 1_700_000_000_000_000
  const options = { contentType: 'application/json', headers, timestamp }
  channel.publish('warren.events', 'client.alice', Buffer.from('{"broken'), options)
  await channel.waitForConfirms()
  await eventually('the poison to be in the quarantine', async () => {
    return (await channel.checkQueue('warren.quarantine')).messageCount === 1
  })
  const listed = await warren('list', '--json')
  expect(JSON.parse(listed.stdout)).toMatchObject({ publishedAt: null, reason: 'broken-json' })
  await using out = await taker('out')
  const republished = await warren('republish', '--all', '--to-exchange', 'out', '--key', 'k')
  expect(republished).toMatchObject({ code: 0, stderr: '' })
  const { properties } = messageOf(await out.inbox.next())
  expect(toAmqp(properties)).toMatchObject({ timestamp, headers })
  expect(Object.keys(properties.headers ?? {}).sort()).toEqual(Object.keys(headers).sort())
})

test('warren publish and warren tail keep every digit', async () => {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await testToken({ sub: 'bob' })}` },
    body: JSON.stringify({ query: '{ history(clientId: "bob") { cursor } }' }),
  })
  const { data } = (await response.json()) as { data: { history: { cursor: string } } }
  const body = '{"userId":750727362669608961,"large":1e400,"price":1.10,"zero":-0}'
  const published = await runCommand(['publish', '--client', 'bob', body], gateway.env)
  expect(published).toMatchObject({ code: 0, stderr: '' })
  const tailed = await runWarren(['tail', 'bob', '--after', data.history.cursor, '--count', '1'], gateway.env)
  expect(tailed.stdout).toContain(`"data":${body}`)
})
