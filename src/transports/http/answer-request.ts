import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { hasToken, type Identity, isKnown } from '../../core/model/identity.ts'
import { mayPublish } from '../../core/sessions/authorizer.ts'
import type { BodyRefusal, BoundedRequest } from './bounded-request.ts'
import { isRefused, refuseCompressed } from './malformed-requests.ts'
import { defaultPolicy, type PageGuard } from './page-guard.ts'

export interface HttpRoutes {
  /** By path, without a final slash: the handler that answers a request. */
  readonly requests: ReadonlyMap<string, RequestHandler>
  /** By the first segment of a path (`/console`): answers it, and all paths below it. */
  readonly trees?: ReadonlyMap<string, (path: string, ...request: Parameters<RequestHandler>) => void | Promise<void>>
  /** By path, without a final slash: the handler that takes over an upgraded connection. */
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Any client may send a body of up to this many bytes. A larger body is accepted only after its
 * sender has been authenticated.
 */
export const smallBodyBytes = 64 * 1024
/** Limit for a client that has a token but may not publish, in bytes. */
const clientBodyBytes = 1024 * 1024
/** `Retry-After` of a refused client, in seconds: another replica accepts it at once. */
export const retryAfterSeconds = 1

export interface AnswerOptions extends HttpRoutes, BodyLimits {
  readonly guard: PageGuard
  readonly onError: (error: unknown) => void
}

interface BodyLimits {
  readonly maxBodyBytes: number
  /** How large a body beyond `smallBodyBytes` the sender of this request may send. */
  readonly maxBodyBytesOf: (request: IncomingMessage) => Promise<number>
}

/** Answers a request by its route, or refuses it. Never rejects. */
export async function answerRequest(
  options: AnswerOptions,
  request: BoundedRequest,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(defaultPolicy)) response.setHeader(name, value)
  // The headers of CORS, and refusals, depend on it.
  response.setHeader('vary', 'Origin')
  const refusal = options.guard.refusalOfHost(request.headers)
  if (refusal) {
    sendJson(response, refusal.status, { error: { code: 'FORBIDDEN', message: refusal.message } })
    return
  }
  withoutFinalSlash(request)
  const path = pathOf(request)
  const route = routeOf(options, path)
  if (!route && options.upgrades.has(path)) return askForUpgrade(request, response)
  if (!route) {
    sendJson(response, 404, { error: { code: 'NOT_FOUND', message: `no endpoint at ${path.slice(0, 200)}` } })
    return
  }
  if (refuseCompressed(request, response)) return
  try {
    if ((await admitBody(options, request, response)) && !response.headersSent) await route(request, response)
  } catch (error) {
    // Its endpoint has tried to answer, too.
    if (isRefused(response)) return
    options.onError(error)
    if (response.headersSent) response.destroy()
    else sendJson(response, 500, { error: { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error' } })
  }
}

function routeOf({ requests, trees }: HttpRoutes, path: string): RequestHandler | undefined {
  const tree = trees?.get(path.split('/', 2).join('/'))
  return requests.get(path) ?? (tree && ((request, response) => tree(path, request, response)))
}

/**
 * Returns false if the request has been answered here because its announced body is larger than its
 * sender may send.
 */
async function admitBody(options: BodyLimits, request: BoundedRequest, response: ServerResponse): Promise<boolean> {
  let maxBytes = options.maxBodyBytes
  request.onRefused = (why) => refuseBody(response, why, maxBytes)
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) {
    refuseBody(response, 'too-large', maxBytes)
    return false
  }
  // A chunked body does not announce its size.
  if (announced <= smallBodyBytes && request.headers['transfer-encoding'] === undefined) return true
  maxBytes = Math.max(smallBodyBytes, await options.maxBodyBytesOf(request))
  if (announced > maxBytes) refuseBody(response, 'too-large', maxBytes)
  else request.limitBody(maxBytes)
  return !response.headersSent
}

/**
 * Node reads and drops the rest of the body until it ends or its time is over. If the connection
 * closed while the client still sends, the client would lose the answer.
 */
function refuseBody(response: ServerResponse, why: BodyRefusal, maxBytes: number): void {
  if (response.headersSent) return void response.destroy()
  if (why === 'too-large') {
    const message = `body: expected at most ${maxBytes} bytes`
    sendJson(response, 413, { errors: [{ message, extensions: { code: 'PAYLOAD_TOO_LARGE' } }] })
    return
  }
  const message = 'too many bytes of request bodies in progress, from this address or in total; try again'
  const extensions = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_MESSAGE_BYTES' }
  response.setHeader('retry-after', String(retryAfterSeconds))
  sendJson(response, 429, { errors: [{ message, extensions }] })
}

/** How large a body this identity may send, in bytes. `maxBytes` is the largest limit. */
export function maxBodyBytesOf(identity: Identity, maxBytes: number): number {
  if (mayPublish(identity)) return maxBytes
  return Math.min(maxBytes, isKnown(identity) || hasToken(identity) ? clientBodyBytes : smallBodyBytes)
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/'
}

/** `/graphql/` is the same place as `/graphql`. */
export function withoutFinalSlash(request: IncomingMessage): void {
  request.url = request.url?.replace(/^([^?]*[^?/])\/(?=\?|$)/, '$1')
}

/** RFC 9110 §15.5.22. `Connection` may hold `close` already. */
function askForUpgrade(request: IncomingMessage, response: ServerResponse): void {
  const message = `${pathOf(request)}: expected a WebSocket upgrade, got a plain ${request.method} request`
  const close = response.getHeader('connection') === 'close' ? ', close' : ''
  response.setHeader('connection', `Upgrade${close}`)
  response.setHeader('upgrade', 'websocket')
  sendJson(response, 426, { error: { code: 'UPGRADE_REQUIRED', message } })
}
