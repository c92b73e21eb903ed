import { type Client, createClient } from 'graphql-sse'
import { type Connect, dataOf, publishedClient } from './client.ts'

/** The client of graphql-sse in distinct connections mode: one SSE response for each operation. */
export const connectGraphqlSse: Connect = throughSse((url, token) =>
  createClient({
    url,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  }),
)

/** The same in single connection mode: one SSE response for all operations. */
export const connectGraphqlSseSingle: Connect = throughSse((url, token) =>
  createClient({
    url,
    singleConnection: true,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  }),
)

/** The same with a client that the test makes. */
export function throughSse<Single extends boolean = false>(
  makeClient: (url: string, token?: string) => Client<Single>,
): Connect {
  return ({ graphqlUrl }, token) => {
    const client = makeClient(graphqlUrl, token)
    return publishedClient({
      async run<Result>(query: string, variables: Record<string, unknown>) {
        for await (const answer of client.iterate<Result>({ query, variables })) return dataOf(answer)
        throw new Error('the operation was completed without a result')
      },
      listen: (query, variables, sink) => client.subscribe({ query, variables }, sink),
      close: () => client.dispose(),
    })
  }
}
