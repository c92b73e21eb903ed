import relay, { type GraphQLResponse } from 'relay-runtime'
import { type Connect, dataOf, operationOf, publishedClient } from './client.ts'
import { socketClient } from './graphql-ws.ts'
import { compiledByRelay } from './relay-compiler.ts'

const { commitMutation, Environment, fetchQuery, Network, Observable, RecordSource, requestSubscription, Store } = relay

/**
 * Relay as its manual sets it up: fetch for queries and mutations, graphql-ws for subscriptions,
 * operations compiled by Relay's compiler from the schema that the gateway shows to introspection.
 */
export const connectRelay: Connect = ({ graphqlUrl, graphqlSocketUrl }, token, socket = socketClient) => {
  const webSocket = socket(graphqlSocketUrl, token)
  const environment = new Environment({
    store: new Store(new RecordSource()),
    // Kinds of event may share an id; Relay's store expects ids that are unique across types.
    getDataID: ({ id }: { id?: string }, typeName: string) => (id === undefined ? undefined : `${typeName}:${id}`),
    network: Network.create(
      async ({ text }, variables) => {
        const response = await fetch(graphqlUrl, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
          body: JSON.stringify({ query: text, variables }),
        })
        return (await response.json()) as GraphQLResponse
      },
      ({ text }, variables) =>
        Observable.create((sink) =>
          webSocket.subscribe(
            { query: text ?? '', variables },
            { ...sink, next: (answer) => sink.next(answer as GraphQLResponse) },
          ),
        ),
    ),
  })
  return publishedClient({
    async run<Result>(text: string, variables: Record<string, unknown>) {
      const operation = await compiledByRelay(graphqlUrl, text)
      if (operationOf(text).kind === 'query')
        return dataOf({ data: (await fetchQuery(environment, operation, variables).toPromise()) as Result })
      return new Promise<Result>((resolve, reject) => {
        commitMutation(environment, {
          mutation: operation,
          variables,
          onCompleted: (data, errors) =>
            errors ? reject(new AggregateError(errors)) : resolve(dataOf({ data: data as Result })),
          onError: reject,
        })
      })
    },
    listen(text, variables, sink) {
      let subscription: { dispose(): void } | undefined
      let stopped = false
      const start = async () => {
        const operation = await compiledByRelay(graphqlUrl, text)
        if (stopped) return
        subscription = requestSubscription(environment, {
          subscription: operation,
          variables,
          onNext: (data) => sink.next({ data }),
          onError: sink.error,
          onCompleted: sink.complete,
        })
      }
      void start().catch(sink.error)
      return () => {
        stopped = true
        subscription?.dispose()
      }
    },
    close: () => webSocket.dispose(),
  })
}
