import { Client, type CombinedError, fetchExchange, subscriptionExchange } from '@urql/core'
import { type Connect, dataOf, operationOf, publishedClient } from './client.ts'
import { socketClient } from './graphql-ws.ts'

/**
 * urql: queries and mutations over its fetchExchange, subscriptions over its subscriptionExchange
 * on graphql-ws.
 */
export const connectUrql: Connect = ({ graphqlUrl, graphqlSocketUrl }, token, socket = socketClient) => {
  const webSocket = socket(graphqlSocketUrl, token)
  const client = new Client({
    url: graphqlUrl,
    fetchOptions: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: webSocket.subscribe({ query, variables: variables as Record<string, unknown> }, sink),
          }),
        }),
      }),
    ],
  })
  return publishedClient({
    async run<Result>(text: string, variables: Record<string, unknown>) {
      const answer =
        operationOf(text).kind === 'query'
          ? client.query<Result>(text, variables, { requestPolicy: 'network-only' })
          : client.mutation<Result>(text, variables)
      const { data, error } = await answer.toPromise()
      return dataOf<Result>({ data, errors: errorsOf(error) })
    },
    listen(text, variables, sink) {
      const subscription = client.subscription<unknown>(text, variables).subscribe(({ data, error, extensions }) => {
        if (error?.networkError) sink.error(error.networkError)
        else sink.next({ data, errors: errorsOf(error), extensions })
      })
      return () => subscription.unsubscribe()
    },
    close: () => webSocket.dispose(),
  })
}

function errorsOf(error: CombinedError | undefined) {
  if (error?.networkError) throw error.networkError
  return error?.graphQLErrors
}
