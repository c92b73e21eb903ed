import { type Exchange, type ExecutionResult, subscriptionExchange } from '@urql/core'
import { type ResumingOptions, resuming, type SubscriptionClient } from '../resume.ts'

/** The exchange for subscriptions: each that takes `$after: Cursor` resumes by itself. */
export function resumingExchange(client: SubscriptionClient, options?: ResumingOptions): Exchange {
  const socket = resuming(client, options)
  return subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: (sink) => ({
        unsubscribe: socket.subscribe(
          { query, variables },
          {
            next: (result) => sink.next(result as ExecutionResult),
            error: (error) => sink.error(error),
            complete: () => sink.complete(),
          },
        ),
      }),
    }),
  })
}
