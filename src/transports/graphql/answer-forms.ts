import { type ExecutionResult, GraphQLError } from 'graphql'
import { type GraphQLParams, type Plugin, processRegularResult } from 'graphql-yoga'
import { preferred, qualityOf } from '../http/media-types.ts'
import { wantsCallback } from './callback/callback-request.ts'
import { eventStreamType, serverSentEvents } from './streaming/event-stream.ts'
import { streamFormOf, streamTypes } from './streaming/negotiated-form.ts'
import type { StreamForm } from './streaming/stream-form.ts'

/** The first one is for clients that accept any type (GraphQL over HTTP, 2025). */
const jsonTypes = ['application/json', 'application/graphql-response+json'] as const

/** What answers an operation other than a subscription. */
const singleTypes = [...jsonTypes, eventStreamType]

/**
 * Chooses the form of an answer of `/graphql` by the rules of HTTP. A subscription is answered with
 * the stream form that the client wants most (`streamFormOf`). Other operations are answered with
 * JSON, or with a stream of one event if the client prefers that. A type that is not served gets
 * 406 before the operation is executed. Yoga's own stream writers are not used, because they do not
 * handle slow readers.
 */
export function answerForms(): Plugin {
  return {
    onRequest(payload) {
      const { request, fetchAPI } = payload
      const accept = acceptOf(request)
      const served = [...singleTypes, ...streamTypes]
      if (!['GET', 'POST'].includes(request.method) || preferred(accept, served)) return
      // `http` is for Yoga, which does not see this error.
      const { message, extensions } = notAcceptable(accept, singleTypes)
      const errors = [{ message, extensions: { code: extensions['code'] } }]
      payload.endResponse(
        new fetchAPI.Response(JSON.stringify({ errors }), {
          status: 406,
          headers: { 'content-type': 'application/json; charset=utf-8' },
        }),
      )
    },
    onSubscribe({ args }) {
      const { request, params } = args.contextValue as { request?: Request; params?: GraphQLParams }
      if (!request || streamFormOf(acceptOf(request)) || wantsCallback(acceptOf(request), params?.extensions)) return
      throw notAcceptable(acceptOf(request), streamTypes)
    },
    onExecute({ args }) {
      const { request } = args.contextValue as { request?: Request }
      if (!request || preferred(acceptOf(request), singleTypes)) return
      throw notAcceptable(acceptOf(request), singleTypes)
    },
    onResultProcess(payload) {
      const { request, result } = payload
      // `streamedResponses` writes results that continue.
      if (isAsyncIterable(result)) return
      const accept = acceptOf(request)
      const json = preferred(accept, jsonTypes)
      if (json && qualityOf(accept, json) >= qualityOf(accept, eventStreamType))
        payload.setResultProcessor(processRegularResult as never, json)
      else payload.setResultProcessor(inOnePart(streamFormOf(accept) ?? serverSentEvents) as never, eventStreamType)
    },
  }
}

export function acceptOf(request: Request): string | undefined {
  return request.headers.get('accept') ?? undefined
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Writes a result that is complete at once in the form of a stream. */
function inOnePart(form: StreamForm) {
  return async (result: ExecutionResult, fetchAPI: Parameters<typeof processRegularResult>[1]): Promise<Response> => {
    const answer = processRegularResult(result as never, fetchAPI, jsonTypes[0])
    const headers = new Headers(answer.headers)
    for (const [name, value] of Object.entries(form.headers)) headers.set(name, value)
    headers.delete('content-length')
    const json = await answer.text()
    const isFailure = form !== serverSentEvents && result.data === undefined
    const part = isFailure
      ? form.failure(JSON.stringify((JSON.parse(json) as ExecutionResult).errors))
      : form.result(json)
    const body = form.opening() + part + form.ending()
    return new fetchAPI.Response(body, { status: answer.status, headers: Object.fromEntries(headers) })
  }
}

function notAcceptable(accept: string | undefined, served: readonly string[]): GraphQLError {
  const received = (accept ?? '').slice(0, 200)
  // As the specification of multipart subscriptions spells it.
  const expected = served.join(' or ').replace('subscriptionspec=1.0', 'subscriptionSpec="1.0"')
  return new GraphQLError(`Accept: expected ${expected} for this operation, got ${JSON.stringify(received)}`, {
    extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } },
  })
}
