import { type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import { connect } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import type { OpsRoutes } from '../../observability/ops-listener.ts'
import { isForOperators } from '../../transports/console/console-files.ts'
import { peerHeader, secretHeader, type WorkerConsoleAddress } from '../../transports/console/worker-console.ts'
import { endWith } from '../../transports/flow/end-with-answer.ts'
import { retryAfterSeconds } from '../../transports/http/answer-request.ts'

/**
 * Headers of the connection between client and primary (RFC 9110 §7.6.1), and those that the
 * primary adds.
 */
const notPassedOn = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  secretHeader,
  peerHeader,
])

/**
 * Serves the console and `/graphql` on the ops port of a primary: passes each request and each
 * WebSocket to a worker. `consoles`: those of the workers that serve, the preferred one first. A
 * worker that does not accept the connection is left out.
 */
export function consoleProxy(consoles: () => readonly WorkerConsoleAddress[]): OpsRoutes {
  return {
    serves: isForOperators,
    answer: (request, response) => passRequest(consoles(), request, response),
    upgrade: (request, socket, head) => passUpgrade(consoles(), request, socket, head),
  }
}

function passRequest(
  [worker, ...others]: readonly WorkerConsoleAddress[],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (!worker) return refuse(response, 503)
  const sent = sendRequest({
    host: '127.0.0.1',
    port: worker.port,
    method: request.method,
    path: request.url,
    headers: headersFor(worker, request),
    // Each connection carries the address of one client.
    agent: false,
  })
  let connected = false
  sent.once('socket', (socket) =>
    socket.once('connect', () => {
      connected = true
      request.pipe(sent)
    }),
  )
  sent.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders))
    pipeline(answer, response, () => undefined)
  })
  sent.once('error', () => {
    if (response.destroyed) return
    // The worker has ended. Nothing was sent to it, so another may answer.
    if (!connected) return passRequest(others, request, response)
    if (response.headersSent) response.destroy()
    else refuse(response, 502)
  })
  response.once('close', () => sent.destroy())
}

function passUpgrade(
  [worker, ...others]: readonly WorkerConsoleAddress[],
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): void {
  if (!worker) {
    const headers = `Retry-After: ${retryAfterSeconds}\r\nConnection: close\r\nContent-Length: 0\r\n`
    return endWith(client, `HTTP/1.1 503 Service Unavailable\r\n${headers}\r\n`)
  }
  const socket = connect({ host: '127.0.0.1', port: worker.port, noDelay: true })
  const onRefused = (): void => passUpgrade(others, request, client, head)
  socket.once('error', onRefused)
  socket.once('connect', () => {
    socket.off('error', onRefused)
    const protocol = request.headers.upgrade ?? 'websocket'
    const fields = [...headersFor(worker, request), 'Connection', 'Upgrade', 'Upgrade', protocol]
    const lines = fields.flatMap((name, at) => (at % 2 === 0 ? `${name}: ${fields[at + 1]}\r\n` : []))
    socket.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
    if (head.length > 0) socket.write(head)
    // Each ends the other, and a slow one slows the other.
    pipeline(client, socket, client, () => {
      socket.destroy()
      client.destroy()
    })
  })
  client.once('close', () => socket.destroy())
}

/** Names and values in turn. */
function headersFor({ secret }: WorkerConsoleAddress, { rawHeaders, headers, socket }: IncomingMessage): string[] {
  const framing = headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked']
  return [...endToEnd(rawHeaders), ...framing, secretHeader, secret, peerHeader, socket.remoteAddress ?? '']
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_value, at) => !notPassedOn.has((rawHeaders[at - (at % 2)] ?? '').toLowerCase()))
}

function refuse(response: ServerResponse, status: 502 | 503): void {
  const [code, message] =
    status === 503
      ? ['DRAINING', 'no worker serves the console at the moment; try again']
      : ['INTERNAL_SERVER_ERROR', 'the worker ended before it answered; a change may have been made']
  const text = JSON.stringify({ errors: [{ message, extensions: { code } }] })
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': String(retryAfterSeconds) }).end(text)
}
