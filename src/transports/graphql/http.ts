import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GraphQLSchema, NoSchemaIntrospectionCustomRule, validate } from 'graphql'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { ErrorCode } from '../../errors.ts'
import type { Context } from '../../graphql/context.ts'
import { limitedOperations } from '../../graphql/limits/limited-parse.ts'
import { errorMasker, withoutSuggestion } from '../../graphql/mask-error.ts'
import { sendJson } from '../http/http-listener.ts'
import type { Origins } from '../http/origins.ts'
import type { PageGuard } from '../http/page-guard.ts'
import { answerForms } from './answer-forms.ts'
import { contextFactory, type GraphQLParts, type SocketContext } from './context.ts'
import type { FanOut } from './fan-out.ts'
import { losslessRequests, losslessResults } from './lossless-http.ts'
import { type AdmitRequest, requestRates } from './request-rates.ts'
import { type StreamedOf, serverSentEvents } from './sse.ts'
import { validDocuments } from './valid-documents.ts'

export interface GraphQLHttpOptions extends GraphQLParts {
  readonly schema: GraphQLSchema
  readonly origins: Origins
  readonly introspection: boolean
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
  readonly onExecute: () => void
  readonly fanOut: FanOut
  readonly admitRequest: AdmitRequest
}

export type Yoga = YogaServerInstance<Partial<SocketContext>, Context>

/**
 * Queries, mutations and SSE at `/graphql` (GraphQL over HTTP). The WebSocket side uses its
 * envelope, so both behave alike.
 */
export function createGraphQLHttp(options: GraphQLHttpOptions): Yoga {
  const maskError = errorMasker(options.log, options.onRefusal, { suggestions: options.introspection })
  const streamedOf: StreamedOf = new WeakMap()
  return createYoga<Partial<SocketContext>, Context>({
    schema: options.schema,
    context: contextFactory(options, streamedOf),
    graphqlEndpoint: '/graphql',
    parserAndValidationCache: false,
    graphiql: false,
    multipart: false,
    landingPage: false,
    logging: false,
    maskedErrors: { maskError },
    cors: (request) => {
      const origin = request.headers.get('origin')
      const allowed = origin !== null && options.origins.allows(origin, request.headers.get('host'))
      // Not an empty list: Yoga takes that for all.
      return allowed ? { origin, credentials: true, methods: ['GET', 'POST', 'OPTIONS'] } : false
    },
    plugins: [
      requestRates(options.admitRequest, (error) => options.onRefusal(error.code)),
      losslessRequests,
      losslessResults,
      validDocuments(limitedOperations(options.schema, options.settings)),
      answerForms(),
      serverSentEvents({ streamedOf, fanOut: options.fanOut, maskError, keepAliveMs: options.settings.keepAliveMs }),
      countExecutions(options.onExecute),
      ...(options.introspection ? [] : [noIntrospection]),
    ],
  })
}

/** A validation rule, for it holds over WebSocket too. */
const noIntrospection: Plugin = {
  onValidate: ({ addValidationRule, setValidationFn }) => {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    // "Did you mean" tells a caller word by word what introspection would have.
    const withoutSuggestions: typeof validate = (schema, document, rules, options, typeInfo) =>
      validate(schema, document, rules, { ...options, hideSuggestions: true }, typeInfo).map(withoutSuggestion)
    setValidationFn(withoutSuggestions)
  },
}

function countExecutions(onExecute: () => void): Plugin {
  return {
    onExecute: () => onExecute(),
    onSubscribe: () => ({ onSubscribeResult: () => ({ onNext: () => onExecute() }) }),
  }
}

/**
 * Hands a request to Yoga; a failure ends this response and nothing else. A page of another site
 * gets no further than here: its forms can post no JSON, and `Origin` and `Sec-Fetch-Site` tell of
 * the rest.
 */
export async function serveGraphQL(
  yoga: Yoga,
  guard: PageGuard,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = guard.refusalOfPage(request.headers)
  if (refusal) return refuse(response, refusal.status, 'FORBIDDEN', refusal.message)
  guard.allowReading(request.headers, response)
  if (request.method === 'POST') {
    if (mediaTypeOf(request) !== 'application/json') {
      const message = 'expected a POST with the content type application/json'
      return refuse(response, 415, 'BAD_USER_INPUT', message)
    }
    // Yoga compares the type with case.
    request.headers['content-type'] = 'application/json'
  }
  await yoga(request, response)
}

/** Without parameters; a list of types, which some parsers take apart, is none of ours. */
function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').replace(/;.*$/s, '').trim().toLowerCase()
}

function refuse(response: ServerResponse, status: number, code: ErrorCode, message: string): void {
  sendJson(response, status, { errors: [{ message, extensions: { code } }] })
}
