import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connections } from '../../core/sessions/connections.ts'
import { within } from '../../core/timing/deadline.ts'
import { acceptedOn, acceptSocket, destroyOnError, extraSockets } from '../flow/accepted-sockets.ts'
import { backlog } from '../flow/backlog.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { type AnswerOptions, answerRequest, pathOf, retryAfterSeconds, withoutFinalSlash } from './answer-request.ts'
import { boundedRequest } from './bounded-request.ts'
import { refuseMalformed } from './malformed-requests.ts'
import { defaultPolicy, type PageRefusal } from './page-guard.ts'
import { addressOf } from './peer-address.ts'
import { toOriginForm } from './request-target.ts'
import { RequestTurns } from './request-turns.ts'

export interface HttpListener {
  readonly port: number
  /** Changes the option of the same name. */
  setMaxConnections(maxConnections: number): void
  /**
   * Refuses upgrades from now on. Requests are still answered, and their connections close after
   * the answer.
   */
  drain(on: boolean): void
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
/** How long a refused upgrade waits for the answers to earlier requests, in milliseconds. */
const maxPipelinedMs = 5_000
/** How often Node checks its timeouts, in milliseconds. */
const checkMs = 1_000

/**
 * Opens the one HTTP server. It routes requests and upgrades by path. It checks `Host` for both and
 * `Origin` for upgrades; routes check the rest.
 */
export async function openHttpListener(
  options: {
    host: string
    port: number
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
  } & AnswerOptions,
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
        void answerRequest(options, request, response)
      }
      turns.take(request, response, serve, () => request.releaseBody())
    },
  )
  server.keepAliveTimeout = options.httpKeepAliveMs
  refuseMalformed(server, turns)
  let { maxConnections } = options
  let open = 0
  const onClose = (): void => {
    open -= 1
  }
  // `server.maxConnections` does not work here: with several workers, Node passes a connection over
  // the limit to the next worker. When all workers are full it is passed on without end.
  server.prependListener('connection', (socket: Socket) => {
    if (open >= maxConnections + extraSockets) return void socket.destroy()
    // Behind a proxy, the first request names the client's address.
    const address = options.proxyHops === 0 ? socket.remoteAddress : undefined
    if (acceptSocket(socket, options.connections, address, onClose)) open += 1
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
    destroyOnError(socket)
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
    drain: (on) => {
      draining = on
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
