import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Identity, isKnown } from '../../core/model/identity.ts'
import { mayPublish } from '../../core/sessions/authorizer.ts'
import type { Connections } from '../../core/sessions/connections.ts'
import { within } from '../../core/timing/deadline.ts'
import { acceptedOn, acceptSocket } from '../flow/accepted-sockets.ts'
import { backlog } from '../flow/backlog.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { type BodyRefusal, type BoundedRequest, boundedRequest } from './bounded-request.ts'
import { defaultPolicy, type PageGuard, type PageRefusal } from './page-guard.ts'
import { addressOf } from './peer-address.ts'
import { RequestTurns } from './request-turns.ts'

export interface HttpRoutes {
  /** By path: what answers a request. */
  readonly requests: ReadonlyMap<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>
  /** By path: what takes over a connection. */
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>
}

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface HttpListener {
  readonly port: number
  /** As the option of the same name, from now on. */
  setMaxConnections(maxConnections: number): void
  /**
   * Refuses upgrades from now on; requests are still answered, each on a connection that ends with
   * it.
   */
  drain(): void
  /**
   * Who connects from now on is left to others that listen on the same port; who is connected
   * stays.
   */
  stopAccepting(): void
  /**
   * Accepts nothing more; resolves when requests under way have been answered, or their time is
   * over.
   */
  close(): Promise<void>
}

/** How long a client may take to send its headers, in milliseconds. */
const maxHeadersMs = 10_000
/** How long requests under way may take at the end, in milliseconds. */
const lastRequestsMs = 5_000
/** What a client that was refused is told to wait, in seconds: another replica takes it at once. */
const retryAfterSeconds = 1
/** How often time-outs are looked at. */
const checkMs = 1_000
/**
 * A body of up to so many bytes is taken from anybody; who may send a larger one is asked first.
 */
export const smallBodyBytes = 64 * 1024
/**
 * Sockets beside those that are sessions: requests, and those that are yet to be told that there
 * are too many. Past it they are not taken.
 */
const extraSockets = 1_000

/**
 * The one HTTP server: requests and upgrades by path. `Host` is judged for both, `Origin` for
 * upgrades; routes judge the rest.
 */
