import { Client, type ClientOptions, type CombinedError, fetchExchange, subscriptionExchange } from '@urql/core'
import { type Connect, dataOf, operationOf, type PublishedClient, publishedClient } from './client.ts'
import { socketClient } from './graphql-ws.ts'

/**
 * urql: queries and mutations over its fetchExchange, subscriptions over its subscriptionExchange
 * on graphql-ws.
 */
export const connectUrql: Connect = ({ graphqlUrl: url, graphqlSocketUrl }, token, socket = socketClient) => {
  const webSocket = socket(graphqlSocketUrl, token)
  const overSocket = subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: (sink) => ({
        unsubscribe: webSocket.subscribe({ query, variables: variables as Record<string, unknown> }, sink),
      }),
    }),
  })
  return urqlClient({ url, token, exchanges: [fetchExchange, overSocket] }, () => webSocket.dispose())
}

/** The same with its fetchExchange alone, which accepts server-sent events and multipart responses. */
export const connectUrqlOverHttp: Connect = ({ graphqlUrl: url }, token) =>
  urqlClient({ url, token, exchanges: [fetchExchange], fetchSubscriptions: true })

function urqlClient(
  { token, ...options }: ClientOptions & { token: string | undefined },
  close?: () => unknown,
): PublishedClient {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const client = new Client({ ...options, fetchOptions: { headers } })
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
    close: () => close?.(),
  })
}

function errorsOf(error: CombinedError | undefined) {
  if (error?.networkError) throw error.networkError
  return error?.graphQLErrors
}
