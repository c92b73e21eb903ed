import { createHash } from 'node:crypto'
import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { BatchHttpLink } from '@apollo/client/link/batch-http'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import batch3 from 'apollo-client-3/link/batch-http/batch-http.cjs'
import apollo3 from 'apollo-client-3/main.cjs'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_MAX_BATCH: '10' })
})
afterAll(() => gateway.close())

/** A client, and what it has sent. */
function clientWith(linkTo: (options: { uri: string; fetch: typeof fetch }) => ApolloLink) {
  const sent: { query?: string; extensions?: object }[] = []
  const recording: typeof fetch = (input, init) => {
    sent.push(JSON.parse(init?.body as string))
    return fetch(input, init)
  }
  const link = linkTo({ uri: gateway.graphqlUrl, fetch: recording })
  return { client: new ApolloClient({ cache: new InMemoryCache(), link }), sent }
}

const query = gql('query Version { gateway { version } }')
const answer = { gateway: { version: expect.any(String) } }

test("Apollo's persisted-query link sends the text once, and only the hash after that", async () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const { client, sent } = clientWith((options) => new PersistedQueryLink({ sha256 }).concat(new HttpLink(options)))
  for (let round = 0; round < 2; round += 1)
    expect((await client.query({ query, fetchPolicy: 'network-only' })).data).toMatchObject(answer)
  expect(sent.map((body) => body.query !== undefined)).toEqual([false, true, false])
  client.stop()
})

test('the batch link of Apollo Client 3 sends several operations in one request', async () => {
  const sent: unknown[] = []
  const recording: typeof fetch = (input, init) => {
    sent.push(JSON.parse(init?.body as string))
    return fetch(input, init)
  }
  const link = new batch3.BatchHttpLink({ uri: gateway.graphqlUrl, fetch: recording, batchInterval: 20 })
  const client = new apollo3.ApolloClient({ cache: new apollo3.InMemoryCache(), link })
  const texts = ['query Version { gateway { version } }', 'query Other { gateway { broker } }']
  const results = await Promise.all(
    texts.map((text) => client.query({ query: apollo3.gql(text), fetchPolicy: 'no-cache' })),
  )
  expect(results.map(({ data }) => data)).toMatchObject([answer, { gateway: { broker: 'UP' } }])
  expect(sent).toMatchObject([[{ operationName: 'Version' }, { operationName: 'Other' }]])
  client.stop()
})

test("Apollo's batch link sends several operations in one request", async () => {
  const { client, sent } = clientWith((options) => new BatchHttpLink({ ...options, batchInterval: 20 }))
  const other = gql('query Other { gateway { broker } }')
  const results = await Promise.all([client.query({ query }), client.query({ query: other })])
  expect(results.map(({ data }) => data)).toMatchObject([answer, { gateway: { broker: 'UP' } }])
  expect(sent).toMatchObject([[{ operationName: 'Version' }, { operationName: 'Other' }]])
  client.stop()
})
