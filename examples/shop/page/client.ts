import { ApolloClient, HttpLink, InMemoryCache, split } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { getMainDefinition } from '@apollo/client/utilities'
import { createClient } from 'graphql-ws'
import { resuming } from '../../../src/client/resume.ts' // yours: 'warren/client'

/** Subscriptions over WebSocket, which resume after their last event; the rest over HTTP. */
export function shopClient(url: string, token: string): ApolloClient {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { token },
    retryAttempts: 0, // resuming reconnects.
  })
  const link = split(
    ({ query }) => {
      const definition = getMainDefinition(query)
      return definition.kind === 'OperationDefinition' && definition.operation === 'subscription'
    },
    new GraphQLWsLink(resuming(socket)),
    new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  )
  return new ApolloClient({ link, cache: new InMemoryCache() })
}
