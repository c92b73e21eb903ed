import relay, { type GraphQLResponse, type GraphQLSingularResponse, type RequestParameters } from 'relay-runtime'
import { type Answer, type Connect, collect, dataOf, operationOf } from './client.ts'
import { socketClient } from './graphql-ws.ts'

const { Environment, Network, Observable, RecordSource, Store } = relay

/**
 * Relay's network layer as its manual sets it up: fetch for queries and mutations, graphql-ws for
 * subscriptions. The request parameters are made here, because the tests do not run Relay's
 * compiler.
 */
export const connectRelay: Connect = ({ graphqlUrl, graphqlSocketUrl }, token) => {
  const socket = socketClient(graphqlSocketUrl, token)
  const environment = new Environment({
    store: new Store(new RecordSource()),
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
          socket.subscribe(
            { query: text ?? '', variables },
            { ...sink, next: (answer) => sink.next(answer as GraphQLResponse) },
          ),
        ),
    ),
  })
  const execute = (document: { toString(): string }, variables: unknown) =>
    environment.getNetwork().execute(parametersOf(document), variables as Record<string, unknown>, { force: true })
  return {
    async run<Result>(document: { toString(): string }, variables: unknown) {
      const answer = await execute(document, variables).toPromise()
      return dataOf<Result>(answerOf(answer))
    },
    subscribe: <Result>(document: { toString(): string }, variables: unknown) =>
      collect<Result>((sink) => {
        const subscription = execute(document, variables).subscribe({
          ...sink,
          next: (answer) => sink.next(answerOf(answer)),
        })
        return () => subscription.unsubscribe()
      }),
    [Symbol.asyncDispose]: async () => socket.dispose(),
  }
}

function parametersOf(document: { toString(): string }): RequestParameters {
  const { text, kind, name } = operationOf(document)
  return { id: null, cacheID: name, text, name, operationKind: kind, metadata: {} }
}

function answerOf<Result>(response: GraphQLResponse | undefined): Answer<Result> {
  return (response ?? {}) as GraphQLSingularResponse as Answer<Result>
}
