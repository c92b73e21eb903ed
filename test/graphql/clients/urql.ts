import { Client, type CombinedError, fetchExchange, subscriptionExchange } from '@urql/core'
import { type Connect, collect, dataOf, operationOf } from './client.ts'
import { socketClient } from './graphql-ws.ts'

/**
 * urql: queries and mutations over its fetchExchange, subscriptions over its subscriptionExchange
 * on graphql-ws.
 */
export const connectUrql: Connect = ({ graphqlUrl, graphqlSocketUrl }, token) => {
  const socket = socketClient(graphqlSocketUrl, token)
  const client = new Client({
    url: graphqlUrl,
    fetchOptions: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables as Record<string, unknown> }, sink),
          }),
        }),
      }),
    ],
  })
  return {
    async run<Result>(document: { toString(): string }, given: unknown) {
      const { text, kind } = operationOf(document)
      const variables = given as Record<string, unknown>
      const answer =
        kind === 'query'
          ? client.query<Result>(text, variables, { requestPolicy: 'network-only' })
          : client.mutation<Result>(text, variables)
      const { data, error } = await answer.toPromise()
      return dataOf<Result>({ data, errors: errorsOf(error) })
    },
    subscribe: <Result>(document: { toString(): string }, variables: unknown) =>
      collect<Result>((sink) => {
        const subscription = client
          .subscription<Result>(document.toString(), variables as Record<string, unknown>)
          .subscribe(({ data, error }) => sink.next({ data, errors: errorsOf(error) }))
        return () => subscription.unsubscribe()
      }),
    [Symbol.asyncDispose]: async () => socket.dispose(),
  }
}

function errorsOf(error: CombinedError | undefined) {
  if (error?.networkError) throw error.networkError
  return error?.graphQLErrors
}
