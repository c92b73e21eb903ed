import type { Socket } from 'node:net'
import { closeReasons } from '../../close-reasons.ts'
import { closeReasonOf } from '../../core/sessions/close-reason-of.ts'
import { GatewayError } from '../../errors.ts'
import { endWith } from '../flow/end-with-answer.ts'
import { FrameLimits } from '../flow/frame-limits.ts'
import { setIntervalAfterIo } from '../flow/interval-after-io.ts'
import { FramedConnection, type FramedTcpOptions } from './connection.ts'
import { jsonFrame } from './framing.ts'
import { listenTcp, type TcpListener } from './listen.ts'

/**
 * Longest time between two checks of the connections' time limits, in milliseconds. The interval is
 * also at most a quarter of the shortest limit.
 */
const maxTickMs = 1_000

/** Opens the framed protocol over TCP, on the same channels as every other transport. */
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
      refuse(socket, error)
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

/** Refuses a connection because there are too many, or because this replica drains. */
function refuse(socket: Socket, error: GatewayError): void {
  const { code, message, limit } = error
  const reason = closeReasonOf(error)
  const { text, comeBack, graphqlWs } = closeReasons[reason]
  const frames = [{ error: { code, message, limit } }, { kind: 'close', reason, code: graphqlWs, comeBack, text }]
  endWith(socket, frames.map((frame) => jsonFrame(JSON.stringify(frame))).join(''), 'latin1')
}
