import type { Socket } from 'node:net'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { Identity } from '../../core/model/identity.ts'
import { closeReasonOf, closeReasons, type ErrorCode, GatewayError } from '../../errors.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { type FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { setIntervalAfterIo } from '../flow/interval-after-io.ts'
import type { Outboxes } from '../flow/outbox.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { FramedConnection } from './connection.ts'
import { jsonFrame } from './framing.ts'
import { type ListenOptions, listenTcp, type TcpListener } from './listen.ts'

export interface FramedTcpOptions extends ListenOptions, FrameLimitOptions {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly authenticate: (token: string) => Promise<Identity>
  /** Who a connection is that has not said it. */
  readonly anonymous: Identity
  /** Whether it may stay so. */
  readonly allowAnonymous: boolean
  readonly unfinished: UnfinishedMessages
  readonly authTimeoutMs: number
  /** How long a peer may take to send a frame. */
  readonly requestTimeoutMs: number
  /** How long it may be silent: it is pinged at half of it. */
  readonly idleTimeoutMs: number
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
  readonly log: (text: string, details: Record<string, unknown>) => void
}

/** How often connections are looked at for what takes too long, in milliseconds, and not less often than four times in the shortest of their times. */
const maxTickMs = 1_000

/** The framed protocol over TCP, on the channels that every other transport serves. */
export async function openFramedTcp(options: FramedTcpOptions): Promise<TcpListener> {
  const connections = new Set<FramedConnection>()
  const frameLimits = new FrameLimits(options, options.allowAnonymous)
  const onClosed = (connection: FramedConnection) => void connections.delete(connection)
  const shortest = Math.min(options.authTimeoutMs, options.requestTimeoutMs, options.idleTimeoutMs)
  const timer = setIntervalAfterIo(Math.min(maxTickMs, Math.max(10, shortest / 4)), () => {
    const now = performance.now()
    for (const connection of connections) connection.tick(now)
  })
  const accept = (socket: Socket): void => {
    try {
      connections.add(new FramedConnection(socket, { ...options, frameLimits }, onClosed))
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      options.onRefusal(error.code)
      turnAway(socket, error)
    }
  }
  const listener = await listenTcp(options, accept)
  return {
    ...listener,
    close: () => {
      clearInterval(timer)
      return listener.close()
    },
  }
}

/** There are too many, or this replica is going. */
function turnAway(socket: Socket, { code, message, limit }: GatewayError): void {
  const reason = closeReasonOf(code)
  const { text, comeBack, graphqlWs } = closeReasons[reason]
  const frames = [{ error: { code, message, limit } }, { kind: 'close', reason, code: graphqlWs, comeBack, text }]
  endWith(socket, frames.map((frame) => jsonFrame(JSON.stringify(frame))).join(''), 'latin1')
}
