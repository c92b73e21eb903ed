import { createHash } from 'node:crypto'
import { HttpLink } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import persisted3 from 'apollo-client-3/link/persisted-queries/persisted-queries.cjs'
import apollo3 from 'apollo-client-3/main.cjs'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { apolloClient } from './clients/apollo.ts'
import { apollo3Client } from './clients/apollo-3.ts'
import type { PublishedClient } from './clients/client.ts'
import { GatewayDocument } from './generated/graphql.ts'

let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway.close())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Records which parts of an operation the link sends. */
function recording(sent: string[]): typeof fetch {
  return (input, init) => {
    const { query, extensions } = JSON.parse(init?.body as string) as { query?: string; extensions?: object }
    sent.push(
      [query === undefined ? '' : 'query', 'persistedQuery' in (extensions ?? {}) ? 'hash' : ''].join(' ').trim(),
    )
    return fetch(input, init)
  }
}

test.each<[string, (uri: string, fetch: typeof globalThis.fetch) => PublishedClient]>([
  [
    'Apollo Client 4',
    (uri, fetch) => apolloClient(new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri, fetch }))),
  ],
  [
    'Apollo Client 3',
    (uri, fetch) =>
      apollo3Client(persisted3.createPersistedQueryLink({ sha256 }).concat(new apollo3.HttpLink({ uri, fetch }))),
  ],
])('%s sends the hash alone, then the query if the gateway does not know it', async (name, open) => {
  const sent: string[] = []
  await using client = open(gateway.graphqlUrl, recording(sent))
  // Another text for each client, because the gateway remembers documents.
  const text = GatewayDocument.toString().replace('query Gateway', `query Gateway${name.replaceAll(' ', '')}`)
  for (let times = 0; times < 2; times++) {
    const { gateway: answer } = await client.run<{ gateway: { broker: string } }, object>({ toString: () => text }, {})
    expect(answer.broker).toBe('UP')
  }
  expect(sent).toEqual(['hash', 'query hash', 'hash'])
})
