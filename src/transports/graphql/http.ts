import type { IncomingMessage, ServerResponse } from 'node:http'
import { NoSchemaIntrospectionCustomRule, validate } from 'graphql'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { ErrorCode } from '../../errors.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import type { Context } from '../../graphql/context.ts'
import { limitedOperations } from '../../graphql/limits/limited-parse.ts'
import { errorMasker, withoutSuggestion } from '../../graphql/mask-error.ts'
import { sendJson } from '../http/answer-request.ts'
import { names } from '../http/media-types.ts'
import type { Origins } from '../http/origins.ts'
import type { PageGuard } from '../http/page-guard.ts'
import { answerForms } from './answer-forms.ts'
import { CallbackSubscriptions } from './callback/callback-subscriptions.ts'
import { contextFactory, type GraphQLParts, type SocketContext } from './context.ts'
import type { FanOut } from './fan-out.ts'
import { FeedResults, isShared } from './feed-results.ts'
import { losslessRequests, losslessResults } from './lossless-http.ts'
import { type AdmitRequest, requestRates } from './request-rates.ts'
import { batches } from './requests/batches.ts'
import { noConditionalRoots } from './requests/conditional-roots.ts'
import { persistedDocuments } from './requests/persisted-documents.ts'
import { variableErrors } from './requests/variable-errors.ts'
import { ResultSources } from './streaming/result-sources.ts'
import { streamedResponses } from './streaming/streamed-responses.ts'
import { validDocuments } from './valid-documents.ts'

export interface GraphQLHttpOptions extends GraphQLParts {
  readonly served: ServedSchema
  readonly origins: Origins
  readonly introspection: boolean
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly warn: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
  readonly onExecute: () => void
  readonly fanOut: FanOut
  readonly admitRequest: AdmitRequest
  /** To which the HTTP callback protocol may post; empty: it is off. */
  readonly callbackUrls: readonly string[]
  readonly maxBatch: number
}

export type Yoga = YogaServerInstance<Partial<SocketContext>, Context>

/**
 * Queries, mutations and streamed subscriptions at `/graphql` (GraphQL over HTTP). The WebSocket
 * side uses the same envelope, so both behave alike.
 */
export function createGraphQLHttp(options: GraphQLHttpOptions): {
  readonly yoga: Yoga
  readonly callbacks: CallbackSubscriptions
} {
  const maskError = errorMasker(options.log, options.onRefusal, { suggestions: options.introspection })
  const sources = new ResultSources(options.fanOut, maskError)
  const callbacks = new CallbackSubscriptions({ urls: options.callbackUrls, sources, warn: options.warn })
  const yoga = createYoga<Partial<SocketContext>, Context>({
    schema: options.served.current.schema,
    context: contextFactory(options, sources.streams),
    graphqlEndpoint: '/graphql',
    parserAndValidationCache: false,
    // `batches` has refused longer ones.
    batching: { limit: Math.max(1, options.maxBatch) },
    graphiql: false,
    multipart: false,
    landingPage: false,
    logging: false,
    maskedErrors: { maskError },
    cors: (request) => {
      const origin = request.headers.get('origin')
      const allowed = origin !== null && options.origins.allows(origin, request.headers.get('host'))
      // Yoga would read an empty list as "any origin".
      return allowed ? { origin, credentials: true, methods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'] } : false
    },
    plugins: [
      requestRates(options.admitRequest, (error) => options.onRefusal(error.code)),
      losslessRequests,
      batches(options),
      persistedDocuments(options.documents, options.settings.proxyHops),
      variableErrors,
      losslessResults,
      currentSchema(options.served),
      validDocuments(limitedOperations(() => options.served.current.schema, options.settings)),
      answerForms(),
      sources.plugin,
      new FeedResults(options).plugin,
      streamedResponses(sources, options.settings.keepAliveMs),
      callbacks.plugin,
      countExecutions(options.onExecute),
      noConditionalRoots,
      ...(options.introspection ? [] : [noIntrospection]),
    ],
  })
  return { yoga, callbacks }
}

/** A reload replaces the schema that Yoga was given. */
function currentSchema(served: ServedSchema): Plugin {
  return { onEnveloped: ({ setSchema }) => setSchema(served.current.schema) }
}

/** A validation rule, because it also applies to the WebSocket. */
const noIntrospection: Plugin = {
  onValidate: ({ addValidationRule, setValidationFn }) => {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    // A "Did you mean" text would reveal the names that introspection is meant to hide.
    const withoutSuggestions: typeof validate = (schema, document, rules, options, typeInfo) =>
      validate(schema, document, rules, { ...options, hideSuggestions: true }, typeInfo).map(withoutSuggestion)
    setValidationFn(withoutSuggestions)
  },
}

function countExecutions(onExecute: () => void): Plugin {
  return {
    onExecute: () => onExecute(),
    onSubscribe: () => ({
      onSubscribeResult: () => ({
        // `FeedResults` counts what it shares.
        onNext: ({ result }) => {
          if (!isShared(result)) onExecute()
        },
      }),
    }),
  }
}

/** `SingleConnections`. */
export interface SingleConnectionMode {
  isFor(request: IncomingMessage): boolean
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
}

/**
 * Passes a request to Yoga, or to the single connection mode of SSE. A failure ends this response
 * only. Requests from pages of other sites stop here: an HTML form cannot post JSON, and `Origin`
 * and `Sec-Fetch-Site` reveal the others.
 */
export async function serveGraphQL(
  { yoga, guard, single }: { yoga: Yoga; guard: PageGuard; single: SingleConnectionMode },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = guard.refusalOfPage(request.headers)
  if (refusal) return refuse(response, refusal.status, 'FORBIDDEN', refusal.message)
  guard.allowReading(request.headers, response)
  if (request.method === 'POST') {
    if (mediaTypeOf(request) !== 'application/json') {
      const message = 'expected a POST with the content type application/json'
      response.setHeader('accept', 'application/json')
      return refuse(response, 415, 'BAD_USER_INPUT', message)
    }
    // Yoga compares the type with case.
    request.headers['content-type'] = 'application/json'
  }
  if (single.isFor(request)) await single.serve(request, response)
  else await yoga(request, response)
}

const graphqlResponse = 'application/graphql-response+json'

/**
 * HEAD is answered as GET is, without a body, which Node.js leaves out (RFC 9110 §9.3.2). It never
 * begins a stream: nothing of one could be sent, and it would not end.
 */
export function headAsGet(request: IncomingMessage): void {
  if (request.method !== 'HEAD') return
  request.method = 'GET'
  const { accept } = request.headers
  if (names(accept, 'text/html')) return
  request.headers.accept = names(accept, graphqlResponse) ? graphqlResponse : 'application/json'
}

/**
 * The content type without parameters. A list of types, which some parsers split, is not accepted.
 */
function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').replace(/;.*$/s, '').trim().toLowerCase()
}

function refuse(response: ServerResponse, status: number, code: ErrorCode, message: string): void {
  sendJson(response, status, { errors: [{ message, extensions: { code } }] })
}
