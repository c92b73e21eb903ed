import { type ExecutionResult, GraphQLError } from 'graphql'
import { type Plugin, processRegularResult } from 'graphql-yoga'
import { preferred, qualityOf } from '../http/media-types.ts'

export const eventStreamType = 'text/event-stream'
/** The first one is for clients that accept any type (GraphQL over HTTP, 2025). */
const jsonTypes = ['application/json', 'application/graphql-response+json'] as const

/**
 * Chooses the form of an answer of `/graphql` by the rules of HTTP. A subscription is answered with
 * server-sent events whenever the client accepts them. Other operations are answered with JSON, or
 * with a stream of one event if the client prefers that. A type that is not served gets 406 before
 * the operation is executed. Yoga's own stream writers are not used, because they do not handle
 * slow readers.
 */
export function answerForms(): Plugin {
  return {
    onRequest(payload) {
      const { request, fetchAPI } = payload
      const accept = acceptOf(request)
      if (!['GET', 'POST'].includes(request.method) || preferred(accept, [...jsonTypes, eventStreamType])) return
      payload.endResponse(
        new fetchAPI.Response(JSON.stringify({ errors: [notAcceptable(accept, [...jsonTypes, eventStreamType])] }), {
          status: 406,
          headers: { 'content-type': 'application/json; charset=utf-8' },
        }),
      )
    },
    onSubscribe({ args }) {
      const { request } = args.contextValue as { request?: Request }
      if (!request || qualityOf(acceptOf(request), eventStreamType) > 0) return
      throw notAcceptable(acceptOf(request), [eventStreamType])
    },
    onResultProcess(payload) {
      const { request, result } = payload
      // `serverSentEvents` writes results that continue.
      if (isAsyncIterable(result)) return
      const accept = acceptOf(request)
      const json = preferred(accept, jsonTypes)
      if (json && qualityOf(accept, json) >= qualityOf(accept, eventStreamType))
        payload.setResultProcessor(processRegularResult as never, json)
      else payload.setResultProcessor(asSingleEvent as never, eventStreamType)
    },
  }
}

export function acceptOf(request: Request): string | undefined {
  return request.headers.get('accept') ?? undefined
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/**
 * The events of a result that is complete at once (GraphQL over SSE, distinct connections mode).
 */
async function asSingleEvent(
  result: ExecutionResult,
  fetchAPI: Parameters<typeof processRegularResult>[1],
): Promise<Response> {
  const answer = processRegularResult(result as never, fetchAPI, jsonTypes[0])
  const headers = new Headers(answer.headers)
  for (const [name, value] of Object.entries(eventStreamHeaders)) headers.set(name, value)
  headers.delete('content-length')
  const body = `:\n\nevent: next\ndata: ${await answer.text()}\n\n${lastEvent}`
  return new fetchAPI.Response(body, { status: answer.status, headers: Object.fromEntries(headers) })
}

export const lastEvent = 'event: complete\ndata:\n\n'

export const eventStreamHeaders = {
  'content-type': `${eventStreamType}; charset=utf-8`,
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
}

function notAcceptable(accept: string | undefined, served: readonly string[]): GraphQLError {
  const received = (accept ?? '').slice(0, 200)
  return new GraphQLError(
    `Accept: expected ${served.join(' or ')} for this operation, got ${JSON.stringify(received)}`,
    {
      extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } },
    },
  )
}
