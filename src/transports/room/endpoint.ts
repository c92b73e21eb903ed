import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Credentials } from '../../auth/authenticate.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { ErrorCode } from '../../errors.ts'
import { type FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { KeepAlive } from '../flow/keep-alive.ts'
import type { Outboxes } from '../flow/outbox.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { addressOf } from '../http/peer-address.ts'
import { closeSocket, closeSockets } from '../websocket/close.ts'
import { RoomConnection } from './connection.ts'
import { Room, type RoomOptions } from './room.ts'

export interface WebSocketManagerOptions extends RoomOptions, FrameLimitOptions {
  readonly gateway: Gateway
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
  /** Who a connection is that brings no token. */
  readonly anonymous: Identity
  /** Whether it may stay so. */
  readonly allowAnonymous: boolean
  readonly proxyHops: number
  readonly unfinished: UnfinishedMessages
  readonly authTimeoutMs: number
  readonly keepAliveMs: number
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
}

/** Plain WebSocket at `/ws`: the common room of the old manager, or one channel. `docs/protocols/websocket.md`. */
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
