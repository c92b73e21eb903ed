// CommonJS: not every loader finds its names.
import relay, { type GraphQLResponse, type SubscribeFunction } from 'relay-runtime'
import { type ResumingOptions, resuming, type SubscriptionClient } from '../resume.ts'

/**
 * The second argument of Relay's `Network.create`: each subscription that takes `$after: Cursor`
 * resumes by itself.
 */
export function resumingSubscribe(client: SubscriptionClient, options?: ResumingOptions): SubscribeFunction {
  const socket = resuming(client, options)
  return ({ text, name }, variables) => {
    // A persisted operation has an id only, and the variables that it takes are in the text.
    if (typeof text !== 'string') throw new TypeError(`${name}: expected the text of the subscription, not its id only`)
    return relay.Observable.create<GraphQLResponse>((sink) =>
      socket.subscribe(
        { query: text, variables, operationName: name },
        {
          next: (result) => sink.next(result as GraphQLResponse),
          error: (error) => sink.error(errorOf(error)),
          complete: () => sink.complete(),
        },
      ),
    )
  }
}

function errorOf(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error('the subscription failed', { cause })
}
