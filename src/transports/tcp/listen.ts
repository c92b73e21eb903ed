import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Connections } from '../../core/sessions/connections.ts'
import { acceptSocket, destroyOnError, extraSockets } from '../flow/accepted-sockets.ts'
import { backlog } from '../flow/backlog.ts'

export interface TcpListener {
  readonly port: number
  /**
   * Leaves new connections to other processes that listen on the same port. Existing connections
   * stay.
   */
  stopAccepting(): void
  /** Stops accepting. Resolves when no connection is left. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly maxConnections: number
  readonly connections: Connections
}

/**
 * Opens a TCP server. An error of one connection affects that connection only. A peer that has
 * closed its half can still be answered.
 */
export async function listenTcp(options: ListenOptions, accept: (socket: Socket) => void): Promise<TcpListener> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // `server.maxConnections` does not work here: with several workers, Node passes a connection
    // over the limit to the next worker. When all workers are full it is passed on without end.
    if (sockets.size >= options.maxConnections + extraSockets) return void socket.destroy()
    if (!acceptSocket(socket, options.connections, socket.remoteAddress, () => sockets.delete(socket))) return
    sockets.add(socket)
    destroyOnError(socket)
    accept(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port, host: options.host, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    stopAccepting: () => void server.close(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) if (!socket.writableEnded) socket.destroy()
      }),
  }
}
