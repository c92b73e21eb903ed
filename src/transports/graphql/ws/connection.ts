import { CloseCode, MessageType, type SubscribeMessage } from 'graphql-ws'
import { closeReasonOf } from '../../../core/sessions/close-reason-of.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { type ErrorCode, GatewayError } from '../../../errors.ts'
import { acceptedOn } from '../../flow/accepted-sockets.ts'
import type { Deadlines } from '../../flow/deadlines.ts'
import type { FrameLimitOptions, FrameLimits } from '../../flow/frame-limits.ts'
import type { Outbox, Outboxes } from '../../flow/outbox.ts'
import { ReadThrottle } from '../../flow/read-throttle.ts'
import type { UnfinishedMessages } from '../../flow/unfinished-messages.ts'
import { closeSocket, endOf } from '../../websocket/close.ts'
import type { WebSocketConnection, WebSocketUser } from '../../websocket/websocket-connection.ts'
import {
  ConnectionOperations,
  type OperationsConnection,
  type OperationsParts,
} from '../operations/connection-operations.ts'
import { maxIdBytes, type OperationFrames } from '../operations/operation-frames.ts'
import type { ClientMessage, WsProtocol } from './protocol.ts'

export interface GraphQLWsOptions extends OperationsParts, FrameLimitOptions {
  readonly outboxes: Outboxes
  readonly maxMessageBytes: number
  readonly unfinished: UnfinishedMessages
  /**
   * How long a client may take to send `connection_init`, in milliseconds. After it the socket
   * closes with 4408.
   */
  readonly authTimeoutMs: number
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

/** What all connections share. */
export interface GraphQLWsParts extends GraphQLWsOptions {
  readonly frameLimits: FrameLimits
  /** Connections that have not received `connection_init`. */
  readonly initDeadlines: Deadlines<GraphQLWsConnection>
  /** Connections that get `keepAlive` messages of their subprotocol. */
  readonly keptAlive: Set<GraphQLWsConnection>
  /** Logs an unexpected error. */
  readonly logError: (error: unknown) => void
}

/** Operations that arrived before the acknowledgement. */
interface EarlyOperations {
  readonly messages: { readonly message: SubscribeMessage; readonly length: number }[]
  length: number
}

/** A subprotocol on one socket: authentication, the ends of operations and of the socket. */
export class GraphQLWsConnection implements WebSocketUser, OperationsConnection {
  readonly #parts: GraphQLWsParts
  readonly #socket: WebSocketConnection
  readonly #protocol: WsProtocol
  readonly outbox: Outbox
  readonly #readThrottle: ReadThrottle
  /** The header of the upgrade, until `connection_init` uses it. */
  #authorization: string | undefined
  readonly address: string
  #initReceived = false
  #session: Session | undefined
  #operations: ConnectionOperations | undefined
  #early: EarlyOperations | undefined

  constructor(
    parts: GraphQLWsParts,
    on: {
      socket: WebSocketConnection
      protocol: WsProtocol
      outbox: Outbox
      authorization: string | undefined
      address: string
    },
  ) {
    this.#parts = parts
    this.#socket = on.socket
    this.#protocol = on.protocol
    this.outbox = on.outbox
    this.#authorization = on.authorization
    this.address = on.address
    this.#readThrottle = new ReadThrottle(on.socket.stream)
  }

  get frames(): OperationFrames {
    return this.#protocol.frames
  }

  get isKnown(): boolean {
    return this.#parts.frameLimits.isKnown(this.#session?.identity)
  }

  get maxMessageBytes(): number {
    return this.#parts.frameLimits.of(this.#session?.identity)
  }

  begin(protocolIsOurs: boolean): void {
    this.#socket.serve(this, this.#readThrottle)
    if (!protocolIsOurs) return this.#close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable')
    this.#parts.initDeadlines.add(this)
  }

  /** The time for `connection_init` is over. */
  onInitTimeout(): void {
    this.#close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout')
  }

  flush(): void {
    this.outbox.flush()
  }

  onCutOff(end: 'bad-request' | 'slow-consumer'): void {
    this.#session?.end(end)
  }

  onMessage(data: Buffer): void {
    try {
      this.#receive(data.toString())
    } catch (error) {
      this.#parts.logError(error)
      this.#close(CloseCode.InternalServerError, 'Internal server error')
    }
  }

