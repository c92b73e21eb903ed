/**
 * Subscribes to a channel with Apollo Client, and resumes after the last event if it disconnects:
 *
 *     node --import tsx examples/resume/apollo.ts [ws://127.0.0.1:4000/graphql] [alice] [token]
 */
import { fileURLToPath } from 'node:url'
import { ApolloClient, gql, InMemoryCache } from '@apollo/client'
import { endWhenSilent } from '@warren/client'
import { resumingLink } from '@warren/client/apollo'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { ChannelEvent, Listening } from './graphql-ws.ts'

const query = gql`
  subscription Listen($clientId: ID!, $after: Cursor) {
    channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
  }
`

/** Returns a function that ends the subscription. */
export function listen({ url, clientId, token, after, onEvent, onError }: Listening): () => void {
  const client = createClient({
    url,
    webSocketImpl: WebSocket, // In a browser, and from Node 22 on, leave it out.
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: 0, // resumingLink reconnects.
    keepAlive: 10_000,
  })
  endWhenSilent(client)
  const apollo = new ApolloClient({ link: resumingLink(client), cache: new InMemoryCache() })
  const subscription = apollo
    .subscribe<{ channel: ChannelEvent }>({
      query,
      variables: { clientId, after },
      // Events are a stream, not a state: in the cache each would replace the one before.
      fetchPolicy: 'no-cache',
    })
    .subscribe({
      next: ({ data, error }) => {
        if (data) onEvent(data.channel)
        else onError(error)
      },
      error: onError,
    })
  return () => {
    subscription.unsubscribe()
    apollo.stop()
    void client.dispose()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [url = 'ws://127.0.0.1:4000/graphql', clientId = 'alice', token = ''] = process.argv.slice(2)
  listen({
    url,
    clientId,
    token: () => token,
    onEvent: (event) => console.log(event.kind, JSON.stringify(event.data ?? event.gap)),
    onError: (error) => {
      console.error(String(error))
      process.exitCode = 1
    },
  })
}
