import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import { connectGraphqlSse } from '../../graphql/clients/graphql-sse.ts'
import { connectGraphqlWs } from '../../graphql/clients/graphql-ws.ts'
import { ChannelDocument } from '../../graphql/generated/graphql.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'

let gateway: InProcessGateway
let socket: GraphqlClient

beforeAll(async () => {
  gateway = await openGateway()
  socket = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })
})
afterAll(async () => {
  await socket?.[Symbol.asyncDispose]()
  await gateway?.close()
})

async function overHttp(query: string, variables: Record<string, unknown>): Promise<unknown> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` },
    body: JSON.stringify({ query, variables }),
  })
  return response.json()
}

const alice = { clientId: 'alice', name: 'Alice', email: 'alice@example.com', password: 'correct horse' }

test.each<[what: string, query: string, variables?: Record<string, unknown>]>([
  ['the introspection query', getIntrospectionQuery()],
  [
    'a query with aliases, fragments and directives',
    `
    query Q($no: Boolean!) { a: gateway { ...G } b: gateway { ...G connections @include(if: $no) } }
    fragment G on Gateway { version state: broker __typename }`,
    { no: false },
  ],
  [
    'a repeatable mutation',
    'mutation M($input: CreateClientChannelInput!) { createClientChannel(input: $input) { channel { clientId name } } }',
    { input: alice },
  ],
  ['a list', '{ rabbitChannels { exchange exchangeType routingKey createdAt } }'],
  [
    'a publication with a given id',
    'mutation { publish(input: { clientId: "alice", messageId: "m1", data: [1, "ü", null, { a: 1.5 }] }) { messageId } }',
  ],
  [
    'a mutation of two fields, with an error in the second',
    `mutation {
    first: publish(input: { clientId: "alice", messageId: "m2", data: 1 }) { messageId }
    second: publish(input: { exchange: "nowhere", routingKey: "", data: 1 }) { messageId }
  }`,
  ],
  [
    'a nullable field next to one with an error',
    '{ clientChannel(clientId: "unused") { name } history(clientId: "with space") { hasMore } }',
  ],
  [
    'a wrong argument',
    'mutation M($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }',
    { input: { ...alice, email: 'no' } },
  ],
  [
    'a wrong password of the client',
    'mutation M($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }',
    { input: { ...alice, password: 'another one' } },
  ],
  [
    'a variable of the wrong type',
    'query Q($first: Int) { history(clientId: "alice", first: $first) { hasMore } }',
    { first: 'many' },
  ],
  [
    'an input with exactly one allowed field',
    'mutation M($from: ClientIdSource) { createRabbitChannel(input: { routingKey: "#", clientId: $from }) { id } }',
    { from: { header: 'a', fixed: 'b' } },
  ],
])('%s has the same answer over HTTP and over WebSocket', async (_what, query, variables = {}) => {
  const first = await overHttp(query, variables)
  expect(await socket.request(query, variables)).toEqual(first)
  expect(first).toHaveProperty(JSON.stringify(first).includes('"errors"') ? 'errors' : 'data')
})

test('a subscription receives the same events over server-sent events and over WebSocket, cursors included', async () => {
  const hub = watchHub(gateway.gateway.hub)
  const clients = [connectGraphqlSse, connectGraphqlWs].map((connect) => connect(gateway, gateway.operatorToken))
  const received = clients.map((client) => client.subscribe(ChannelDocument, { clientId: 'alice' }))
  await hub.until(2)
  await overHttp('mutation { publish(input: { clientId: "alice", type: "t", data: { n: 1 } }) { messageId } }', {})
  const [overSse, overSocket] = await Promise.all(received.map((subscription) => subscription.next()))
  expect(overSocket?.channel).toMatchObject({ kind: 'MESSAGE', data: { n: 1 }, type: 't' })
  expect(overSocket).toEqual(overSse)
  for (const client of clients) await client[Symbol.asyncDispose]()
  await hub.until(0)
})
