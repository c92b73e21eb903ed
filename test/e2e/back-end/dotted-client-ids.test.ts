import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFramed } from '../../support/frames/framed.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { amqpPublish, pikaPublish } from '../../support/rabbitmq/third-party.ts'
import type { TransportAdapter } from '../../transports/suite/adapter.ts'
import { graphqlWs } from '../../transports/suite/graphql-ws.ts'
import { socketCluster } from '../../transports/suite/socketcluster.ts'
import { serverSentEvents } from '../../transports/suite/sse.ts'
import { framedTcp } from '../../transports/suite/tcp.ts'
import { plainWebSocket } from '../../transports/suite/websocket.ts'
import { type Call, callerOf, createRabbitChannel, deleteRabbitChannel, listen, publish } from './graphql-caller.ts'

const transports: readonly TransportAdapter[] = [graphqlWs, serverSentEvents, socketCluster, plainWebSocket, framedTcp]
const clientId = 'alice@mail.example.com'

let vhost: TestVhost
let gateway: InProcessGateway
let tcpPort: number
let call: Call

beforeAll(async () => {
  vhost = await testVhost('dotted')
  tcpPort = await freePort()
  gateway = await openGateway({
    WARREN_BROKER_URL: vhost.url,
    WARREN_TCP_PORT: String(tcpPort),
    WARREN_REGISTRATION: 'open',
    WARREN_TEST_ROUTES: 'on',
  })
  await eventually('the gateway to be up', () => gateway.gateway.up)
  call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
})
afterAll(async () => {
  await gateway?.close()
  await vhost?.close()
})

const position = async () =>
  (await call<{ history: { cursor: string } }>('{ history(clientId: "unused", first: 1) { cursor } }')).history.cursor

/** Every way to publish to a client. Each resolves when the gateway or RabbitMQ has accepted it. */
const ways: Readonly<Record<string, (data: string) => Promise<unknown>>> = {
  'the mutation publish': (data) => call(publish, { input: { clientId, data } }),
  'its own exchange and key': (data) =>
    call(publish, { input: { exchange: 'warren.events', routingKey: `client.${clientId}`, data } }),
  'a back end in C': (data) =>
    amqpPublish(vhost.url, {
      exchange: 'warren.events',
      routingKey: `client.${clientId}`,
      contentType: 'application/json',
      body: JSON.stringify(data),
    }),
  'a back end in Python': (data) =>
    pikaPublish(vhost.url, {
      exchange: 'warren.events',
      routingKey: `client.${clientId}`,
      contentType: 'application/json',
      body: JSON.stringify(data),
    }),
  '#publish over SocketCluster': async (data) => {
    await using client = await connectFrames(socketClusterUrl(gateway.url))
    client.send({ event: '#handshake', data: { authToken: gateway.publisherToken }, cid: 1 })
    client.send({ event: '#publish', data: { channel: clientId, data }, cid: 2 })
    const answer = await client.nextMatching((frame) => frame.includes('"rid":2'))
    expect(JSON.parse(answer)).toEqual({ rid: 2 })
  },
  'publish over TCP': async (data) => {
    await using client = await connectFramed(tcpPort)
    await client.ask({ action: 'authenticate', token: gateway.publisherToken })
    expect(await client.ask({ action: 'publish', channel: clientId, data })).toHaveProperty('result.messageId')
  },
  'a frame on /ws?channel=': async (data) => {
    const query = new URLSearchParams({ channel: clientId, token: gateway.operatorToken, envelope: 'json' })
    await using client = await connectFrames(`${gateway.url.replace('http', 'ws')}/ws?${query.toString()}`)
    client.socket.send(data)
    await client.nextMatching((frame) => frame.includes('"sent"'))
  },
}

