import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type Connect, collect, dataOf } from './client.ts'

/**
 * The client of graphql-ws, with the token in connectionParams. Apollo, urql and Relay subscribe
 * through it too.
 */
export function socketClient(url: string, token?: string): Client {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  })
}

/** Runs everything over one socket, queries and mutations included. */
export const connectGraphqlWs: Connect = ({ graphqlSocketUrl }, token) => {
  const client = socketClient(graphqlSocketUrl, token)
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
