/**
 * Subscribes to a channel with graphql-ws, and resumes after the last event if a connection ends:
 *
 *     node --import tsx examples/resume/graphql-ws.ts [ws://127.0.0.1:4000/graphql] [alice] [token]
 */
import { fileURLToPath } from 'node:url'
import { endWhenSilent, type ResumableEvent, resumable } from '@warren/client'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

const query = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
}`

export interface ChannelEvent extends ResumableEvent {
  readonly data: unknown
}

export interface Listening {
  readonly url: string
  readonly clientId: string
  /** Called for each connection, so that an expired token is not sent again. */
  readonly token: () => string | Promise<string>
  /** Where to begin: the cursor of what you have loaded already. Undefined: now. */
  readonly after?: string
  /** If it returns a promise, the next event waits for it. */
  readonly onEvent: (event: ChannelEvent) => unknown
  readonly onError: (error: unknown) => void
}

/** Returns a function that ends the subscription. */
export function listen({ url, clientId, token, after, onEvent, onError }: Listening): () => void {
  const client = createClient({
    url,
    webSocketImpl: WebSocket, // In a browser, and from Node 22 on, leave it out.
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: 0, // resumable reconnects.
    keepAlive: 10_000,
  })
  endWhenSilent(client)
  const events = resumable<ChannelEvent>(client, { query, variables: { clientId, after } })
  const stop = events.subscribe({ next: onEvent, error: onError })
  return () => {
    stop()
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
