import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Channel, ChannelModel } from 'amqplib'
import { AMQPPubSub } from 'graphql-amqp-subscriptions'
import { plainConnection } from '../brokers/rabbitmq/connections.ts'
import { callerOf } from '../e2e/back-end/graphql-caller.ts'
import { eventClient } from '../events/serving/event-client.ts'
import { eventually } from '../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { blocksOf } from './documents.ts'

const path = 'docs/guides/migrate.md'
const sections = new Map(
  readFileSync(path, 'utf8')
    .split(/^## From /m)
    .map((text) => [text.slice(0, text.indexOf('\n')), blocksOf({ path, text })]),
)
const block = (section: string, language: string) =>
  sections.get(section)?.find((one) => one.language === language)?.text ?? ''

const folder = newFolder()
let vhost: TestVhost
let connection: ChannelModel & AsyncDisposable
let channel: Channel
let gateway: InProcessGateway

beforeAll(async () => {
  vhost = await testVhost('migrations')
  connection = await plainConnection(vhost.url)
  channel = await connection.createChannel()
  writeFileSync(join(folder, 'events.graphql'), block('graphql-amqp-subscriptions', 'graphql'))
  gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_SCHEMA: folder })
  await eventually('the gateway to be ready', () => gateway.gateway.up)
})
afterAll(async () => {
  await gateway?.close()
  await connection?.[Symbol.asyncDispose]()
  await vhost?.close()
  removeFolder(folder)
})

const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)

test('the SDL of the page delivers what graphql-amqp-subscriptions publishes, to its owner only', async () => {
  await using alice = await eventClient(gateway, 'alice')
  await using bob = await eventClient(gateway, 'bob')
  const document = block('graphql-amqp-subscriptions', 'text')
  const [received, others] = [alice.listen(document), bob.listen(document)]
  await live(2)
  const pubSub = new AMQPPubSub({
    connection: connection as never,
    exchange: { name: 'shop', type: 'topic', options: { durable: true } },
  })
  await pubSub.publish('order.paid', { orderPaid: { id: 17, customerId: 'alice' } })
  await pubSub.publish('order.paid', { orderPaid: { id: 18, customerId: 'bob' } })
  expect(await received.next()).toMatchObject({ data: { orderPaid: { id: '17', customerId: 'alice' } } })
  expect(await others.next()).toMatchObject({ data: { orderPaid: { id: '18', customerId: 'bob' } } })
})

test('the source of the page delivers what was published for Web STOMP, on amq.topic', async () => {
  await callerOf(gateway.graphqlUrl, gateway.operatorToken)(block('Web STOMP', 'graphql'))
  await live(0)
  await using alice = await eventClient(gateway, 'alice')
  const received = alice.listen('subscription { channel(clientId: "alice") { exchange routingKey data } }')
  await live(1)
  channel.publish('amq.topic', 'orders.alice.paid', Buffer.from('{"id": 17}'))
  expect(await received.next()).toMatchObject({
    data: { channel: { exchange: 'amq.topic', routingKey: 'orders.alice.paid', data: { id: 17 } } },
  })
})
