import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { type Connect, dataOf, operationOf, type PublishedClient, publishedClient } from './client.ts'
import { socketClient } from './graphql-ws.ts'

/** Apollo Client 4: queries and mutations over its HTTP link, subscriptions over GraphQLWsLink. */
export const connectApollo: Connect = ({ graphqlUrl, graphqlSocketUrl }, token, socket = socketClient) => {
  const webSocket = socket(graphqlSocketUrl, token)
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(webSocket),
    httpLink(graphqlUrl, token),
  )
  return apolloClient(link, () => webSocket.dispose())
}

/** The same with its HTTP link alone, which asks for a multipart response to subscriptions. */
export const connectApolloOverHttp: Connect = ({ graphqlUrl }, token) => apolloClient(httpLink(graphqlUrl, token))

function httpLink(uri: string, token: string | undefined): HttpLink {
  return new HttpLink({ uri, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
}

export function apolloClient(link: ApolloLink, close?: () => unknown): PublishedClient {
  const client = new ApolloClient({ cache: new InMemoryCache(), link })
  return publishedClient({
    async run<Result>(text: string, variables: Record<string, unknown>) {
      const answer =
        operationOf(text).kind === 'query'
          ? client.query<Result>({ query: gql(text), variables, fetchPolicy: 'network-only' })
          : client.mutate<Result>({ mutation: gql(text), variables })
      return dataOf<Result>({ data: (await answer).data })
    },
    listen(text, variables, sink) {
      const subscription = client.subscribe({ query: gql(text), variables, fetchPolicy: 'no-cache' }).subscribe({
        next: ({ data, error, extensions }) =>
          sink.next({ data, extensions, errors: error instanceof CombinedGraphQLErrors ? error.errors : undefined }),
        error: sink.error,
        complete: sink.complete,
      })
      return () => subscription.unsubscribe()
    },
    async close() {
      client.stop()
      await close?.()
    },
  })
}
