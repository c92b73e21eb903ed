import apolloWebSocket from 'apollo-client-3/link/ws/ws.cjs'
import subscriptionsTransport from 'subscriptions-transport-ws'
import { WebSocket } from 'ws'
import { apollo3Client } from './apollo-3.ts'
import { type Connect, dataOf, publishedClient } from './client.ts'

const { SubscriptionClient } = subscriptionsTransport
const { WebSocketLink } = apolloWebSocket

const legacyClient = (url: string, token: string | undefined) =>
  new SubscriptionClient(
    url,
    { connectionParams: token === undefined ? {} : { Authorization: `Bearer ${token}` }, reconnect: false },
    WebSocket,
  )

/** subscriptions-transport-ws, the client of the older subprotocol `graphql-ws`. */
export const connectSubscriptionsTransport: Connect = ({ graphqlSocketUrl }, token) => {
  const client = legacyClient(graphqlSocketUrl, token)
  return publishedClient({
    run: <Result>(query: string, variables: Record<string, unknown>) =>
      new Promise<Result>((resolve, reject) => {
        client.request({ query, variables }).subscribe({
          next({ data, errors }) {
            try {
              resolve(dataOf<Result>({ data: data as Result, errors }))
            } catch (error) {
              reject(error)
            }
          },
          error: reject,
        })
      }),
    listen(query, variables, sink) {
      const { unsubscribe } = client.request({ query, variables }).subscribe({
        next: sink.next,
        error: sink.error,
        complete: sink.complete,
      })
      return unsubscribe
    },
    close: () => client.close(),
  })
}

/** Apollo Client 3 with its WebSocketLink, for the same subprotocol. */
export const connectApolloWebSocketLink: Connect = ({ graphqlSocketUrl }, token) => {
  const client = legacyClient(graphqlSocketUrl, token)
  return apollo3Client(new WebSocketLink(client), () => client.close())
}
