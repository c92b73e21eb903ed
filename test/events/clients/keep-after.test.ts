import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { keepAfter } from '../../../examples/resume/keep-after.ts'
import { connectApollo } from '../../graphql/clients/apollo.ts'
import { connectApollo3 } from '../../graphql/clients/apollo-3.ts'
import { type Connect, publishedClient } from '../../graphql/clients/client.ts'
import { connectGraphqlWs } from '../../graphql/clients/graphql-ws.ts'
import { connectRelay } from '../../graphql/clients/relay.ts'
import { connectUrql } from '../../graphql/clients/urql.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
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

/** Reconnects as graphql-ws does, without its wait. */
const keepingSocket = (url: string, token?: string) =>
  keepAfter(
    createClient({ url, webSocketImpl: WebSocket, connectionParams: { token }, retryWait: () => Promise.resolve() }),
  )

const connectKeepingSse: Connect = ({ graphqlUrl }, token) => {
  const client = keepAfter(
    createSseClient({
      url: graphqlUrl,
      headers: { Authorization: `Bearer ${token}` },
      retry: () => Promise.resolve(),
    }),
  )
  return publishedClient({
    run: () => Promise.reject(new Error('this client only subscribes')),
    listen: (query, variables, sink) => client.subscribe({ query, variables }, sink),
    close: () => client.dispose(),
  })
}

const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)
const send = (number: number) => publish(gateway, { exchange: 'items', routingKey: 'x', data: { number } })

describe.each<[string, Connect]>([
  ['graphql-ws', connectGraphqlWs],
  ['Apollo Client 4', connectApollo],
  ['Apollo Client 3', connectApollo3],
  ['urql', connectUrql],
  ['Relay', connectRelay],
  ['graphql-sse', connectKeepingSse],
])('%s with the example that keeps the cursor in the variables', (_name, connect) => {
  test('receives each event once and in order through two lost connections', async () => {
    await live(0)
    const throughProxy = {
      graphqlUrl: gateway.graphqlUrl.replace(/:\d+/, `:${proxy.port}`),
      graphqlSocketUrl: gateway.graphqlSocketUrl.replace(/:\d+/, `:${proxy.port}`),
    }
    await using client = connect(throughProxy, await gateway.clientToken('alice'), keepingSocket)
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
