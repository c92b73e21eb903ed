import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { Connect } from './connect.ts'

/** A client of graphql-transport-ws with these subscriptions. */
export function graphqlWsClient(clientId: string, subscriptions: readonly string[]): Connect {
  return ({ url, token }, signal) =>
    new Promise((resolve) => {
      const client = createClient({
        url: `${url.replace(/^http/, 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: async () => ({ token: await token(clientId) }),
      })
      const end = (): void => {
        signal.removeEventListener('abort', end)
        void client.dispose()
        resolve()
      }
      signal.addEventListener('abort', end)
      for (const query of subscriptions)
        client.subscribe({ query }, { next: () => undefined, error: end, complete: end })
    })
}
