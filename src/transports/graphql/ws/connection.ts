import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import { CloseCode, type Message, MessageType, type SubscribeMessage } from 'graphql-ws'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import { closeReasonOf } from '../../../core/sessions/close-reason-of.ts'
import type { OperationPages } from '../../../core/sessions/page-limits.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { type ErrorCode, GatewayError } from '../../../errors.ts'
import type { Context } from '../../../graphql/context.ts'
import { acceptedOn } from '../../flow/accepted-sockets.ts'
import type { Deadlines } from '../../flow/deadlines.ts'
import type { FrameLimitOptions, FrameLimits } from '../../flow/frame-limits.ts'
import type { Outbox, Outboxes } from '../../flow/outbox.ts'
import { ReadThrottle } from '../../flow/read-throttle.ts'
import type { UnfinishedMessages } from '../../flow/unfinished-messages.ts'
import { closeSocket, endOf } from '../../websocket/close.ts'
import type { WebSocketConnection, WebSocketUser } from '../../websocket/websocket-connection.ts'
import { compactValues, declaredVariables, jsonLength } from '../compact-variables.ts'
import { type GraphQLParts, SessionContext } from '../context.ts'
import type { FanOut, FanOutGroup } from '../fan-out.ts'
import type { Yoga } from '../http.ts'
import type { OpenDocuments } from '../open-documents.ts'
import type { SharedOperation, SharedOperations } from '../shared-operations.ts'
import { ackFrame, completeFrame, errorFrame, nextFrame, pongFrame, readMessage } from './frames.ts'
import { NextWriter } from './next-writer.ts'
import { isAsyncGenerator, type PreparedOperation, prepareOperation } from './operation.ts'

export interface GraphQLWsOptions extends GraphQLParts, FrameLimitOptions {
  readonly yoga: Yoga
  readonly fanOut: FanOut
  readonly outboxes: Outboxes
  readonly maxMessageBytes: number
  readonly introspection: boolean
  readonly unfinished: UnfinishedMessages
  readonly openDocuments: OpenDocuments
  /**
   * How much the operations of one connection may hold before they are answered, in bytes of their
   * text.
   */
  readonly maxBufferedBytes: number
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
  readonly operations: SharedOperations
  readonly frameLimits: FrameLimits
  /** Connections that have not received `connection_init`. */
  readonly initDeadlines: Deadlines<GraphQLWsConnection>
  /** Masks an error for the client; `maskResult` does so for a result with errors. */
  readonly maskError: (error: unknown) => GraphQLError
  readonly maskResult: (result: ExecutionResult) => object
  /** Logs an unexpected error. */
  readonly logError: (error: unknown) => void
}

/** Limit of an operation's id, which is repeated in each of its results. */
const maxIdBytes = 256

/** The text of an unanswered operation counts for its connection. */
function tooManyUnanswered(bytes: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', `at most ${bytes} bytes of unanswered operations on one connection`, {
    limit: 'WARREN_MAX_BUFFERED_BYTES',
  })
}

/** An operation that the client believes to be open. */
interface OpenOperation {
  /** The client completed the operation, or is gone. */
  cancel(): void
}

