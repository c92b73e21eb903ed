import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import relay from 'relay-runtime'
import { WebSocket } from 'ws'
import { resumingSubscribe } from '../../src/client/adapters/relay.ts'
import { compiledByRelay } from '../graphql/clients/relay-compiler.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { numbers, publish, ReceivedNumbers } from './numbered-messages.ts'

// Those for Apollo Client and urql are tested in resume.test.ts, with the examples that use them.

const { Environment, Network, RecordSource, requestSubscription, Store } = relay

let gateway: InProcessGateway
let proxy: TcpProxy
beforeAll(async () => {
  gateway = await openGateway()
  proxy = await tcpProxy(Number(new URL(gateway.url).port))
})
afterAll(async () => {
  await proxy?.close()
  await gateway?.close()
})

const text = `subscription ListenQuery($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data }
}`

/** Relay with the adapter. Subscriptions need no fetch function. */
async function subscribed(clientId: string) {
  const socket = createClient({
    url: `ws://127.0.0.1:${proxy.port}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: await gateway.clientToken(clientId) },
    retryAttempts: 0,
  })
  const live = new Inbox<'live'>('checkpoints of Relay')
  const network = Network.create(
    () => Promise.reject(new Error('no query is expected')),
    resumingSubscribe(socket, { retryFirstMs: 10, onCheckpoint: () => live.push('live') }),
  )
  const environment = new Environment({ store: new Store(new RecordSource()), network })
  const received = new ReceivedNumbers()
  const subscription = requestSubscription<{
    response: { channel: { data: { number: number } } }
    variables: { clientId: string }
  }>(environment, {
    subscription: await compiledByRelay(gateway.graphqlUrl, text),
    variables: { clientId },
    onNext: (response) => received.add(response?.channel.data.number),
    onError(error) {
      received.fail(error)
      live.end(error)
    },
  })
  const close = async () => {
    subscription.dispose()
    await socket.dispose()
  }
  return { live, received, [Symbol.asyncDispose]: close }
}

test('Relay receives each event once and in order, though its connection is cut', async () => {
  await using alice = await subscribed('alice')
  await alice.live.next()
  for (const number of numbers(5)) await publish(gateway, 'alice', { number })
  await alice.received.until(5)
  proxy.pause()
  proxy.cut()
  for (const number of numbers(5, 5)) await publish(gateway, 'alice', { number })
  proxy.resume()
  await alice.received.until(10)
  expect(alice.received.data).toEqual(numbers(10))
})

test('Relay receives an error of the gateway as an error', async () => {
  const socket = createClient({
    url: gateway.graphqlSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token: await gateway.clientToken('alice') },
    retryAttempts: 0,
  })
  const request = { text, name: 'ListenQuery', id: null, operationKind: 'subscription', metadata: {} } as never
  const answers = relay.Observable.from(resumingSubscribe(socket)(request, { clientId: 'bob' }, {}) as never)
  const answer = await new Promise((resolve) => {
    answers.subscribe({ next: resolve, error: resolve })
  })
  await socket.dispose()
  expect(answer).toBeInstanceOf(Error)
  expect(answer).toMatchObject({ codes: ['FORBIDDEN'] })
})

test('a persisted operation of Relay, of which only the id is known, is refused by name', () => {
  const socket = createClient({ url: gateway.graphqlSocketUrl, webSocketImpl: WebSocket })
  const request = { text: null, name: 'ListenQuery', id: 'abc', operationKind: 'subscription', metadata: {} } as never
  expect(() => resumingSubscribe(socket)(request, {}, {})).toThrow(
    'ListenQuery: expected the text of the subscription, not its id only',
  )
})
