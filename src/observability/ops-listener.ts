import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HealthVerdict } from './health.ts'
import type { Metrics } from './metrics.ts'

/** The source of the answers to probes: `Health`, or a pool of workers. */
export interface HealthSource {
  live(): HealthVerdict
  ready(): HealthVerdict | Promise<HealthVerdict>
}

export interface OpsListener {
  /** The address, such as `http://127.0.0.1:4002`. */
  readonly url: string
  /** Serves more paths from now on. */
  add(routes: OpsRoutes): void
  close(): Promise<void>
}

/** What the ops port serves beside probes and metrics, by the path of the request. */
export interface OpsRoutes {
  serves(path: string): boolean
  answer(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Responses are not pages, and no page may show them in a frame. */
const policy = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
] as const

/**
 * Serves `/livez`, `/readyz` and `/metrics` on a separate port that clients cannot reach. Rejects
 * if the port is taken.
 */
export async function openOpsListener({
  host,
  port,
  allowsHost,
  health,
  metrics,
  turns = { take: (_request, _response, serve) => serve() },
  requestClass,
}: {
  host: string
  port: number
  /** Whether to answer a request with this `Host`. */
  allowsHost: (host: string | undefined) => boolean
  health: HealthSource
  metrics: Pick<Metrics, 'contentType' | 'print'>
  /** Schedules requests and limits how long a client may take to read the response. */
  turns?: { take(request: IncomingMessage, response: ServerResponse, serve: () => void): void }
  /** The class of the requests, which bounds their bodies. Default: Node's. */
  requestClass?: typeof IncomingMessage
}): Promise<OpsListener> {
  let more: OpsRoutes | undefined
  const server = createServer(requestClass ? { IncomingMessage: requestClass } : {}, (request, response) => {
    const serve = (): void => {
      for (const [name, value] of policy) response.setHeader(name, value)
      if (!allowsHost(request.headers.host)) {
        response.writeHead(421, { 'content-type': 'text/plain' })
        response.end('Host: not allowed on the ops port; WARREN_ALLOWED_HOSTS adds names.\n')
        return
      }
      if (more?.serves(pathOf(request))) return more.answer(request, response)
      void answer(request, response, health, metrics).catch(() => response.writeHead(500).end())
    }
    turns.take(request, response, serve)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (more?.serves(pathOf(request)) && allowsHost(request.headers.host)) more.upgrade(request, socket, head)
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  server.listen(port, host)
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    add: (routes) => {
      more = routes
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      // Probes and scrapers keep connections alive, and lose nothing if they are closed.
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  health: HealthSource,
  metrics: Pick<Metrics, 'contentType' | 'print'>,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
    return
  }
  switch (pathOf(request)) {
    case '/livez':
      return sendVerdict(response, health.live())
    case '/readyz':
      return sendVerdict(response, await health.ready())
    case '/metrics': {
      const text = await metrics.print()
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text)
      return
    }
    default:
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Available paths: /livez, /readyz and /metrics.\n')
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

function sendVerdict(response: ServerResponse, { ok, reasons }: HealthVerdict): void {
  response
    .writeHead(ok ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify({ status: ok ? 'ok' : 'unavailable', reasons })}\n`)
}
