import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { anonymousFor } from '../../auth/legacy-access.ts'
import { closeReasons } from '../../close-reasons.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { Gateway } from '../../core/gateway.ts'
import { anyListener, type Identity } from '../../core/model/identity.ts'
import type { ErrorCode } from '../../errors.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import { type FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { setIntervalAfterIo } from '../flow/interval-after-io.ts'
import { Outbox, type Outboxes } from '../flow/outbox.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { addressOf } from '../http/peer-address.ts'
import { WebSocketServer } from '../websocket/websocket-server.ts'
import { SocketClusterConnection } from './connection.ts'
import { DeliveryFrames } from './delivery-frames.ts'
import { Heartbeat, type HeartbeatOptions, protocolIn, stockHeartbeat } from './heartbeat.ts'

export interface SocketClusterOptions extends FrameLimitOptions {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly served: ServedSchema
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
 * How often connections are checked for pings and timeouts, in milliseconds. More often if pings
 * are more frequent.
 */
const maxTickMs = 1_000
/** How long a client may take to answer a close frame and to close its side. */
const closeTimeoutMs = 5_000

/**
 * SocketCluster at `/socketcluster/`, protocol 1 and 2 on the same path.
 * `docs/protocols/socketcluster.md` explains why the package `socketcluster-server` is not used.
 * https://github.com/SocketCluster/socketcluster/blob/master/socketcluster-protocol.md
 */
export function createSocketCluster(options: SocketClusterOptions): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
} {
  const { heartbeat = stockHeartbeat, access, unfinished, outboxes } = options
  const connections = new Set<SocketClusterConnection>()
  const frames = new DeliveryFrames()
  const anonymous = anonymousFor(access)
  const frameLimits = new FrameLimits(options, access === 'open')
  const sockets = new WebSocketServer({ unfinished, closeTimeoutMs, explainsRefusals: true })
  const identify = async (token: string): Promise<Identity> =>
    withLegacyAccess(await options.authenticate({ connectionParams: { token } }), access)
  const timer = setIntervalAfterIo(Math.min(maxTickMs, heartbeat.probeGapMs / 2), () => {
    const now = performance.now()
    for (const connection of connections) connection.tick(now)
  })
  return {
    upgrade: (request, stream, head) => {
      const accepted = sockets.accept(request, stream, head)
      if (!accepted) return
      const { socket } = accepted
      const connection = new SocketClusterConnection({
        ...options,
        socket,
        frameLimits,
        frames,
        anonymous,
        identify,
        outbox: new Outbox({ socket: stream, isOpen: () => socket.isOpen, outboxes }),
        heartbeat: new Heartbeat(heartbeat, protocolIn(request)),
        address: addressOf(request, options.proxyHops),
        pingTimeoutMs: heartbeat.pingTimeoutMs,
        handshakeTimeoutMs: options.authTimeoutMs,
        connections,
      })
      connection.begin()
    },
    close: async () => {
      clearInterval(timer)
      const { socketCluster, text } = closeReasons.RESTART
      for (const connection of connections) connection.close(socketCluster, text)
      await sockets.close((socket) => socket.close(socketCluster, text))
    },
  }
}

/** With open access, a client with a token may do at least what an anonymous client may do. */
function withLegacyAccess(identity: Identity, access: 'open' | 'token'): Identity {
  if (access === 'token') return identity
  const channels = [...identity.scope.channels, ...anyListener.scope.channels]
  return { ...identity, scope: { ...identity.scope, channels } }
}
