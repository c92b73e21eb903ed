import type { WebSocket, WebSocketServer } from 'ws'
import type { SessionEnd } from '../../core/accounting/labels.ts'
import { type CloseReason, closeReasons } from '../../errors.ts'
import type { ReadThrottle } from '../flow/read-throttle.ts'

/** How long a peer may take to answer the last close frame, in milliseconds. */
export const closeTimeoutMs = 1_000

/**
 * In place of ws (`autoPong: false`), which answers pings without looking at what waits already.
 */
export function answerPings(socket: WebSocket, readThrottle: ReadThrottle): void {
  socket.on('ping', (data) => {
    if (socket.readyState === socket.OPEN) socket.pong(data, false, readThrottle.sending(data.length))
  })
}

/** The codes are the same on every WebSocket that has none of its own. */
export function closeSocket(socket: { close(code: number, text: string): void }, reason: CloseReason): void {
  socket.close(closeReasons[reason].graphqlWs, closeReasons[reason].text)
}

/** Resolves when no socket is left, also where a peer does not answer the close frame. */
export async function closeSockets(sockets: WebSocketServer, close: (socket: WebSocket) => void): Promise<void> {
  const clients = [...sockets.clients]
  for (const client of clients) close(client)
  const timer = setTimeout(() => {
    for (const client of clients) client.terminate()
  }, closeTimeoutMs)
  await new Promise<void>((resolve) => sockets.close(() => resolve()))
  clearTimeout(timer)
}

/** How a session ended, by the code that its socket was closed with. */
export function endOf(code: number | undefined): SessionEnd {
  if (code === undefined || code === 1006) return 'lost'
  if (code === 1000 || code === 1001 || code === 1005) return 'client'
  return code === closeReasons.UNAUTHORIZED.graphqlWs ? 'unauthorized' : 'bad-request'
}
