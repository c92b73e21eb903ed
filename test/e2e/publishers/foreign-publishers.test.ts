import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectGraphqlSse } from '../../graphql/clients/graphql-sse.ts'
import { connectGraphqlWs } from '../../graphql/clients/graphql-ws.ts'
import { TypedDocumentString } from '../../graphql/generated/graphql.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { type HubWatch, watchHub } from '../../support/gateway/hub-watch.ts'
import { rabbit, type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { amqpPublish, pikaPublish } from '../../support/rabbitmq/third-party.ts'
import { startBackEnd } from '../back-end/back-end.ts'
import {
  type Call,
  callerOf,
  channelQuery,
  createRabbitChannel,
  type DeliveredEvent,
  listen,
} from '../back-end/graphql-caller.ts'

let vhost: TestVhost
let gateway: InProcessGateway
let hub: HubWatch
let operator: Call

beforeAll(async () => {
  vhost = await testVhost('foreign')
  gateway = await openGateway({ WARREN_BROKER_URL: vhost.url })
  hub = watchHub(gateway.gateway.hub)
  operator = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  await eventually('the gateway to be ready', () => gateway.gateway.up)
})

afterAll(async () => {
  await gateway.close()
  await vhost.close()
})

const channelDocument = new TypedDocumentString(channelQuery) as TypedDocumentString<
  { channel: DeliveredEvent },
  { clientId: string }
>

describe('a back end that knows nothing of Warren', () => {
  test('reaches the published clients of graphql-ws and graphql-sse, from C and from Python', async () => {
    const token = await gateway.clientToken('alice')
    await using socket = connectGraphqlWs(gateway, token)
    await using sse = connectGraphqlSse(gateway, token)
    const listeners = [socket, sse].map((client) => client.subscribe(channelDocument, { clientId: 'alice' }))
    await hub.until(2)

    const began = Date.now()
    const to = { exchange: 'warren.events', routingKey: 'client.alice', contentType: 'application/json' }
    await amqpPublish(vhost.url, { ...to, body: '{"from":"C"}', headers: { trace: 'a: b=c' } })
    await pikaPublish(vhost.url, {
      ...to,
      body: '{"from":"Python","umlaut":"Ü"}',
      type: 'order.created',
      messageId: 'order-17',
      headers: { trace: 'def', shard: '7' },
    })
    const received = await Promise.all(
      listeners.map(async (listener) => [(await listener.next()).channel, (await listener.next()).channel]),
    )
    for (const listener of listeners) listener.stop()
    await hub.until(0)

    const same = {
      kind: 'MESSAGE',
      clientId: 'alice',
      contentType: 'application/json',
      exchange: 'warren.events',
      routingKey: 'client.alice',
      redelivered: false,
      gap: null,
    }
    for (const [fromC, fromPython] of received) {
      expect(fromC).toMatchObject({
        ...same,
        data: { from: 'C' },
        type: null,
        messageId: null,
        publishedAt: null,
        headers: { trace: 'a: b=c' },
      })
      expect(fromPython).toMatchObject({
        ...same,
        data: { from: 'Python', umlaut: 'Ü' },
        type: 'order.created',
        messageId: 'order-17',
        headers: { trace: 'def', shard: '7' },
      })
      // Timestamps of AMQP are whole seconds.
      const publishedAt = Date.parse(fromPython?.publishedAt ?? '')
      expect(publishedAt % 1_000).toBe(0)
      expect(publishedAt).toBeGreaterThan(began - 1_000)
      expect(Date.parse(fromPython?.receivedAt ?? '')).toBeGreaterThanOrEqual(began)
      expect(publishedAt).toBeLessThanOrEqual(Date.now())
    }
    expect(received[0]).toEqual(received[1])
  })
})

/**
 * Exchanges of another program, with features that Warren does not use; a message for each, and its
 * client.
 */
const exchanges = [
  {
    declared: {
      exchange: 'shop.orders',
      exchange_type: 'direct',
      durable: true,
      arguments: { 'alternate-exchange': 'shop.unrouted', 'x-owner': 'the shop' },
    },
    input: { exchangeType: 'DIRECT', routingKey: 'paid', clientId: { header: 'customer' } },
    published: { key: 'paid', body: { order: 1 }, headers: { customer: 'alice' } },
    missed: { key: 'paid', body: { order: 2 }, headers: { customer: 'bob' } },
  },
  {
    declared: { exchange: 'shop.news', exchange_type: 'fanout', durable: false },
    input: { exchangeType: 'FANOUT', clientId: { everyone: true } },
    published: { key: 'whatever', body: { news: 1 }, headers: {} },
  },
  {
    declared: { exchange: 'shop.prices', exchange_type: 'topic', durable: true, auto_delete: true },
    input: { exchangeType: 'TOPIC', routingKey: 'price.#', clientId: { bodyPointer: '/for/clients' } },
    published: { key: 'price.eur.shoes', body: { for: { clients: ['bob', 'alice', 'alice'] }, price: 3 }, headers: {} },
    missed: { key: 'rebate.eur', body: { for: { clients: ['alice'] } }, headers: {} },
  },
  {
    declared: {
      exchange: 'shop.audit',
      exchange_type: 'headers',
      durable: true,
      internal: false,
      arguments: { 'x-level': 3, 'x-strict': true },
    },
    input: { exchangeType: 'HEADERS', clientId: { fixed: 'alice' } },
    published: { key: '', body: { seen: true }, headers: { level: 'high', count: 4 } },
  },
]

describe('an exchange of another program', () => {
  const declarations = async () =>
    (
      await rabbit.ctl(
        'eval',
        `[io:format("~0p~n", [Exchange]) || Exchange <- rabbit_exchange:info_all(<<"${vhost.name}">>, [name, type, durable, auto_delete, arguments])], done`,
      )
    )
      .split('\n')
      .filter((line) => line.includes('<<"shop.'))
      .sort()

  test('of each kind is used as it is, and its messages reach their client', async () => {
    await using shop = await startBackEnd(vhost.url)
    await shop.call('exchange_declare', { exchange: 'shop.unrouted', exchange_type: 'fanout' })
    // The other program's audit queue exists before, and stays bound.
    await shop.call('queue_declare', { queue: 'audit' })
    for (const { declared } of exchanges) {
      await shop.call('exchange_declare', declared)
      const { exchange } = declared
      await shop.call('queue_bind', {
        queue: 'audit',
        exchange,
        routing_key: exchange === 'shop.orders' ? 'paid' : '#',
      })
    }
    const before = await declarations()
    expect(before).toHaveLength(exchanges.length + 1)

    await using alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), {
      clientId: 'alice',
    })
    await hub.until(1)
    for (const { declared, input } of exchanges) {
      const { exchange } = declared
      const made = await operator<{ createRabbitChannel: object }>(createRabbitChannel, {
        input: { exchange, ...input },
      })
      expect(made.createRabbitChannel).toMatchObject({ exchange, exchangeType: input.exchangeType })
    }
    for (const { declared, published, missed } of exchanges) {
      for (const { key, body, headers } of missed ? [missed, published] : [published]) {
        await shop.publish(declared.exchange, key, body, { content_type: 'application/json', headers })
      }
    }
    for (const { declared, published } of exchanges) {
      expect(await alice.next()).toMatchObject({
        kind: 'MESSAGE',
        exchange: declared.exchange,
        routingKey: published.key,
        data: published.body,
        headers: published.headers,
      })
    }
    expect(await declarations()).toEqual(before)
  })

  test('delivers a message once to a client, even if several sources match', async () => {
    await using back = await startBackEnd(vhost.url)
    const overlapping = [
      { routingKey: 'client.*', clientId: { fixed: 'carol' } },
      { routingKey: '#', clientId: { header: 'customer' } },
      { routingKey: 'client.#', clientId: { bodyPointer: '/customer' } },
    ]
    for (const input of overlapping) await operator(createRabbitChannel, { input })
    await using carol = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('carol'), {
      clientId: 'carol',
    })
    await using dave = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('dave'), { clientId: 'dave' })
    await hub.until(2)
    const customer = (name: string) => ({ content_type: 'application/json', headers: { customer: name } })
    await back.publish('warren.events', 'client.carol', { n: 1, customer: 'carol' }, customer('carol'))
    await back.publish('warren.events', 'client.dave', { n: 2, customer: 'dave' }, customer('dave'))
    await back.publish('warren.events', 'client.carol', { n: 3 })
    const dataOf = (events: DeliveredEvent[]) => events.map(({ data }) => (data as { n: number }).n)
    expect(dataOf(await carol.take(3))).toEqual([1, 2, 3])
    expect(dataOf(await dave.take(1))).toEqual([2])
    expect(dave.operation.waiting).toEqual([])
  })
})
