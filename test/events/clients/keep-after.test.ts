import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { keepAfter } from '../../../examples/resume/keep-after.ts'
import { connectApollo } from '../../graphql/clients/apollo.ts'
import { connectApollo3 } from '../../graphql/clients/apollo-3.ts'
import type { Connect, PublishedClient } from '../../graphql/clients/client.ts'
import { throughSse } from '../../graphql/clients/graphql-sse.ts'
import { connectGraphqlWs } from '../../graphql/clients/graphql-ws.ts'
import { connectRelay } from '../../graphql/clients/relay.ts'
import { connectUrql } from '../../graphql/clients/urql.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { type TcpProxy, tcpProxy } from '../../support/network/tcp-proxy.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { publish } from '../serving/event-client.ts'
import { documentOf, gapFormsSdl } from './gap-forms.ts'

const folder = newFolder()
let gateway: InProcessGateway
let proxy: TcpProxy

beforeAll(async () => {
  writeFileSync(join(folder, 'events.graphql'), gapFormsSdl)
  gateway = await openGateway({ WARREN_SCHEMA: folder })
  proxy = await tcpProxy(Number(new URL(gateway.url).port))
})
afterAll(async () => {
  await proxy?.close()
  await gateway?.close()
  removeFolder(folder)
})

/** The clients that reconnect, as published, without their wait before an attempt. */
const keepingSocket = (token: () => Promise<string>) => (url: string) =>
  keepAfter(
    createClient({
      url,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ token: await token() }),
      retryWait: () => Promise.resolve(),
    }),
  )
const keepingSse = (token: () => Promise<string>) =>
  throughSse((url) =>
    keepAfter(
      createSseClient({
        url,
        headers: async () => ({ Authorization: `Bearer ${await token()}` }),
        retry: () => Promise.resolve(),
      }),
    ),
  )

/** Opens a client that asks `token` at each connection. */
type Open = (gateway: Parameters<Connect>[0], token: () => Promise<string>) => PublishedClient

const over =
  (connect: Connect): Open =>
  (gateway, token) =>
    connect(gateway, undefined, keepingSocket(token))

const clients: [name: string, Open][] = [
  ['graphql-ws', over(connectGraphqlWs)],
  ['Apollo Client 4', over(connectApollo)],
  ['Apollo Client 3', over(connectApollo3)],
  ['urql', over(connectUrql)],
  ['Relay', over(connectRelay)],
  ['graphql-sse', (gateway, token) => keepingSse(token)(gateway)],
]

const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)
const send = (number: number) => publish(gateway, { exchange: 'items', routingKey: 'x', data: { number } })

describe.each(clients)('%s with the example that keeps the cursor in the variables', (_name, open) => {
  test('receives each event once and in order through two lost connections', async () => {
    await live(0)
    const throughProxy = {
      graphqlUrl: gateway.graphqlUrl.replace(/:\d+/, `:${proxy.port}`),
      graphqlSocketUrl: gateway.graphqlSocketUrl.replace(/:\d+/, `:${proxy.port}`),
    }
    await using client = open(throughProxy, () => gateway.clientToken('alice'))
    const items = client.subscribe(documentOf('strict'), {})
    const next = async () => (await items.next()).event?.number
    await live(1)
    await send(1)
    expect(await next()).toBe(1)
    for (const [missed, after] of [
      [2, 3],
      [4, 5],
    ] as const) {
      // New connections wait, so that the event is published while the client has none.
      proxy.pause()
      proxy.cut()
      await live(0)
      await send(missed)
      proxy.resume()
      expect(await next()).toBe(missed)
      await send(after)
      expect(await next()).toBe(after)
    }
    items.stop()
  })
})

test('each client asks for a token again when it expires, and misses nothing', async () => {
  await live(0)
  const receiving = clients.map(async ([name, open]) => {
    let asked = 0
    const token = () => testToken({ sub: 'alice' }, { ttl: asked++ === 0 ? '4s' : '1h' })
    const client = open(gateway, token)
    const items = client.subscribe(documentOf('strict'), {})
    const numbers = [(await items.next()).event?.number]
    await eventually(`${name} to ask for a token again`, () => asked === 2)
    return { name, client, numbers, items }
  })
  await live(clients.length)
  await send(1)
  const received = await Promise.all(receiving)
  await send(2)
  for (const { items, numbers } of received) numbers.push((await items.next()).event?.number)
  expect(received.map(({ name, numbers }) => [name, ...numbers])).toEqual(clients.map(([name]) => [name, 1, 2]))
  for (const { client } of received) await client[Symbol.asyncDispose]()
})
