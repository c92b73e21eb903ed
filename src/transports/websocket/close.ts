import { type CloseReason, closeReasons } from '../../close-reasons.ts'
import type { SessionEnd } from '../../core/accounting/labels.ts'

/** Closes a WebSocket with the codes that all protocols except SocketCluster share. */
export function closeSocket(socket: { close(code: number, text: string): void }, reason: CloseReason): void {
  socket.close(closeReasons[reason].graphqlWs, closeReasons[reason].text)
}

/** Why a session ended, from the close code of the client. 1006: no close frame was received. */
export function endOf(code: number): SessionEnd {
  if (code === 1006) return 'lost'
  if (code === 1000 || code === 1001 || code === 1005) return 'client'
  const { UNAUTHORIZED, INVALID_TOKEN } = closeReasons
  return code === UNAUTHORIZED.graphqlWs || code === INVALID_TOKEN.graphqlWs ? 'unauthorized' : 'bad-request'
}
