import subscriptions from 'apollo-client-3/link/subscriptions/subscriptions.cjs'
import apollo from 'apollo-client-3/main.cjs'
import { OperationTypeNode } from 'graphql'
import { type Connect, dataOf, operationOf, type PublishedClient, publishedClient } from './client.ts'
import { socketClient } from './graphql-ws.ts'

const { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, split } = apollo
const { GraphQLWsLink } = subscriptions

/** Apollo Client 3: queries and mutations over its HTTP link, subscriptions over GraphQLWsLink. */
export const connectApollo3: Connect = ({ graphqlUrl, graphqlSocketUrl }, token, socket = socketClient) => {
  const webSocket = socket(graphqlSocketUrl, token)
  const link = split(
    ({ query }) =>
      query.definitions.some((one) => 'operation' in one && one.operation === OperationTypeNode.SUBSCRIPTION),
    new GraphQLWsLink(webSocket),
    httpLink(graphqlUrl, token),
  )
  return apollo3Client(link, () => webSocket.dispose())
}

/** The same with its HTTP link alone, which asks for a multipart response to subscriptions. */
export const connectApollo3OverHttp: Connect = ({ graphqlUrl }, token) => apollo3Client(httpLink(graphqlUrl, token))

function httpLink(uri: string, token: string | undefined): InstanceType<typeof HttpLink> {
  return new HttpLink({ uri, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
}

export function apollo3Client(link: InstanceType<typeof ApolloLink>, close?: () => unknown): PublishedClient {
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
        next: ({ data, errors, extensions }) => sink.next({ data, errors, extensions }),
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
