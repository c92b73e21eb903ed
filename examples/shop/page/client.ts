import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { endWhenSilent } from '@warren/client'
import { resumingLink } from '@warren/client/apollo'
import { OperationTypeNode } from 'graphql'
import { type Client, createClient } from 'graphql-ws'

export interface ShopClient {
  readonly apollo: ApolloClient
  readonly socket: Client
}

/** Subscriptions over WebSocket, which resume after their last event; the rest over HTTP. */
export function shopClient(url: string, token: string): ShopClient {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { token },
    retryAttempts: 0, // resumingLink reconnects.
    keepAlive: 10_000,
  })
  endWhenSilent(socket)
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    resumingLink(socket),
    new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  )
  return { apollo: new ApolloClient({ link, cache: new InMemoryCache() }), socket }
}
