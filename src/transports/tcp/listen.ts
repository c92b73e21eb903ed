import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Connections } from '../../core/sessions/connections.ts'
import { acceptSocket } from '../flow/accepted-sockets.ts'
import { backlog } from '../flow/backlog.ts'

export interface TcpListener {
  readonly port: number
  /**
   * Who connects from now on is left to others that listen on the same port; who is connected
   * stays.
   */
  stopAccepting(): void
  /** Accepts nothing more; resolves when no connection is left. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly maxConnections: number
  readonly connections: Connections
}

/**
 * Sockets beyond those that may stay: so many are told why they may not. Past it they are not
 * taken.
 */
const extraSockets = 1_000

/** A TCP server whose connections fail alone. A peer that says its end may still be answered. */
export async function listenTcp(options: ListenOptions, accept: (socket: Socket) => void): Promise<TcpListener> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // Not by `server.maxConnections`: with several workers Node passes on what is over one's, and
    // when all are full it goes round for ever.
    if (sockets.size >= options.maxConnections + extraSockets) return void socket.destroy()
    if (!acceptSocket(socket, options.connections, socket.remoteAddress)) return
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
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