/**
 * The protocol on one socket: authentication, operations, and their ends. A shared operation is
 * added to the hub in the same turn of the event loop in which it is read. Other operations go
 * through Yoga's envelope. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export class GraphQLWsConnection implements WebSocketUser {
  readonly #parts: GraphQLWsParts
  readonly #socket: WebSocketConnection
  readonly #outbox: Outbox
  readonly #readThrottle: ReadThrottle
  /** The header of the upgrade, until `connection_init` uses it. */
  #authorization: string | undefined
  readonly address: string
  #initReceived = false
  #session: Session | undefined
  #context: Context | undefined
  readonly #operations = new Map<string, OpenOperation>()
  /** Bytes of operations that are not answered and of subscriptions that have not begun. */
  #unansweredBytes = 0

  constructor(
    parts: GraphQLWsParts,
    on: { socket: WebSocketConnection; outbox: Outbox; authorization: string | undefined; address: string },
  ) {
    this.#parts = parts
    this.#socket = on.socket
    this.#outbox = on.outbox
    this.#authorization = on.authorization
    this.address = on.address
    this.#readThrottle = new ReadThrottle(on.socket.stream)
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
    this.#outbox.flush()
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

  #receive(text: string): void {
    let message: Message
    try {
      message = readMessage(text)
    } catch {
      return this.#close(CloseCode.BadRequest, 'Invalid message received')
    }
    switch (message.type) {
      case MessageType.ConnectionInit:
        return this.#connectionInit(message.payload)
      case MessageType.Ping:
        return this.#send(pongFrame(message.payload))
      case MessageType.Pong:
        return
      case MessageType.Subscribe:
        if (Buffer.byteLength(message.id) > maxIdBytes)
          return this.#close(CloseCode.BadRequest, 'Operation id too long')
        return this.#subscribe(message, text.length)
      case MessageType.Complete:
        return this.#complete(message.id)
      default:
        // Messages that only a server sends.
        return this.#close(CloseCode.BadRequest, 'Invalid message received')
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
        transport: 'graphql-ws',
        address: this.address,
        on: acceptedOn(this.#socket.stream),
        onClose: (reason) => closeSocket(this.#socket, reason),
      })
    } catch (error) {
      return this.#refuse(error)
    }
    this.#send(ackFrame)
  }

  #subscribe({ id, payload: sent }: SubscribeMessage, bytes: number): void {
    const session = this.#session
    if (!session) return this.#close(CloseCode.Unauthorized, 'Unauthorized')
    if (this.#operations.has(id)) {
      const reason = `Subscriber for ${id} already exists`
      // RFC 6455 §5.5: at most 125 bytes, of which the code takes two.
      return this.#close(
        CloseCode.SubscriberAlreadyExists,
        Buffer.byteLength(reason) > 123 ? 'Subscriber already exists' : reason,
      )
    }
    let payload = sent
    try {
      session.admit()
      payload = this.#parts.documents.resolve(sent, session.payer ?? '')
    } catch (error) {
      return this.#sendErrors(id, [error])
    }
    const shared = this.#parts.operations.get(payload.query, payload.operationName)
    if (shared && this.#beginShared(session, shared, id, payload)) return
    if (this.#unansweredBytes > 0 && this.#unansweredBytes + bytes > this.#parts.maxBufferedBytes)
      return this.#sendErrors(id, [tooManyUnanswered(this.#parts.maxBufferedBytes)])
    this.#unansweredBytes += bytes
    // The callback captures only numbers: a subscription must not hold the client's message.
    let counted = bytes
    void this.#runInEnvelope(id, prepareOperation(this.#parts, session, payload), () => {
      this.#unansweredBytes -= counted
      counted = 0
    })
  }

  /** Begins a shared operation. Returns false, before any effect, if Yoga has to answer it. */
  #beginShared(session: Session, shared: SharedOperation, id: string, payload: SubscribeMessage['payload']): boolean {
    // It brings its own credentials.
    if (payload.extensions?.['headers'] !== undefined) return false
    const { operationName, variables: variableValues } = payload
    const contextOf = () => (this.#context ??= new SessionContext(this.#parts, session))
    const begun = shared.begin(variableValues, contextOf)
    if (!begun) return false
    const { schema, document } = shared
    const args = { schema, document, operationName, variableValues, contextValue: contextOf() }
    this.#deliver(id, begun.subscription, begun.group, args, begun.fieldArguments, payload.query.length)
    return true
  }

  /** From here on, only the id and the parsed document of the client's message are held. */
  #deliver(
    id: string,
    subscription: ChannelSubscription,
    group: FanOutGroup,
    args: ExecutionArgs,
    fieldArguments: Record<string, unknown>,
    documentLength: number,
  ): void {
    const { maskResult, openDocuments } = this.#parts
    const { document, operationName } = args
    let release: () => void
    try {
      release = openDocuments.hold(document, documentLength, this.#session?.payer)
    } catch (error) {
      this.#operations.delete(id)
      void subscription.return()
      return this.#sendErrors(id, [error])
    }
    const next = new NextWriter({
      subscription,
      group,
      outbox: this.#outbox,
      id,
      args: { ...args, variableValues: compactValues(declaredVariables(document, operationName, args.variableValues)) },
      fieldArguments: compactValues(fieldArguments),
      maskResult,
      owner: this,
      release,
    })
    this.#operations.set(id, next)
    next.begin()
  }

  operationEnded(next: NextWriter, id: string, failure: GatewayError | undefined): void {
    // Otherwise the client has completed it already.
    if (this.#operations.get(id) !== next) return
    this.#operations.delete(id)
    if (failure) this.#sendErrors(id, [failure])
    else this.#send(completeFrame(id))
  }

  /**
   * `answered`: called when the operation is answered or its subscription has begun. It may be
   * called again.
   */
  async #runInEnvelope(
    id: string,
    preparing: ReturnType<typeof prepareOperation>,
    answered: () => void,
  ): Promise<void> {
    let results: AsyncGenerator<ExecutionResult> | undefined
    let pages: OperationPages | undefined
    let release = (): void => undefined
    const operation: OpenOperation = { cancel: () => void results?.return(undefined) }
    const isOpen = (): boolean => this.#operations.get(id) === operation
    this.#operations.set(id, operation)
    try {
      const prepared = await preparing
      if ('errors' in prepared) {
        if (isOpen()) this.#sendErrors(id, prepared.errors)
        return
      }
      pages = prepared.pages
      const result = await prepared.run()
      if (!isAsyncGenerator(result)) {
        if (!isOpen()) return
        await this.#sendAndWait(nextFrame(id, this.#payloadOf(result)))
        if (isOpen()) this.#send(completeFrame(id))
        return
      }
      results = result
      answered()
      if (!isOpen()) {
        await results.return(undefined)
        return
      }
      if (this.#deliverIfShareable(id, prepared)) return
      // Each result is executed with the document and these variables.
      const held = prepared.documentLength + jsonLength(prepared.args.variableValues)
      release = this.#parts.openDocuments.hold(prepared.args, held, this.#session?.payer)
      const { fanOut } = this.#parts
      const typed = fanOut.typedOperation(prepared.args)
      for await (const each of results) {
        if (!isOpen()) return
        // A result is made from the event that was taken last, because the next one is taken only
        // after this one is written.
        const event = prepared.subscription?.lastTaken
        await this.#sendAndWait(nextFrame(id, this.#payloadOf(fanOut.extend(event, each, typed))))
      }
      if (isOpen()) this.#send(completeFrame(id))
    } catch (error) {
      void results?.return(undefined)
      if (isOpen()) this.#sendErrors(id, [error])
    } finally {
      pages?.close()
      answered()
      release()
      if (isOpen()) this.#operations.delete(id)
    }
  }

  /**
   * Writes a subscription directly if it can be shared, although it began in the envelope. Returns
   * false if it has to be written result by result.
   */
  #deliverIfShareable(id: string, { subscription, args, documentLength }: PreparedOperation): boolean {
    const group = subscription && this.#parts.fanOut.groupOf(args)
    const session = this.#session
    if (!subscription || !group || !session) return false
    // Not the context of the envelope, because that holds the client's request.
    this.#context ??= new SessionContext(this.#parts, session)
    const fieldArguments = group.argumentsOf(args.variableValues)
    this.#deliver(id, subscription, group, { ...args, contextValue: this.#context }, fieldArguments, documentLength)
    return true
  }

  #complete(id: string): void {
    const operation = this.#operations.get(id)
    this.#operations.delete(id)
    operation?.cancel()
  }

  #payloadOf(result: ExecutionResult): object {
    return result.errors ? this.#parts.maskResult(result) : result
  }

  #sendErrors(id: string, errors: readonly unknown[]): void {
    this.#send(
      errorFrame(
        id,
        errors.map((error) => this.#parts.maskError(error).toJSON()),
      ),
    )
  }

  /** Writes an answer and counts it against the client until the system takes it. */
  #send(frame: string): void {
    this.#outbox.flush()
    if (!this.#socket.isOpen) return
    // If the system takes everything at once, no callback is needed.
    const waits = this.#socket.stream.writableLength > 0
    this.#socket.stream.write(frame, 'latin1', waits ? this.#readThrottle.sending(frame.length) : undefined)
  }

  /**
   * Writes a frame and resolves when the system has it. A subscription waits for this before its
   * next result. If the socket fails, its close ends the operations.
   */
  #sendAndWait(frame: string): Promise<void> {
    return new Promise((resolve) => {
      this.#outbox.flush()
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
    closeSocket(this.#socket, closeReasonOf(error))
  }

  #close(code: CloseCode, reason: string): void {
    this.#socket.close(code, reason)
  }

  onStalled(): void {
    this.#session?.end('slow-consumer')
  }

  onClosed(code: number): void {
    this.#parts.initDeadlines.delete(this)
    this.#outbox.close()
    for (const operation of this.#operations.values()) operation.cancel()
    this.#operations.clear()
    this.#session?.end(endOf(code))
  }
}
