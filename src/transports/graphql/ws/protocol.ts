import type { CompleteMessage, ConnectionInitMessage, PingMessage, PongMessage, SubscribeMessage } from 'graphql-ws'
import type { TransportName } from '../../../core/accounting/labels.ts'
import type { OperationFrames } from '../operations/operation-frames.ts'

/** What a client may ask for, in the words of graphql-transport-ws. */
export type ClientMessage =
  | ConnectionInitMessage
  | PingMessage
  | PongMessage
  | SubscribeMessage
  | CompleteMessage
  /** The client wants the socket to be closed. */
  | { readonly type: 'terminate' }

/** A subprotocol of `/graphql`. */
export interface WsProtocol {
  /** The value of `Sec-WebSocket-Protocol`. */
  readonly name: string
  readonly transport: TransportName
  readonly frames: OperationFrames
  /** Throws if it is not a valid message of a client. */
  read(text: string): ClientMessage
  /** The answers to `connection_init`, as one text. */
  readonly ack: string
  pong(payload: object | null | undefined): string
  /** Sent before the socket closes, to a client that gets no session. Empty: only the close. */
  refusal(message: string, code: string): string
  /** Sent at intervals. Undefined: pings of the WebSocket are enough. */
  readonly keepAlive: string | undefined
  /** Whether operations may be sent while `connection_init` is not acknowledged. */
  readonly startsEarly: boolean
  /** Whether an operation with an id that is in use replaces the earlier one. */
  readonly replaces: boolean
}