  /** A peer that has something to read needs no sign of life. */
  keepAlive(): void {
    const { keepAlive } = this.#protocol
    if (keepAlive !== undefined && this.#socket.stream.writableLength === 0) this.send(keepAlive)
  }

  #receive(text: string): void {
    let message: ClientMessage
    try {
      message = this.#protocol.read(text)
    } catch {
      return this.#violation('Invalid message received')
    }
    switch (message.type) {
      case MessageType.ConnectionInit:
        return this.#connectionInit(message.payload)
      case MessageType.Ping:
        return this.send(this.#protocol.pong(message.payload))
      case MessageType.Pong:
        return
      case MessageType.Subscribe:
        if (Buffer.byteLength(message.id) > maxIdBytes) return this.#violation('Operation id too long')
        return this.#subscribe(message, text.length)
      case MessageType.Complete:
        return this.#complete(message.id)
      case 'terminate':
        return closeSocket(this.#socket, 'NORMAL')
    }
  }

  #connectionInit(connectionParams: unknown): void {
    if (this.#initReceived)
      return this.#close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests')
    this.#initReceived = true
    this.#parts.initDeadlines.delete(this)
    const authorization = this.#authorization
    this.#authorization = undefined
    this.#parts.authenticate({ connectionParams, authorization }).then(
      (identity) => {
        if (this.#socket.isOpen) this.#acknowledge(identity)
      },
      (error: unknown) => this.#refuse(error),
    )
  }

  #acknowledge(identity: Session['identity']): void {
    try {
      this.#session = this.#parts.gateway.openSession({
        identity,
        transport: this.#protocol.transport,
        address: this.address,
        on: acceptedOn(this.#socket.stream),
        onClose: (reason) => closeSocket(this.#socket, reason),
      })
    } catch (error) {
      return this.#refuse(error)
    }
    this.#operations = new ConnectionOperations(this.#parts, this, this.#session)
    this.send(this.#protocol.ack)
    if (this.#protocol.keepAlive !== undefined) this.#parts.keptAlive.add(this)
    const early = this.#early
    if (!early) return
    this.#early = undefined
    this.#socket.holdForUser(0)
    for (const { message, length } of early.messages) this.#subscribe(message, length)
  }

  #subscribe(message: SubscribeMessage, length: number): void {
    const operations = this.#operations
    if (!operations) {
      if (this.#protocol.startsEarly && this.#initReceived) return this.#subscribeLater(message, length)
      return this.#close(CloseCode.Unauthorized, 'Unauthorized')
    }
    const { id, payload } = message
    if (operations.has(id)) {
      if (!this.#protocol.replaces) return this.#duplicate(id)
      operations.complete(id)
    }
    operations.begin(id, payload, length)
  }

  /** Keeps the message until the client is authenticated. It counts for the client's address. */
  #subscribeLater(message: SubscribeMessage, length: number): void {
    this.#early ??= { messages: [], length: 0 }
    this.#early.length += length
    if (this.#early.length > this.#parts.maxBufferedBytes) return closeSocket(this.#socket, 'TOO_MANY')
    this.#early.messages.push({ message, length })
    this.#socket.holdForUser(this.#early.length)
  }

  #duplicate(id: string): void {
    const reason = `Subscriber for ${id} already exists`
    // RFC 6455 §5.5: at most 125 bytes, of which the code takes two.
    this.#close(
      CloseCode.SubscriberAlreadyExists,
      Buffer.byteLength(reason) > 123 ? 'Subscriber already exists' : reason,
    )
  }

  #complete(id: string): void {
    if (this.#operations) return this.#operations.complete(id)
    if (!this.#early) return
    const { messages } = this.#early
    this.#early = { messages: messages.filter(({ message }) => message.id !== id), length: this.#early.length }
  }

  /** Writes an answer and counts it against the client until the system takes it. */
  send(frame: string): void {
    this.outbox.flush()
    if (!this.#socket.isOpen || frame === '') return
    // If the system takes everything at once, no callback is needed.
    const waits = this.#socket.stream.writableLength > 0
    this.#socket.stream.write(frame, 'latin1', waits ? this.#readThrottle.sending(frame.length) : undefined)
  }

  /** If the socket fails, its close ends the operations. */
  sendAndWait(frame: string): Promise<void> {
    return new Promise((resolve) => {
      this.outbox.flush()
      if (!this.#socket.isOpen) return resolve()
      const taken = this.#readThrottle.sending(frame.length)
      this.#socket.stream.write(frame, 'latin1', () => {
        taken()
        resolve()
      })
    })
  }

  /** Closes the socket of a client that gets no session. */
  #refuse(error: unknown): void {
    if (!(error instanceof GatewayError)) {
      this.#parts.logError(error)
      return this.#close(CloseCode.InternalServerError, 'Internal server error')
    }
    this.#parts.onRefusal(error.code)
    this.send(this.#protocol.refusal(error.message, error.code))
    closeSocket(this.#socket, closeReasonOf(error))
  }

  /** The client violated the protocol. */
  #violation(reason: string): void {
    this.send(this.#protocol.refusal(reason, 'BAD_REQUEST'))
    this.#close(CloseCode.BadRequest, reason)
  }

  #close(code: CloseCode, reason: string): void {
    this.#socket.close(code, reason)
  }

  onStalled(): void {
    this.#session?.end('slow-consumer')
  }

  onClosed(code: number): void {
    this.#parts.initDeadlines.delete(this)
    this.#parts.keptAlive.delete(this)
    this.outbox.close()
    this.#operations?.cancelAll()
    this.#session?.end(endOf(code))
  }
}
