import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import { CloseCode, type Message, MessageType, type SubscribeMessage } from 'graphql-ws'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { OperationPages } from '../../../core/sessions/page-limits.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { closeReasonOf, type ErrorCode, GatewayError } from '../../../errors.ts'
import type { Context } from '../../../graphql/context.ts'
import { acceptedOn } from '../../flow/accepted-sockets.ts'
import type { Deadlines } from '../../flow/deadlines.ts'
import type { FrameLimitOptions, FrameLimits } from '../../flow/frame-limits.ts'
import type { Outbox, Outboxes } from '../../flow/outbox.ts'
import { ReadThrottle } from '../../flow/read-throttle.ts'
import type { UnfinishedMessages } from '../../flow/unfinished-messages.ts'
import { closeSocket, endOf } from '../../websocket/close.ts'
import type { WebSocketConnection, WebSocketUser } from '../../websocket/websocket-connection.ts'
import { declaredVariables, keptValues, valuesWeight } from '../compact-variables.ts'
import { type GraphQLParts, SessionContext } from '../context.ts'
import { type FanOut, type FanOutGroup, withTraceOf } from '../fan-out.ts'
import type { Yoga } from '../http.ts'
import type { OpenDocuments } from '../open-documents.ts'
import type { SharedOperation, SharedOperations } from '../shared-operations.ts'
import { ackFrame, completeFrame, errorFrame, nextFrame, pongFrame, readMessage } from './frames.ts'
import { NextWriter } from './next-writer.ts'
import { begin, isAsyncGenerator, type Started } from './operation.ts'

export interface GraphQLWsOptions extends GraphQLParts, FrameLimitOptions {
  readonly yoga: Yoga
  readonly fanOut: FanOut
  readonly outboxes: Outboxes
  readonly maxMessageBytes: number
  readonly introspection: boolean
  readonly unfinished: UnfinishedMessages
  readonly openDocuments: OpenDocuments
  /**
   * What the operations of one connection may hold that are not answered yet, in bytes of their
   * text.
   */
  readonly maxBufferedBytes: number
  /**
   * How long a client may take to say `connection_init`, in milliseconds; past it the socket closes
   * with 4408.
   */
  readonly authTimeoutMs: number
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

/** What all connections have in common. */
export interface GraphQLWsParts extends GraphQLWsOptions {
  readonly operations: SharedOperations
  readonly frameLimits: FrameLimits
  /** Those of which `connection_init` is waited for. */
  readonly initiations: Deadlines<GraphQLWsConnection>
  /** What a client sees of an error, and of a result that has some. */
  readonly answered: (error: unknown) => GraphQLError
  readonly masked: (result: ExecutionResult) => object
  /** Something failed that cannot. */
  readonly fail: (error: unknown) => void
}

/** Of an operation's id, which is written again with each of its results. */
const maxIdBytes = 256

/** What waits for its answer is held by whoever asked. */
function tooMuchUnanswered(bytes: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', `at most ${bytes} bytes of operations that are not answered yet`, {
    limit: 'WARREN_MAX_BUFFERED_BYTES',
  })
}

/** An operation that the client believes to be open. */
interface OpenOperation {
  /** The client wants no more of it, or is gone. */
  cancel(): void
}

