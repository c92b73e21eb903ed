import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { FrameLimits } from '../flow/frame-limits.ts'
import { addressOf } from '../http/peer-address.ts'
import { closeSocket } from '../websocket/close.ts'
import { WebSocketServer } from '../websocket/websocket-server.ts'
import { RoomConnection, type RoomEndpointOptions } from './connection.ts'
import { Room } from './room.ts'

/** How long a client may take to answer a close frame and to close its side. */
const closeTimeoutMs = 30_000

/** Apollo Router connects to `/ws` unless its configuration names another path. */
const misdirected = {
  protocols: ['graphql-transport-ws', 'graphql-ws'],
  text: 'This is the room of plain WebSocket clients. GraphQL over WebSocket is at /graphql.\n',
}

/**
 * Plain WebSocket at `/ws`: the common room of the old manager, or one channel.
 * `docs/protocols/websocket.md`.
 */
export function createRoomEndpoint(options: RoomEndpointOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const room = new Room(options)
  const { unfinished, keepAliveMs } = options
  const sockets = new WebSocketServer({ unfinished, keepAliveMs, closeTimeoutMs, explainsRefusals: true, misdirected })
  const frameLimits = new FrameLimits(options, options.allowAnonymous)
  return {
    upgrade: (request, stream, head) => {
      const accepted = sockets.accept(request, stream, head)
      if (!accepted) return
      const address = addressOf(request, options.proxyHops)
      new RoomConnection({ ...options, frameLimits, room, socket: accepted.socket, request, address }).begin()
    },
    close: async () => {
      await sockets.close((socket) => closeSocket(socket, 'RESTART'))
      await room.close()
    },
  }
}
