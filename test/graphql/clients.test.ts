import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { testToken } from '../support/gateway/gateway-process.ts'
import { type HubWatch, watchHub } from '../support/gateway/hub-watch.ts'
import { connectApollo, connectApolloOverHttp } from './clients/apollo.ts'
import { connectApollo3, connectApollo3OverHttp } from './clients/apollo-3.ts'
import type { Connect } from './clients/client.ts'
import { connectGraphqlSse, connectGraphqlSseSingle } from './clients/graphql-sse.ts'
import { connectGraphqlWs } from './clients/graphql-ws.ts'
import { connectRelay } from './clients/relay.ts'
import { connectApolloWebSocketLink, connectSubscriptionsTransport } from './clients/subscriptions-transport-ws.ts'
import { connectUrql, connectUrqlOverHttp } from './clients/urql.ts'
import {
  ChannelDocument,
  ClientChannelDocument,
  CreateClientChannelDocument,
  GatewayDocument,
  PublishDocument,
} from './generated/graphql.ts'

let gateway: InProcessGateway
let hub: HubWatch

beforeAll(async () => {
  gateway = await openGateway()
  hub = watchHub(gateway.gateway.hub)
})
afterAll(() => gateway.close())

const clients: [name: string, clientId: string, Connect][] = [
  ['Apollo Client 4', 'apollo', connectApollo],
  ['Apollo Client 4 with multipart responses', 'apollo-multipart', connectApolloOverHttp],
  ['Apollo Client 3', 'apollo-3', connectApollo3],
  ['Apollo Client 3 with multipart responses', 'apollo-3-multipart', connectApollo3OverHttp],
  ['Apollo Client 3 with WebSocketLink', 'apollo-3-legacy', connectApolloWebSocketLink],
  ['subscriptions-transport-ws', 'subscriptions-transport', connectSubscriptionsTransport],
  ['urql', 'urql', connectUrql],
  ['urql with fetchSubscriptions', 'urql-fetch', connectUrqlOverHttp],
  ['Relay', 'relay', connectRelay],
  ['the client of graphql-ws', 'graphql-ws', connectGraphqlWs],
  ['the client of graphql-sse', 'graphql-sse', connectGraphqlSse],
  ['graphql-sse with a single connection', 'graphql-sse-single', connectGraphqlSseSingle],
]

describe.each(clients)('%s', (_name, clientId, connect) => {
  const input = { clientId, name: 'Alice', email: 'alice@example.com', password: 'correct horse' }

  test('creates a channel, publishes to it, and receives the message live and after a cursor', async () => {
    await using anonymous = connect(gateway)
    const { createClientChannel } = await anonymous.run(CreateClientChannelDocument, { input })
    const { token, channel } = createClientChannel
    expect(channel.name).toBe('Alice')

    await using alice = connect(gateway, token)
    await using publisher = connect(gateway, gateway.publisherToken)
    const publish = (number: number) =>
      publisher.run(PublishDocument, { input: { clientId, type: 'order', messageId: `m${number}`, data: { number } } })

    const live = alice.subscribe(ChannelDocument, { clientId })
    await hub.until(1)
    expect((await publish(1)).publish.messageId).toBe('m1')
    await publish(2)
    const { channel: first } = await live.next()
    expect(first).toMatchObject({
      kind: 'MESSAGE',
      clientId,
      data: { number: 1 },
      type: 'order',
      messageId: 'm1',
      gap: null,
    })
    expect(Math.abs(Date.now() - Date.parse(first.publishedAt ?? ''))).toBeLessThan(60_000)
    expect((await live.next()).channel.data).toEqual({ number: 2 })
    live.stop()
    await hub.until(0)

    await publish(3)
    const resumed = alice.subscribe(ChannelDocument, { clientId, after: first.cursor })
    expect((await resumed.next()).channel.data).toEqual({ number: 2 })
    expect((await resumed.next()).channel.data).toEqual({ number: 3 })
    await publish(4)
    expect((await resumed.next()).channel.data).toEqual({ number: 4 })
    resumed.stop()

    // The cursor from before the first message: load, then subscribe, without a loss between.
    const all = alice.subscribe(ChannelDocument, { clientId, after: channel.cursor })
    for (const number of [1, 2, 3, 4]) expect((await all.next()).channel.data).toEqual({ number })
    all.stop()
    await hub.until(0)
  })

  test('completes queries, and receives the code of each refusal', async () => {
    await using anonymous = connect(gateway)
    const { createClientChannel } = await anonymous.run(CreateClientChannelDocument, { input })
    await using alice = connect(gateway, createClientChannel.token)
    expect((await alice.run(GatewayDocument, {})).gateway).toMatchObject({ broker: 'UP', subscriptions: 0 })
    const { clientChannel } = await alice.run(ClientChannelDocument, { clientId })
    expect(clientChannel).toMatchObject({ clientId, name: 'Alice', subscribers: 0 })

    await expect(alice.run(PublishDocument, { input: { clientId, data: 1 } })).rejects.toMatchObject({
      codes: ['FORBIDDEN'],
    })
    const foreign = alice.subscribe(ChannelDocument, { clientId: 'somebody-else' })
    await expect(foreign.next()).rejects.toMatchObject({ codes: ['FORBIDDEN'] })
    const unknown = anonymous.subscribe(ChannelDocument, { clientId })
    await expect(unknown.next()).rejects.toMatchObject({ codes: ['UNAUTHENTICATED'] })
  })
})

test('graphql-ws as it is asks for the token again after one that has expired', async () => {
  const tokens = [await testToken({ scope: 'operator' }, { ttl: '-1h' }), gateway.operatorToken]
  const asked: number[] = []
  const closed: unknown[] = []
  const client = createClient({
    url: gateway.graphqlSocketUrl,
    webSocketImpl: WebSocket,
    retryWait: () => Promise.resolve(),
    connectionParams: () => ({ token: `Bearer ${tokens[asked.push(asked.length) - 1]}` }),
    on: { closed: (event) => closed.push((event as { code: number }).code) },
  })
  for await (const { data } of client.iterate({ query: '{ rabbitChannels { exchange } }' }))
    expect(data).toEqual({ rabbitChannels: [{ exchange: 'warren.events' }] })
  expect([asked.length, closed]).toEqual([2, [4403]])
  await client.dispose()
})
