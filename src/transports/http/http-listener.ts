import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { hasToken, type Identity, isKnown } from '../../core/model/identity.ts'
import { mayPublish } from '../../core/sessions/authorizer.ts'
import type { Connections } from '../../core/sessions/connections.ts'
import { within } from '../../core/timing/deadline.ts'
import { acceptedOn, acceptSocket } from '../flow/accepted-sockets.ts'
import { backlog } from '../flow/backlog.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { type BodyRefusal, type BoundedRequest, boundedRequest } from './bounded-request.ts'
import { isRefused, refuseCompressed, refuseMalformed } from './malformed-requests.ts'
import { defaultPolicy, type PageGuard, type PageRefusal } from './page-guard.ts'
import { addressOf } from './peer-address.ts'
import { toOriginForm } from './request-target.ts'
import { RequestTurns } from './request-turns.ts'

export interface HttpRoutes {
  /** By path, without a final slash: the handler that answers a request. */
  readonly requests: ReadonlyMap<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>
  /** By path, without a final slash: the handler that takes over an upgraded connection. */
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>
}

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface HttpListener {
  readonly port: number
  /** Changes the option of the same name. */
  setMaxConnections(maxConnections: number): void
  /**
   * Refuses upgrades from now on. Requests are still answered, and their connections close after
   * the answer.
   */
  drain(): void
  /**
   * Leaves new connections to other processes that listen on the same port. Existing connections
   * stay.
   */
  stopAccepting(): void
  /**
   * Stops accepting. Resolves when requests in progress have been answered, or after
   * `closeTimeoutMs`.
   */
  close(): Promise<void>
}

/** How long a client may take to send its headers, in milliseconds. */
const maxHeadersMs = 10_000
/** How long `close` waits for requests in progress, in milliseconds. */
const closeTimeoutMs = 5_000
/** `Retry-After` of a refused client, in seconds: another replica accepts it at once. */
const retryAfterSeconds = 1
/** How long a refused upgrade waits for the answers to earlier requests, in milliseconds. */
const maxPipelinedMs = 5_000
/** How often Node checks its timeouts, in milliseconds. */
const checkMs = 1_000
/**
 * Any client may send a body of up to this many bytes. A larger body is accepted only after its
 * sender has been authenticated.
 */
export const smallBodyBytes = 64 * 1024
/**
 * Sockets in addition to the sessions: requests, and clients that get a refusal because there are
 * too many. Beyond this number a socket is destroyed without an answer.
 */
const extraSockets = 1_000

/**
 * Opens the one HTTP server. It routes requests and upgrades by path. It checks `Host` for both and
 * `Origin` for upgrades; routes check the rest.
 */
