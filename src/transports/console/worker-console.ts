import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { OpsRoutes } from '../../observability/ops-listener.ts'
import { destroyOnError } from '../flow/accepted-sockets.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { pathOf } from '../http/answer-request.ts'

/** How the primary reaches the console of a worker: on loopback. */
export interface WorkerConsoleAddress {
  readonly port: number
  /** The value of `secretHeader`. */
  readonly secret: string
}

/** Proves that the primary sends the request. No other process may name the address of a client. */
export const secretHeader = 'x-warren-primary'
/** The address of the client that is connected to the primary. */
export const peerHeader = 'x-warren-peer'

export interface WorkerConsole {
  readonly address: WorkerConsoleAddress
  close(): Promise<void>
}

/**
 * Serves the console of a worker to its primary, which owns the ops port. Each connection carries
 * one request, so its socket can take the address of the client: limits and the audit log then
 * work as on the ops port itself.
 */
export async function openWorkerConsole(
  routes: OpsRoutes,
  { requestClass }: { requestClass: typeof IncomingMessage },
): Promise<WorkerConsole> {
  const secret = randomBytes(32).toString('base64url')
  const upgraded = new Set<Duplex>()
  /** Whether the primary sent the request. Its own headers are removed. */
  const isFromPrimary = (request: IncomingMessage): boolean => {
    const { [secretHeader]: given, [peerHeader]: peer } = request.headers
    delete request.headers[secretHeader]
    delete request.headers[peerHeader]
    if (typeof given !== 'string' || typeof peer !== 'string' || !isSame(given, secret)) return false
    Object.defineProperty(request.socket, 'remoteAddress', { value: peer, configurable: true })
    return true
  }
  const server = createServer({ IncomingMessage: requestClass }, (request, response) => {
    response.setHeader('connection', 'close')
    if (isFromPrimary(request) && routes.serves(pathOf(request))) routes.answer(request, response)
    else response.writeHead(404).end()
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    destroyOnError(socket)
    if (!isFromPrimary(request) || !routes.serves(pathOf(request)))
      return endWith(socket, 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    routes.upgrade(request, socket, head)
  })
  // Otherwise the workers of a cluster share the port.
  server.listen({ port: 0, host: '127.0.0.1', exclusive: true })
  await once(server, 'listening')
  return {
    address: { port: (server.address() as AddressInfo).port, secret },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}
