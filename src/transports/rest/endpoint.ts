import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Credentials } from '../../auth/authenticate.ts'
import { parseJson } from '../../core/json/parse-json.ts'
import { errorStack } from '../../core/model/error-text.ts'
import type { Identity } from '../../core/model/identity.ts'
import { badInput, type ErrorCode, errorTable, GatewayError } from '../../errors.ts'
import { sendJson } from '../http/answer-request.ts'
import type { PageGuard } from '../http/page-guard.ts'
import { addressOf } from '../http/peer-address.ts'
import { createChannelClient } from './create-channel-client.ts'
import { createRabbitCh } from './create-rabbit-ch.ts'
import { healthCheck } from './health-check.ts'
import { jwt } from './jwt.ts'
import { openApiDocument } from './openapi.ts'
import { publishDataOverCh } from './publish-data-over-ch.ts'
import type { RestAnswer, RestParts, RestRequest, Route } from './route.ts'

export interface RestOptions extends RestParts {
  readonly proxyHops: number
  readonly guard: PageGuard
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
  /** Called for each request. Rejects with `LIMIT_EXCEEDED`. */
  readonly admitRequest: (request: IncomingMessage, authorization: string | undefined) => Promise<void>
  readonly onRefusal: (code: ErrorCode) => void
  readonly log: (text: string, details: Record<string, unknown>) => void
}

export const routes: readonly Route[] = [
  createChannelClient,
  createRabbitCh,
  publishDataOverCh,
  jwt,
  healthCheck,
  {
    path: '/openapi.json',
    method: 'GET',
    answer: () => Promise.resolve({ status: 200, body: openApiDocument }),
  },
]

/** The day of the first release: RFC 9745 §2.1. */
const deprecatedSince = '@1793404800'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** The REST API of the old publisher and socket server, by path. */
export function createRest(options: RestOptions): Map<string, Handler> {
  return new Map(
    routes.map((route) => [route.path, (request, response) => serve(route, options, request, response)] as const),
  )
}

async function serve(
  route: Route,
  options: RestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (route.exists && !route.exists(options)) {
    refuse(response, 404, { code: 'NOT_FOUND', message: `no endpoint at ${route.path}` })
    return
  }
  if (route.deprecated) {
    response.setHeader('deprecation', deprecatedSince)
    response.setHeader('link', '</graphql>; rel="successor-version", </openapi.json>; rel="service-desc"')
  }
  if (!admitPage(options.guard, request, response)) return
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end()
    return
  }
  if (request.method !== route.method && !(request.method === 'HEAD' && route.method === 'GET')) {
    response.setHeader('allow', route.method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS')
    refuse(response, 405, {
      code: 'METHOD_NOT_ALLOWED',
      message: `${route.path}: expected ${route.method}, got ${request.method}`,
    })
    return
  }
  try {
    await options.admitRequest(request, request.headers.authorization)
    const answer = await route.answer(toRestRequest(options, request), options)
    send(response, answer)
  } catch (error) {
    fail(options, response, error)
  }
}

/**
 * Answers a page of another origin only if the operator allows the origin, as everywhere in the
 * gateway. Returns false if it has answered with a refusal.
 */
function admitPage(guard: PageGuard, { headers }: IncomingMessage, response: ServerResponse): boolean {
  const refusal = guard.refusalOfPage(headers)
  if (refusal) {
    refuse(response, refusal.status, { code: 'FORBIDDEN', message: refusal.message })
    return false
  }
  guard.allowReading(headers, response)
  if (headers.origin !== undefined) {
    response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS')
    response.setHeader('access-control-allow-headers', 'content-type, authorization')
  }
  return true
}

function toRestRequest({ authenticate, proxyHops }: RestOptions, request: IncomingMessage): RestRequest {
  return {
    query: new URL(request.url ?? '/', 'http://localhost').searchParams,
    address: addressOf(request, proxyHops),
    body: () => jsonOf(request),
    identity: () => authenticate({ authorization: request.headers.authorization }),
  }
}

/** Ignores the content type, because `curl -d` declares a form. */
async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  try {
    return parseJson(Buffer.concat(pieces).toString())
  } catch {
    throw badInput('body', 'expected JSON')
  }
}

function send(response: ServerResponse, { status, body }: RestAnswer): void {
  // The body may have been refused for its size in the meantime.
  if (response.headersSent) return
  if (typeof body === 'string') response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body)
  else sendJson(response, status, body)
}

function fail({ onRefusal, log }: RestOptions, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return
  if (error instanceof GatewayError) {
    onRefusal(error.code)
    const { code, message, field, limit } = error
    if (errorTable[code].http === 429) response.setHeader('retry-after', '1')
    refuse(response, errorTable[code].http, { code, message, field, limit })
    return
  }
  const id = randomUUID()
  log('unexpected error in a REST request', {
    id,
    error: errorStack(error),
  })
  const message = `Unexpected error; the gateway's log has it under ${id}`
  refuse(response, 500, { code: 'INTERNAL_SERVER_ERROR', message, id })
}

function refuse(response: ServerResponse, status: number, error: object): void {
  if (status === 401) response.setHeader('www-authenticate', 'Bearer')
  sendJson(response, status, { error })
}
