import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { type Connect, collect, dataOf, operationOf, Refused } from './client.ts'
import { socketClient } from './graphql-ws.ts'

/** Apollo Client: queries and mutations over its HTTP link, subscriptions over GraphQLWsLink. */
export const connectApollo: Connect = ({ graphqlUrl, graphqlSocketUrl }, token) => {
  const socket = socketClient(graphqlSocketUrl, token)
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: graphqlUrl, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }),
    ),
  })
  return {
    async run<Result>(document: { toString(): string }, given: unknown) {
      const { text, kind } = operationOf(document)
      const variables = given as Record<string, unknown>
      const answer =
        kind === 'query'
          ? client.query<Result>({ query: gql(text), variables, fetchPolicy: 'network-only' })
          : client.mutate<Result>({ mutation: gql(text), variables })
      return dataOf<Result>(await answer.catch(refuse))
    },
    subscribe: <Result>(document: { toString(): string }, variables: unknown) =>
      collect<Result>((sink) => {
        const subscription = client
          .subscribe<Result>({ query: gql(document.toString()), variables: variables as Record<string, unknown> })
          .subscribe({
            ...sink,
            next: ({ data, error }) =>
              sink.next({
                data,
                errors: error instanceof CombinedGraphQLErrors ? error.errors : undefined,
              }),
          })
        return () => subscription.unsubscribe()
      }),
    async [Symbol.asyncDispose]() {
      client.stop()
      await socket.dispose()
    },
  }
}

function refuse(error: unknown): never {
  throw error instanceof CombinedGraphQLErrors ? new Refused(error.errors) : error
}