export async function openHttpListener(
  options: {
    host: string
    port: number
    guard: PageGuard
    maxBodyBytes: number
    /** As `smallBodyBytes` says, how much of a larger body its sender may send. */
    maxBodyBytesOf: (request: IncomingMessage) => Promise<number>
    proxyHops: number
    maxConnections: number
    /** For so long a client may take nothing of an answer. */
    keepAliveMs: number
    readonly connections: Connections
    /** Told once: a proxy says where clients are, and WARREN_PROXY_HOPS says there is none. */
    readonly onUnexpectedProxy: () => void
    /** How long a client may take to send all of its request. */
    requestTimeoutMs: number
    onError: (error: unknown) => void
  } & HttpRoutes,
): Promise<HttpListener> {
  const underWay = new Set<ServerResponse>()
  let draining = false
  let onIdle: () => void = () => undefined
  const turns = new RequestTurns(options.keepAliveMs)
  let told = false
  const lookForProxy = ({ headers }: IncomingMessage): void => {
    if (told || options.proxyHops > 0 || headers['x-forwarded-for'] === undefined) return
    told = true
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
      const serve = (): void => {
        lookForProxy(request)
        underWay.add(response)
        response.once('close', () => {
          request.releaseBody()
          underWay.delete(response)
          if (underWay.size === 0) onIdle()
        })
        if (draining) response.setHeader('connection', 'close')
        void answer(options, request, response)
      }
      turns.take(request, response, serve, () => request.releaseBody())
    },
  )
  let { maxConnections } = options
  let open = 0
  // Not by `server.maxConnections`: with several workers Node passes on what is over one's, and
  // when all are full it goes round for ever.
  server.prependListener('connection', (socket: Socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open > maxConnections + extraSockets) return void socket.destroy()
    // Behind proxies it is known by the first request.
    acceptSocket(socket, options.connections, options.proxyHops === 0 ? socket.remoteAddress : undefined)
  })
  /** Whether the address that a proxy names has not far too many connections. */
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
    lookForProxy(request)
    const route = options.upgrades.get(pathOf(request))
    const refusal = options.guard.refusalOfHost(request.headers)
    if (refusal) return refusePage(socket, refusal)
    if (draining) return refuse(socket, '503 Service Unavailable', `Retry-After: ${retryAfterSeconds}\r\n`)
    if (!route) return refuse(socket, '404 Not Found')
    if (!isAdmitted(request, socket))
      return refuse(socket, '503 Service Unavailable', `Retry-After: ${retryAfterSeconds}\r\n`)
    const ofPage = options.guard.refusalOfPage(request.headers)
    if (ofPage) return refusePage(socket, ofPage)
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
    // Not by its own `close`, which breaks connections that are kept alive, under a request that is
    // just on its way.
    stopAccepting: () => void NetServer.prototype.close.call(server),
    close: async () => {
      // What was upgraded is not this server's any more: its transport ends it.
      server.close()
      if (underWay.size > 0) {
        const idle = new Promise<void>((resolve) => {
          onIdle = resolve
        })
        await within(lastRequestsMs, idle)
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
  const refusal = options.guard.refusalOfHost(request.headers)
  if (refusal) {
    sendJson(response, refusal.status, { error: { code: 'FORBIDDEN', message: refusal.message } })
    return
  }
  const route = options.requests.get(pathOf(request))
  if (!route) {
    sendJson(response, 404, { error: { code: 'NOT_FOUND', message: `nothing is at ${pathOf(request).slice(0, 200)}` } })
    return
  }
  try {
    if ((await admitBody(options, request, response)) && !response.headersSent) await route(request, response)
  } catch (error) {
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
 * Whether the request is to be answered by its route: not where its body is announced to be larger
 * than its sender may send.
 */
async function admitBody(options: BodyLimits, request: BoundedRequest, response: ServerResponse): Promise<boolean> {
  let maxBytes = options.maxBodyBytes
  request.onRefused = (why) => refuseBody(response, why, maxBytes)
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) {
    refuseBody(response, 'too-large', maxBytes)
    return false
  }
  // A chunked body announces nothing.
  if (announced <= smallBodyBytes && request.headers['transfer-encoding'] === undefined) return true
  maxBytes = Math.max(smallBodyBytes, await options.maxBodyBytesOf(request))
  if (announced > maxBytes) refuseBody(response, 'too-large', maxBytes)
  else request.limitBody(maxBytes)
  return !response.headersSent
}

/**
 * What is left of the body is read and dropped, until it ends or its time is over: a connection
 * that is closed on a client which still sends loses the answer.
 */
function refuseBody(response: ServerResponse, why: BodyRefusal, maxBytes: number): void {
  if (response.headersSent) return void response.destroy()
  if (why === 'too-large') {
    const message = `expected a body of at most ${maxBytes} bytes`
    sendJson(response, 413, { errors: [{ message, extensions: { code: 'PAYLOAD_TOO_LARGE' } }] })
    return
  }
  const message = 'the bodies of requests under way, from this address or together, hold as much as they may; try again'
  const extensions = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_MESSAGE_BYTES' }
  response.setHeader('retry-after', String(retryAfterSeconds))
  sendJson(response, 429, { errors: [{ message, extensions }] })
}

/** A client id without a right to publish has nothing large to say. */
const clientBodyBytes = 1024 * 1024

/** How large a body may be by who sends it, where `maxBytes` is the most. */
export function maxBodyBytesOf(identity: Identity, maxBytes: number): number {
  if (mayPublish(identity)) return maxBytes
  return Math.min(maxBytes, isKnown(identity) ? clientBodyBytes : smallBodyBytes)
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/'
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
