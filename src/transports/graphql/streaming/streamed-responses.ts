import type { ServerResponse } from 'node:http'
import type { GraphQLParams, Plugin } from 'graphql-yoga'
import { acceptOf, isAsyncIterable } from '../answer-forms.ts'
import { wantsCallback } from '../callback/callback-request.ts'
import { streamFormOf } from './negotiated-form.ts'
import { responseBody } from './response-body.ts'
import type { ResultSources } from './result-sources.ts'

/**
 * Answers subscriptions with a response that carries their results until they end. `keepAliveMs`:
 * time between two heartbeats, in milliseconds.
 */
export function streamedResponses(sources: ResultSources, keepAliveMs: number): Plugin {
  return {
    onResultProcess(payload) {
      const { request, result, serverContext } = payload
      // The adapter of node:http and Yoga add these.
      const { res: response, params } = serverContext as { res?: ServerResponse; params?: GraphQLParams }
      const form = streamFormOf(acceptOf(request))
      // `answerForms` has checked that the client accepts one.
      if (!form || !isAsyncIterable(result) || wantsCallback(acceptOf(request), params?.extensions)) return
      const { stream, results } = sources.of(request, form, result)
      payload.setResultProcessor((_result, fetchAPI) => {
        const body = responseBody({ form, results, stream, response, keepAliveMs })
        return new fetchAPI.Response(body, { headers: form.headers })
      }, form.mediaType)
    },
  }
}
