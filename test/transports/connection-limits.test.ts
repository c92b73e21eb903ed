import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectFrames } from '../support/frames/frames.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'

const query = 'subscription { channel(clientId: "alice") { kind } }'
let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway({
    WARREN_MAX_CONNECTIONS_PER_ADDRESS: '2',
    WARREN_MAX_CLIENT_SUBSCRIPTIONS: '2',
    WARREN_PROXY_HOPS: '1',
  })
})
afterAll(() => gateway?.close())

/** Connects as through a proxy that reports the client's address. */
const from = async (address: string) =>
  connectGraphql(gateway.graphqlSocketUrl, {
    headers: { 'x-forwarded-for': address },
    connectionParams: { token: await gateway.clientToken('alice') },
  })

test('connections without an identity are limited by address: one too many is asked to retry later, and other addresses connect', async () => {
  const connectAnonymously = (address: string) =>
    connectGraphql(gateway.graphqlSocketUrl, { headers: { 'x-forwarded-for': address } })
  await using first = await connectAnonymously('192.0.2.1')
  await using second = await connectAnonymously('192.0.2.1')
  const third = await connectFrames(gateway.graphqlSocketUrl, {
    protocol: 'graphql-transport-ws',
    headers: { 'x-forwarded-for': '192.0.2.1' },
  })
  third.send({ type: 'connection_init' })
  expect(await third.closed).toMatchObject({ code: 1013 })
  await using known = await from('192.0.2.1')
  await using other = await connectAnonymously('192.0.2.2')
  expect(await other.request('{ gateway { connections } }')).toEqual({ data: { gateway: { connections: 4 } } })
  await second.frames.close()
  await using again = await connectAnonymously('192.0.2.1')
  expect([first, known, again].map(({ frames }) => frames.socket.readyState)).toEqual([1, 1, 1])
})

test('subscriptions are limited by client over all of its connections, and a closed one makes room', async () => {
  await using one = await from('198.51.100.1')
  await using two = await from('198.51.100.2')
  const [first] = [one.subscribe(query), two.subscribe(query)]
  const refused = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_CLIENT_SUBSCRIPTIONS' }
  expect((await two.request(query)).errors?.[0]?.extensions).toEqual(refused)
  // The same over SSE, on its own connection.
  const overSse = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${await gateway.clientToken('alice')}`,
    },
    body: JSON.stringify({ query }),
  })
  expect(await overSse.text()).toContain('"limit":"WARREN_MAX_CLIENT_SUBSCRIPTIONS"')
  first?.stop()
  await one.request('{ gateway { version } }')
  const next = two.subscribe('subscription { channel(clientId: "alice", after: "none") { kind } }')
  expect(await next.next()).toEqual({ data: { channel: { kind: 'GAP' } } })
})
