/**
 * Subscribes to a channel with urql, and resumes after the last event if a connection ends:
 *
 *     node --import tsx examples/resume/urql.ts [ws://127.0.0.1:4000/graphql] [alice] [token]
 */
import { fileURLToPath } from 'node:url'
import { Client } from '@urql/core'
import { endWhenSilent } from '@warren/client'
import { resumingExchange } from '@warren/client/urql'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { ChannelEvent, Listening } from './graphql-ws.ts'

const query = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
}`

/** Returns a function that ends the subscription. */
export function listen({ url, clientId, token, after, onEvent, onError }: Listening): () => void {
  const client = createClient({
    url,
    webSocketImpl: WebSocket, // In a browser, and from Node 22 on, leave it out.
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: 0, // resumingExchange reconnects.
    keepAlive: 10_000,
  })
  endWhenSilent(client)
  const urql = new Client({
    url: url.replace(/^ws/, 'http'),
    exchanges: [resumingExchange(client)],
  })
  const subscription = urql
    .subscription<{ channel: ChannelEvent }>(query, { clientId, after })
    .subscribe(({ data, error }) => {
      if (error) onError(error)
      else if (data) onEvent(data.channel)
    })
  return () => {
    subscription.unsubscribe()
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
