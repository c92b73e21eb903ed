import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { FrameLimits } from '../flow/frame-limits.ts'
import { KeepAlive } from '../flow/keep-alive.ts'
import { addressOf } from '../http/peer-address.ts'
import { closeSocket, closeSockets } from '../websocket/close.ts'
import { RoomConnection, type WebSocketManagerOptions } from './connection.ts'
import { Room } from './room.ts'

/**
 * Plain WebSocket at `/ws`: the common room of the old manager, or one channel.
 * `docs/protocols/websocket.md`.
 */
export function createWebSocketManager(options: WebSocketManagerOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const room = new Room(options)
  const sockets = new WebSocketServer({
    noServer: true,
    // Of whoever may send most; `MeteredSocket` has the limit of each.
    maxPayload: options.maxMessageBytes,
    clientTracking: true,
    // Compressed frames are written later than they are sent, and ours would come between.
    perMessageDeflate: false,
    autoPong: false,
  })
  const frameLimits = new FrameLimits(options, options.allowAnonymous)
  const keepAlive = new KeepAlive(options.keepAliveMs)
  return {
    upgrade: (request, stream, head) => {
      sockets.handleUpgrade(request, stream, head, (socket) => {
        const address = addressOf(request, options.proxyHops)
        const connection = new RoomConnection({ ...options, frameLimits, room, socket, stream, request, address })
        keepAlive.watch(socket, stream, () => connection.stalled())
        void connection.begin()
      })
    },
    close: async () => {
      keepAlive.close()
      await closeSockets(sockets, (socket) => closeSocket(socket, 'RESTART'))
      await room.close()
    },
  }
}