describe('a client id with dots', () => {
  test('is created with a password, and subscribes with its token', async () => {
    const response = await fetch(`${gateway.url}/v1/create-channel-client`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ clientId, name: 'Alice', email: clientId, password: 'correct horse battery' }),
    })
    const { channel, token, cursor } = (await response.json()) as Record<'channel' | 'token' | 'cursor', string>
    expect(channel).toBe(clientId)
    await call(publish, { input: { clientId, data: 'welcome' } })
    await using listener = await listen(gateway.graphqlSocketUrl, token, { clientId, after: cursor })
    expect(await listener.next()).toMatchObject({ data: 'welcome', clientId, routingKey: `client.${clientId}` })
  })

  test.each(transports.map((transport) => [transport.name, transport] as const))(
    'receives over %s what is published to it in any way, once and in order',
    async (_name, transport) => {
      const token = await gateway.clientToken(clientId)
      await using listening = await transport.listen(
        { gateway, tcpPort },
        { channel: clientId, token, after: await position() },
      )
      for (const [way, send] of Object.entries(ways)) {
        await send(way)
        expect((await listening.events.next()).data).toBe(way)
      }
    },
  )

  test('is one client: neither its first word nor its rest receives its messages', async () => {
    const after = await position()
    for (const other of ['alice@mail', 'com', 'example.com']) {
      await using listener = await listen(gateway.graphqlSocketUrl, await gateway.clientToken(other), {
        clientId: other,
        after,
      })
      await call(publish, { input: { clientId, data: 'not for others' } })
      await call(publish, { input: { clientId: other, data: 'last' } })
      expect((await listener.next()).data).toBe('last')
    }
  })
})

interface Channel {
  readonly id: string
  readonly routingKey: string
}
const create = async (input: Record<string, unknown>): Promise<Channel> =>
  (await call<{ createRabbitChannel: Channel }>(createRabbitChannel, { input })).createRabbitChannel

describe('the pattern of a source', () => {
  test('client.{clientId} and client.{clientId#} on the default exchange are the default source', async () => {
    const { rabbitChannels } = await call<{ rabbitChannels: Channel[] }>('{ rabbitChannels { id routingKey } }')
    expect(rabbitChannels).toEqual([{ id: expect.any(String), routingKey: 'client.{clientId#}' }])
    for (const input of [{}, { routingKey: 'client.{clientId}' }, { routingKey: 'client.{clientId#}' }])
      expect(await create(input)).toMatchObject(rabbitChannels[0] ?? {})
    expect(await (await fetch(`${gateway.url}/v1/create-rabbit-ch`)).json()).toMatchObject(rabbitChannels[0] ?? {})
  })

  test('orders.{clientId} takes one word still: orders.alice.created reaches no client', async () => {
    const after = await position()
    const one = await create({ exchange: 'orders', routingKey: 'orders.{clientId}' })
    expect(one.routingKey).toBe('orders.{clientId}')
    await expect(
      call(publish, { input: { exchange: 'orders', routingKey: 'orders.alice.created', data: 'lost' } }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    // With another source of the exchange, the journal has the message.
    const all = await create({ exchange: 'orders', routingKey: '#', clientId: { header: 'x-other' } })
    await call(publish, { input: { exchange: 'orders', routingKey: 'orders.alice.created', data: 'lost' } })
    for (const client of ['alice', 'alice.created', 'created']) {
      await call(publish, { input: { clientId: client, data: 'last' } })
      const { history } = await call<{ history: { events: { data: unknown }[] } }>(
        'query ($client: ID!, $after: Cursor) { history(clientId: $client, after: $after) { events { data } } }',
        { client, after },
      )
      expect(history.events).toEqual([{ data: 'last' }])
    }
    for (const { id } of [one, all]) await call(deleteRabbitChannel, { id })
  })

  test('{clientId#} takes the rest of the key on any topic exchange, at least one word', async () => {
    const source = await create({ exchange: 'invoices', routingKey: '*.of.{clientId#}' })
    await using listener = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('a.b.c'), {
      clientId: 'a.b.c',
      after: await position(),
    })
    await expect(
      call(publish, { input: { exchange: 'invoices', routingKey: 'eu.of', data: 0 } }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await call(publish, { input: { exchange: 'invoices', routingKey: 'eu.of.a.b.c', data: 1 } })
    expect((await listener.next()).data).toBe(1)
    await call(deleteRabbitChannel, { id: source.id })
  })
})
