import type { ServerResponse } from 'node:http'
import type { ExecutionArgs, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { latin1Of } from '../../../core/body/latin1.ts'
import { acceptOf, isAsyncIterable } from '../answer-forms.ts'
import type { FanOut } from '../fan-out.ts'
import { responseBody, type StreamedSubscription } from './response-body.ts'
import { LastChunk, type MaskErrors, separateResults, sharedResults } from './result-source.ts'
import { streamFormOf } from './stream-form.ts'

/** By request. */
export type StreamedSubscriptions = WeakMap<Request, StreamedSubscription>

export interface StreamedResponsesOptions {
  readonly streams: StreamedSubscriptions
  readonly fanOut: FanOut
  readonly maskError: (error: unknown) => GraphQLError
  /** Time between two heartbeats, in milliseconds. */
  readonly keepAliveMs: number
}

/** Answers subscriptions with a response that carries their results until they end. */
export function streamedResponses({ streams, fanOut, maskError, keepAliveMs }: StreamedResponsesOptions): Plugin {
  const operations = new WeakMap<Request, ExecutionArgs>()
  const lastChunk = new LastChunk()
  const mask: MaskErrors = {
    ofResult: (result) => (result.errors ? { ...result, errors: result.errors.map(maskError) } : result),
    list: (error) => latin1Of(JSON.stringify([maskError(error)])),
  }
  return {
    onSubscribe({ args }) {
      const { request } = args.contextValue as { request?: Request }
      if (request) operations.set(request, args)
    },
    onResultProcess(payload) {
      const { request, result, serverContext } = payload
      const form = streamFormOf(acceptOf(request))
      // `answerForms` has checked that the client accepts one.
      if (!form || !isAsyncIterable(result)) return
      const stream = streams.get(request)
      const subscription = stream?.subscription
      const operation = operations.get(request)
      const group = operation && fanOut.groupOf(operation)
      const results =
        subscription && group
          ? sharedResults(form, { subscription, group, operation, mask, lastChunk })
          : separateResults(form, {
              results: result[Symbol.asyncIterator](),
              subscription,
              mask,
              extend: (event, value) => fanOut.extend(event, value, operation && fanOut.typedOperation(operation)),
            })
      payload.setResultProcessor((_result, fetchAPI) => {
        // The adapter of node:http adds it.
        const { res: response } = serverContext as { res?: ServerResponse }
        const body = responseBody({ form, results, stream, response, keepAliveMs })
        return new fetchAPI.Response(body, { headers: form.headers })
      }, form.mediaType)
    },
  }
}
