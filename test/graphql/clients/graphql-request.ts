import { GraphQLClient } from 'graphql-request'
import { type Connect, publishedClient } from './client.ts'

/** graphql-request: queries and mutations over HTTP. It has no subscriptions. */
export const connectGraphqlRequest: Connect = ({ graphqlUrl }, token) => {
  const client = new GraphQLClient(graphqlUrl, {
    // Called for each request, so that a new token is sent at once.
    headers: () => (token === undefined ? [] : [['authorization', `Bearer ${token}`]]),
  })
  return publishedClient({
    run: <Result>(text: string, variables: Record<string, unknown>) => client.request<Result>(text, variables),
    listen: () => {
      throw new Error('graphql-request has no subscriptions')
    },
    close: () => undefined,
  })
}