export async function openHttpListener(
  options: {
    host: string
    port: number
    guard: PageGuard
    maxBodyBytes: number
    /** How large a body beyond `smallBodyBytes` the sender of this request may send. */
    maxBodyBytesOf: (request: IncomingMessage) => Promise<number>
    proxyHops: number
    maxConnections: number
    /** How long a client may read nothing of an answer, in milliseconds. */
    keepAliveMs: number
    /** How long a connection without a request stays open, in milliseconds. */
    httpKeepAliveMs: number
    readonly connections: Connections
    /** Called once if a proxy names client addresses while WARREN_PROXY_HOPS is 0. */
    readonly onUnexpectedProxy: () => void
    /** How long a client may take to send all of its request, in milliseconds. */
    requestTimeoutMs: number
    onError: (error: unknown) => void
  } & HttpRoutes,
): Promise<HttpListener> {
  const inProgress = new Set<ServerResponse>()
  let draining = false
  let onIdle: () => void = () => undefined
  const turns = new RequestTurns(options.keepAliveMs)
  let proxyReported = false
  const reportProxy = ({ headers }: IncomingMessage): void => {
    if (proxyReported || options.proxyHops > 0 || headers['x-forwarded-for'] === undefined) return
    proxyReported = true
    options.onUnexpectedProxy()
  }
  const server = createServer(
    {
      headersTimeout: Math.min(maxHeadersMs, options.requestTimeoutMs),
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: checkMs,
      IncomingMessage: boundedRequest(options.maxBodyBytes, options.proxyHops),
    },
    (request, response) => {
      toOriginForm(request)
      const serve = (): void => {
        reportProxy(request)
        inProgress.add(response)
        response.once('close', () => {
          request.releaseBody()
          inProgress.delete(response)
          if (inProgress.size === 0) onIdle()
        })
        if (draining) response.setHeader('connection', 'close')
        void answer(options, request, response)
      }
      turns.take(request, response, serve, () => request.releaseBody())
    },
  )
  server.keepAliveTimeout = options.httpKeepAliveMs
  refuseMalformed(server, turns)
  let { maxConnections } = options
  let open = 0
  // `server.maxConnections` does not work here: with several workers, Node passes a connection over
  // the limit to the next worker. When all workers are full it is passed on without end.
  server.prependListener('connection', (socket: Socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open > maxConnections + extraSockets) return void socket.destroy()
    // Behind a proxy, the first request names the client's address.
    acceptSocket(socket, options.connections, options.proxyHops === 0 ? socket.remoteAddress : undefined)
  })
  /** Returns false if the address that a proxy names has far too many connections. */
  const isAdmitted = (request: IncomingMessage, socket: Duplex): boolean => {
    if (options.proxyHops === 0) return true
    try {
      acceptedOn(socket)?.setAddress(addressOf(request, options.proxyHops))
      return true
    } catch {
      return false
    }
  }
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    toOriginForm(request)
    if (turns.isBusy(socket)) return refusePipelined(turns, socket)
    reportProxy(request)
    withoutFinalSlash(request)
    const route = options.upgrades.get(pathOf(request))
    const hostRefusal = options.guard.refusalOfHost(request.headers)
    if (hostRefusal) return refusePage(socket, hostRefusal)
    if (draining) return refuse(socket, '503 Service Unavailable', `Retry-After: ${retryAfterSeconds}\r\n`)
    if (!route) return refuse(socket, '404 Not Found')
    if (!isAdmitted(request, socket))
      return refuse(socket, '503 Service Unavailable', `Retry-After: ${retryAfterSeconds}\r\n`)
    const pageRefusal = options.guard.refusalOfPage(request.headers)
    if (pageRefusal) return refusePage(socket, pageRefusal)
    route(request, socket, head)
  })
  await listen(server, options.port, options.host)
  return {
    port: (server.address() as AddressInfo).port,
    setMaxConnections: (to) => {
      maxConnections = to
    },
    drain: () => {
      draining = true
    },
    // The `close` of the HTTP server also breaks kept-alive connections, even while a request is
    // arriving on them.
    stopAccepting: () => void NetServer.prototype.close.call(server),
    close: async () => {
      // Upgraded sockets no longer belong to this server. Their transport closes them.
      server.close()
      if (inProgress.size > 0) {
        const idle = new Promise<void>((resolve) => {
          onIdle = resolve
        })
        await within(closeTimeoutMs, idle)
      }
      server.closeAllConnections()
    },
  }
}

async function answer(
  options: HttpRoutes & BodyLimits & { guard: PageGuard; onError: (error: unknown) => void },
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
  const route = options.requests.get(pathOf(request))
  if (!route && options.upgrades.has(pathOf(request))) return askForUpgrade(request, response)
  if (!route) {
    sendJson(response, 404, {
      error: { code: 'NOT_FOUND', message: `no endpoint at ${pathOf(request).slice(0, 200)}` },
    })
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

interface BodyLimits {
  readonly maxBodyBytes: number
  readonly maxBodyBytesOf: (request: IncomingMessage) => Promise<number>
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

/** Limit for a client that has a token but may not publish, in bytes. */
const clientBodyBytes = 1024 * 1024

/** How large a body this identity may send, in bytes. `maxBytes` is the largest limit. */
export function maxBodyBytesOf(identity: Identity, maxBytes: number): number {
  if (mayPublish(identity)) return maxBytes
  return Math.min(maxBytes, isKnown(identity) || hasToken(identity) ? clientBodyBytes : smallBodyBytes)
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/'
}

/** `/graphql/` is the same place as `/graphql`. */
function withoutFinalSlash(request: IncomingMessage): void {
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

/**
 * The answers before it have not been sent, and the connection cannot become a WebSocket with them
 * on it. The refusal follows them. A client that does not read them is cut off.
 */
function refusePipelined(turns: RequestTurns, socket: Duplex): void {
  const deadline = setTimeout(() => socket.destroy(), maxPipelinedMs)
  socket.once('close', () => clearTimeout(deadline))
  turns.afterAnswers(socket, () => {
    clearTimeout(deadline)
    const text = 'expected the upgrade after the answers to all earlier requests on the connection\n'
    refuse(socket, '400 Bad Request', 'Content-Type: text/plain; charset=utf-8\r\n', text)
  })
}

function refuse(socket: Duplex, status: string, headers = '', text = ''): void {
  const length = `Content-Length: ${Buffer.byteLength(text)}\r\n`
  endWith(socket, `HTTP/1.1 ${status}\r\n${headers}Connection: close\r\n${length}\r\n${text}`)
}

function refusePage(socket: Duplex, { status, message }: PageRefusal): void {
  const policy = Object.entries(defaultPolicy).map(([name, value]) => `${name}: ${value}\r\n`)
  const headers = `${policy.join('')}Content-Type: text/plain; charset=utf-8\r\n`
  refuse(socket, `${status} ${STATUS_CODES[status]}`, headers, `${message}\n`)
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
