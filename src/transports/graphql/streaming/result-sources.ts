import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { latin1Of } from '../../../core/body/latin1.ts'
import { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { FanOut } from '../fan-out.ts'
import type { StreamedSubscription } from './response-body.ts'
import { LastChunk, type MaskErrors, type ResultSource, separateResults, sharedResults } from './result-source.ts'
import type { StreamForm } from './stream-form.ts'

/** The sources of results of subscriptions over HTTP, by their request. */
export class ResultSources {
  /** The session of a request; `contextFactory` adds it. */
  readonly streams = new WeakMap<Request, StreamedSubscription>()
  readonly #operations = new WeakMap<Request, ExecutionArgs>()
  readonly #lastChunk = new LastChunk()
  readonly #fanOut: FanOut
  readonly #mask: MaskErrors

  constructor(fanOut: FanOut, maskError: (error: unknown) => GraphQLError) {
    this.#fanOut = fanOut
    this.#mask = {
      ofResult: (result) => (result.errors ? { ...result, errors: result.errors.map(maskError) } : result),
      list: (error) => latin1Of(JSON.stringify([maskError(error)])),
    }
  }

  /** Notes the operation of each request. */
  readonly plugin: Plugin = {
    onSubscribe: ({ args }) => {
      const { request } = args.contextValue as { request?: Request }
      if (request) this.#operations.set(request, args)
    },
  }

  /** The results of a subscription, shared with all that asked the same if possible. */
  of(
    request: Request,
    form: StreamForm,
    result: AsyncIterable<ExecutionResult>,
  ): { readonly stream: StreamedSubscription | undefined; readonly results: ResultSource } {
    const fanOut = this.#fanOut
    const mask = this.#mask
    const stream = this.streams.get(request)
    const subscription = stream?.subscription instanceof ChannelSubscription ? stream.subscription : undefined
    const operation = this.#operations.get(request)
    const group = operation && fanOut.groupOf(operation)
    const results =
      subscription && group
        ? sharedResults(form, { subscription, group, operation, mask, lastChunk: this.#lastChunk })
        : separateResults(form, {
            results: result[Symbol.asyncIterator](),
            subscription,
            mask,
            extend: (event, value) => fanOut.extend(event, value, operation && fanOut.typedOperation(operation)),
          })
    return { stream, results }
  }
}
