import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { type Client, createClient } from 'graphql-ws'
import { endWhenSilent, resuming } from '../../../src/client/resume.ts' // yours: 'warren/client'

export interface ShopClient {
  readonly apollo: ApolloClient
  readonly socket: Client
}

/** Subscriptions over WebSocket, which resume after their last event; the rest over HTTP. */
export function shopClient(url: string, token: string): ShopClient {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { token },
    retryAttempts: 0, // resuming reconnects.
    keepAlive: 10_000,
  })
  endWhenSilent(socket)
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(resuming(socket)),
    new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  )
  return { apollo: new ApolloClient({ link, cache: new InMemoryCache() }), socket }
}
