import type { IncomingMessage } from 'node:http'
import { CloseCode, MessageType, type Server } from 'graphql-ws'
import type { WebSocket } from 'ws'
import { Attention } from './attention.ts'
import type { OperationIds } from './operation-ids.ts'
import type { Outbox } from './outbox.ts'
import { answerPings } from './websocket-life.ts'

/** What an operation knows of its socket. */
export interface SocketExtra {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  readonly outbox: Outbox
  readonly ids: OperationIds
}

/** What only a server says. graphql-ws would take a client that says it for a fault of its own. */
const serverTypes = new Set<unknown>([MessageType.ConnectionAck, MessageType.Next, MessageType.Error])

/**
 * Puts a socket of ws under graphql-ws's protocol. In place of its own `useServer`, which writes to the console, tells clients the
 * messages of internal errors unless NODE_ENV says otherwise, and closes with a code of its own when the server ends.
 */
export function serveSocket<Extra extends SocketExtra>(
  server: Server<Extra>,
  extra: Extra,
  onError: (error: unknown) => void,
): void {
  const { socket, outbox, ids } = extra
  const attention = new Attention(socket)
  answerPings(socket, attention)
  const receive = async (text: string, listener: (data: string) => Promise<void>): Promise<void> => {
    const message = readMessage(text)
    if (serverTypes.has(message?.['type'])) return socket.close(CloseCode.BadRequest, 'Invalid message received')
    const id = message?.['id']
    if (!message || typeof id !== 'string') return listener(text)
    if (message['type'] === MessageType.Complete) return listener(withId(message, ids.complete(id)))
    if (message['type'] !== MessageType.Subscribe) return listener(text)
    const name = ids.begin(id)
    try {
      await listener(withId(message, name))
    } finally {
      ids.unwound(name)
    }
  }
  const closed = server.opened(
    {
      protocol: socket.protocol,
      // Resolves when the frame is with the system: so long a subscription waits with its next. A socket that fails has its operations ended by its close.
      send: (data) =>
        new Promise((resolve) => {
          outbox.flush()
          const frame = socket.readyState === socket.OPEN ? ids.outgoing(data) : undefined
          if (frame === undefined) return resolve()
          const taken = attention.sending(frame.length)
          socket.send(frame, () => {
            taken()
            resolve()
          })
        }),
      close: (code, reason) => {
        outbox.flush()
        socket.close(code, reason)
      },
      onMessage: (listener) =>
        // ws gives whole messages as buffers unless told otherwise.
        socket.on('message', (data: Buffer) => {
          receive(data.toString(), listener).catch((error: unknown) => {
            onError(error)
            socket.close(CloseCode.InternalServerError, 'Internal server error')
          })
        }),
    },
    extra,
  )
  socket.once('close', (code, reason) => {
    outbox.close()
    closed(code, String(reason)).catch(onError)
  })
}

/** Undefined for what is no object; graphql-ws says so to the client. */
function readMessage(text: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** graphql-ws takes what has been parsed already, too, though its types don't say so. */
function withId(message: Record<string, unknown>, id: string): string {
  message['id'] = id
  return message as unknown as string
}