/**
 * The protocol on one socket: who the client is, its operations, their ends. Nothing is awaited
 * between reading an operation that can be shared and its place in the hub; what cannot goes
 * through Yoga's envelope. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export class GraphQLWsConnection implements WebSocketUser {
  readonly #parts: GraphQLWsParts
  readonly #socket: WebSocketConnection
  readonly #outbox: Outbox
  readonly #readThrottle: ReadThrottle
  /** The header of the upgrade, until it has been looked at. */
  #authorization: string | undefined
  readonly address: string
  #initiated = false
  #session: Session | undefined
  #context: Context | undefined
  readonly #operations = new Map<string, OpenOperation>()
  /** Of operations that are not answered yet, and of subscriptions that have not begun. */
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
    this.#parts.initiations.add(this)
  }

  /** Nothing was heard of `connection_init`, and its time is over. */
  initiationMissed(): void {
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
      this.#parts.fail(error)
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
        return this.#initiate(message.payload)
      case MessageType.Ping:
        return this.#send(pongFrame(message.payload))
      case MessageType.Pong:
        return
      case MessageType.Subscribe:
        if (Buffer.byteLength(message.id) > maxIdBytes)
          return this.#close(CloseCode.BadRequest, 'Operation id too long')
        return this.#subscribe(message, text.length)
      case MessageType.Complete: {
        const operation = this.#operations.get(message.id)
        this.#operations.delete(message.id)
        return operation?.cancel()
      }
      default:
        // What only a server says.
        return this.#close(CloseCode.BadRequest, 'Invalid message received')
    }
  }

  #initiate(connectionParams: unknown): void {
    if (this.#initiated) return this.#close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests')
    this.#initiated = true
    this.#parts.initiations.delete(this)
    const authorization = this.#authorization
    this.#authorization = undefined
    this.#parts.authenticate({ connectionParams, authorization }).then(
      (identity) => {
        if (this.#socket.isOpen) this.#acknowledge(identity)
      },
      (error: unknown) => this.#turnAway(error),
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
      return this.#turnAway(error)
    }
    this.#send(ackFrame)
  }

  #turnAway(error: unknown): void {
    if (!(error instanceof GatewayError)) {
      this.#parts.fail(error)
      return this.#close(CloseCode.InternalServerError, 'Internal server error')
    }
    this.#parts.onRefusal(error.code)
    closeSocket(this.#socket, closeReasonOf(error.code))
  }

  #subscribe({ id, payload }: SubscribeMessage, bytes: number): void {
    const session = this.#session
    if (!session) return this.#close(CloseCode.Unauthorized, 'Unauthorized')
    if (this.#operations.has(id)) {
      const reason = `Subscriber for ${id} already exists`
      // RFC 6455 §5.5: 125 bytes with the code.
      return this.#close(
        CloseCode.SubscriberAlreadyExists,
        Buffer.byteLength(reason) > 123 ? 'Subscriber already exists' : reason,
      )
    }
    try {
      session.admit()
    } catch (error) {
      return this.#sendErrors(id, [error])
    }
    const shared = this.#parts.operations.get(payload.query, payload.operationName)
    if (shared && this.#share(session, shared, id, payload)) return
    if (this.#unansweredBytes > 0 && this.#unansweredBytes + bytes > this.#parts.maxBufferedBytes)
      return this.#sendErrors(id, [tooMuchUnanswered(this.#parts.maxBufferedBytes)])
    this.#unansweredBytes += bytes
    // What the client sent is not held by what runs as long as its subscription does.
    let counted = bytes
    void this.#run(id, begin(this.#parts, session, payload), () => {
      this.#unansweredBytes -= counted
      counted = 0
    })
  }

  /**
   * False where there is something about it that Yoga has to answer; nothing has been done then.
   */
  #share(
    session: Session,
    { schema, document, group, compiled }: SharedOperation,
    id: string,
    payload: SubscribeMessage['payload'],
  ): boolean {
    // Credentials of its own.
    if (payload.extensions?.['headers'] !== undefined) return false
    const fieldArguments = compiled.argumentsOf(payload.variables)
    if (!fieldArguments) return false
    this.#context ??= new SessionContext(this.#parts, session)
    const contextValue = this.#context
    const subscription = compiled.subscription(fieldArguments, contextValue)
    if (!subscription) return false
    const { operationName, variables: variableValues } = payload
    const args = { schema, document, operationName, variableValues, contextValue }
    this.#pipe(id, subscription, group, args, fieldArguments, payload.query.length)
    return true
  }

  /** From here on nothing is held of what the client sent, but its id and the parsed document. */
  #pipe(
    id: string,
    subscription: ChannelSubscription,
    group: FanOutGroup,
    args: ExecutionArgs,
    fieldArguments: Record<string, unknown>,
    documentLength: number,
  ): void {
    const { masked, openDocuments } = this.#parts
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
      args: { ...args, variableValues: keptValues(declaredVariables(document, operationName, args.variableValues)) },
      fieldArguments: keptValues(fieldArguments),
      masked,
      owner: this,
      release,
    })
    this.#operations.set(id, next)
    next.begin()
  }

  operationEnded(next: NextWriter, id: string, failure: GatewayError | undefined): void {
    // Else the client has completed it.
    if (this.#operations.get(id) !== next) return
    this.#operations.delete(id)
    if (failure) this.#sendErrors(id, [failure])
    else this.#send(completeFrame(id))
  }

  /** `answered`: called once, when it is answered or its subscription has begun. */
  async #run(id: string, beginning: ReturnType<typeof begin>, answered: () => void): Promise<void> {
    let results: AsyncGenerator<ExecutionResult> | undefined
    let pages: OperationPages | undefined
    let release = (): void => undefined
    const operation: OpenOperation = { cancel: () => void results?.return(undefined) }
    const isOpen = (): boolean => this.#operations.get(id) === operation
    this.#operations.set(id, operation)
    try {
      const begun = await beginning
      if ('errors' in begun) {
        if (isOpen()) this.#sendErrors(id, begun.errors)
        return
      }
      pages = begun.pages
      const result = await begun.run()
      if (!isAsyncGenerator(result)) {
        if (!isOpen()) return
        await this.#written(nextFrame(id, this.#shown(result)))
        if (isOpen()) this.#send(completeFrame(id))
        return
      }
      results = result
      answered()
      if (!isOpen()) {
        await results.return(undefined)
        return
      }
      if (this.#takeOver(id, begun)) return
      // Each of its results is executed with them.
      const held = begun.documentLength + valuesWeight(begun.args.variableValues)
      release = this.#parts.openDocuments.hold(begun.args, held, this.#session?.payer)
      for await (const each of results) {
        if (!isOpen()) return
        // A result is made from the event that was taken last: the next one is taken when this has
        // been written.
        await this.#written(nextFrame(id, this.#shown(withTraceOf(begun.subscription?.lastTaken, each))))
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
   * What can be shared is written by us, though it began in the envelope; what cannot goes result
   * by result.
   */
  #takeOver(id: string, { subscription, args, documentLength }: Started): boolean {
    const group = subscription && this.#parts.fanOut.groupOf(args)
    const session = this.#session
    if (!subscription || !group || !session) return false
    // Not the context of the envelope, which holds the request as it came.
    this.#context ??= new SessionContext(this.#parts, session)
    const fieldArguments = group.argumentsOf(args.variableValues)
    this.#pipe(id, subscription, group, { ...args, contextValue: this.#context }, fieldArguments, documentLength)
    return true
  }

  #shown(result: ExecutionResult): object {
    return result.errors ? this.#parts.masked(result) : result
  }

  #sendErrors(id: string, errors: readonly unknown[]): void {
    this.#send(
      errorFrame(
        id,
        errors.map((error) => this.#parts.answered(error).toJSON()),
      ),
    )
  }

  /** Counts what the client asked for and does not take. */
  #send(frame: string): void {
    this.#outbox.flush()
    if (!this.#socket.isOpen) return
    // Where the system takes everything at once, nothing waits and nobody need be told of it.
    const waits = this.#socket.stream.writableLength > 0
    this.#socket.stream.write(frame, 'latin1', waits ? this.#readThrottle.sending(frame.length) : undefined)
  }

  /**
   * Resolves when the frame is with the system: so long a subscription waits with its next. A
   * socket that fails has its operations ended by its close.
   */
  #written(frame: string): Promise<void> {
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

  #close(code: CloseCode, reason: string): void {
    this.#socket.close(code, reason)
  }

  onClosed(code: number): void {
    this.#parts.initiations.delete(this)
    this.#outbox.close()
    for (const operation of this.#operations.values()) operation.cancel()
    this.#operations.clear()
    this.#session?.end(endOf(code))
  }
}
