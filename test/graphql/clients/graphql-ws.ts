import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type Connect, dataOf, publishedClient } from './client.ts'

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
export const connectGraphqlWs: Connect = ({ graphqlSocketUrl }, token, socket = socketClient) => {
  const client = socket(graphqlSocketUrl, token)
  return publishedClient({
    async run<Result>(query: string, variables: Record<string, unknown>) {
      for await (const answer of client.iterate<Result>({ query, variables })) return dataOf(answer)
      throw new Error('the operation was completed without a result')
    },
    listen: (query, variables, sink) => client.subscribe({ query, variables }, sink),
    close: () => client.dispose(),
  })
}
