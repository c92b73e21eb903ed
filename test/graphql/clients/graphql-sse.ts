import { createClient } from 'graphql-sse'
import { type Connect, collect, dataOf } from './client.ts'

/** The client of graphql-sse in distinct connections mode: one SSE response for each operation. */
export const connectGraphqlSse: Connect = ({ graphqlUrl }, token) => {
  const client = createClient({
    url: graphqlUrl,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  })
  return {
    async run<Result>(document: { toString(): string }, variables: unknown) {
      const payload = { query: document.toString(), variables: variables as Record<string, unknown> }
      for await (const answer of client.iterate<Result>(payload)) return dataOf(answer)
      throw new Error('the operation was completed without a result')
    },
    subscribe: <Result>(document: { toString(): string }, variables: unknown) =>
      collect<Result>((sink) =>
        client.subscribe<Result>({ query: document.toString(), variables: variables as Record<string, unknown> }, sink),
      ),
    [Symbol.asyncDispose]: async () => client.dispose(),
  }
}
