import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { anonymousFor } from '../../auth/legacy-access.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { Gateway } from '../../core/gateway.ts'
import { anyListener, type Identity } from '../../core/model/identity.ts'
import { closeReasons, type ErrorCode } from '../../errors.ts'
import { type FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { setIntervalAfterIo } from '../flow/interval-after-io.ts'
import { Outbox, type Outboxes } from '../flow/outbox.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { addressOf } from '../http/peer-address.ts'
import { SocketClusterConnection } from './connection.ts'
import { Heartbeat, type HeartbeatOptions, protocolIn, stockHeartbeat } from './heartbeat.ts'
import { PublishFrames } from './publish-frames.ts'

export interface SocketClusterOptions extends FrameLimitOptions {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly proxyHops: number
  readonly access: 'open' | 'token'
  /** Rejects with `UNAUTHENTICATED`. */
  readonly authenticate: (credentials: { connectionParams: { token: string } }) => Promise<Identity>
  readonly unfinished: UnfinishedMessages
  /** How long a client may take for its handshake, in milliseconds. */
  readonly authTimeoutMs: number
  readonly heartbeat?: HeartbeatOptions
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
  readonly log: (text: string, details: Record<string, unknown>) => void
}

/**
 * How often connections are looked through for pings and time-outs, in milliseconds, where pings
 * are not more frequent than that.
 */
const maxTickMs = 1_000
/** How long a peer may take to answer a close frame, in milliseconds. */
const closeTimeoutMs = 5_000
/** The same when the gateway ends. */
const lastCloseTimeoutMs = 1_000

/**
 * SocketCluster at `/socketcluster/`, protocol 1 and 2 on the same path. The server half is written
 * here, on ws: `docs/protocols/socketcluster.md` says why.
 * https://github.com/SocketCluster/socketcluster/blob/master/socketcluster-protocol.md
 */
export function createSocketCluster(options: SocketClusterOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const { heartbeat = stockHeartbeat, access } = options
  const connections = new Set<SocketClusterConnection>()
  const frames = new PublishFrames()
  const nobody = anonymousFor(access)
  const serverOptions = {
    noServer: true,
    // Of whoever may send most; `MeteredSocket` has the limit of each.
    maxPayload: options.maxMessageBytes,
    // Compressed frames are written later than they are sent, and ours would come between.
    perMessageDeflate: false,
    autoPong: false,
    // Not among the types yet.
    closeTimeout: closeTimeoutMs,
  }
  const frameLimits = new FrameLimits(options, access === 'open')
  const sockets = new WebSocketServer(serverOptions)
  const identify = async (token: string): Promise<Identity> =>
    withLegacyAccess(await options.authenticate({ connectionParams: { token } }), access)

  const serve = (socket: WebSocket, request: IncomingMessage, stream: Duplex): void => {
    // Without a listener an oversized or broken frame would be an uncaught error; ws closes the
    // socket itself.
    socket.on('error', () => undefined)
    const isOpen = () => socket.readyState === socket.OPEN
    const connection = new SocketClusterConnection({
      ...options,
      socket,
      stream,
      frameLimits,
      frames,
      nobody,
      identify,
      outbox: new Outbox({ socket: stream, isOpen, outboxes: options.outboxes }),
      heartbeat: new Heartbeat(heartbeat, protocolIn(request)),
      address: addressOf(request, options.proxyHops),
      pingTimeoutMs: heartbeat.pingTimeoutMs,
      handshakeTimeoutMs: options.authTimeoutMs,
    })
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  }
  const timer = setIntervalAfterIo(Math.min(maxTickMs, heartbeat.probeGapMs / 2), () => {
    const now = performance.now()
    for (const connection of connections) connection.tick(now)
  })
  return {
    upgrade: (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (ws) => serve(ws, request, socket))
    },
    close: async () => {
      clearInterval(timer)
      // Those without a session: nobody else tells them.
      const { socketCluster, text } = closeReasons.RESTART
      for (const connection of connections) connection.close(socketCluster, text)
      // A peer that does not answer the close frame must not hold up the end.
      const last = setTimeout(() => {
        for (const client of sockets.clients) client.terminate()
      }, lastCloseTimeoutMs)
      await new Promise<void>((resolve) => sockets.close(() => resolve()))
      clearTimeout(last)
    },
  }
}

/** A token is never worth less than none. */
function withLegacyAccess(identity: Identity, access: 'open' | 'token'): Identity {
  if (access === 'token') return identity
  const channels = [...identity.scope.channels, ...anyListener.scope.channels]
  return { ...identity, scope: { ...identity.scope, channels } }
}
