import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { OperationPages } from '../../../core/sessions/page-limits.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { GatewayError } from '../../../errors.ts'
import type { Context } from '../../../graphql/context.ts'
import type { Outbox } from '../../flow/outbox.ts'
import { compactValues, declaredVariables, jsonLength } from '../compact-variables.ts'
import { type GraphQLParts, SessionContext } from '../context.ts'
import type { FanOut, FanOutGroup } from '../fan-out.ts'
import type { Yoga } from '../http.ts'
import type { OpenDocuments } from '../open-documents.ts'
import type { SharedOperation, SharedOperations } from '../shared-operations.ts'
import { NextWriter } from './next-writer.ts'
import type { OperationFrames } from './operation-frames.ts'
import { isAsyncGenerator, type PreparedOperation, prepareOperation } from './prepare-operation.ts'

/** What all connections share. */
export interface OperationsParts extends GraphQLParts {
  readonly yoga: Yoga
  readonly fanOut: FanOut
  readonly operations: SharedOperations
  readonly openDocuments: OpenDocuments
  /**
   * How much the operations of one connection may hold before they are answered, in bytes of their
   * text.
   */
  readonly maxBufferedBytes: number
  /** Masks an error for the client; `maskResult` does so for a result with errors. */
  readonly maskError: (error: unknown) => GraphQLError
  readonly maskResult: (result: ExecutionResult) => object
}

/** The connection that carries the operations. */
export interface OperationsConnection {
  readonly frames: OperationFrames
  readonly outbox: Outbox
  /** Writes an answer. It counts against the client until the system takes it. */
  send(frame: string): void
  /**
   * Writes a frame and resolves when the system has it, or when the connection is gone. A
   * subscription waits for this before its next result.
   */
  sendAndWait(frame: string): Promise<void>
}

/** Notified of what becomes of an operation before it is executed. */
export interface Admission {
  /** The operation is valid and begins. */
  accepted(): void
  /** The operation is not executed. */
  refused(errors: readonly GraphQLError[]): void
}

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
 * The operations of one connection, within its session. A shared operation is added to the hub in
 * the same turn of the event loop in which it is read. Other operations go through Yoga's envelope.
 */
export class ConnectionOperations {
  readonly #parts: OperationsParts
  readonly #connection: OperationsConnection
  readonly #session: Session
  #context: Context | undefined
  readonly #operations = new Map<string, OpenOperation>()
  /** Bytes of operations that are not answered and of subscriptions that have not begun. */
  #unansweredBytes = 0

  constructor(parts: OperationsParts, connection: OperationsConnection, session: Session) {
    this.#parts = parts
    this.#connection = connection
    this.#session = session
  }

  has(id: string): boolean {
    return this.#operations.has(id)
  }

  /**
   * Begins an operation with an id that is not in use. `bytes`: the length of its message.
   * `admission` undefined: a refusal is an `errors` message.
   */
  begin(id: string, sent: SubscribePayload, bytes: number, admission?: Admission): void {
    let payload = sent
    try {
      this.#session.admit()
      payload = this.#parts.documents.resolve(sent, this.#session.payer ?? '')
    } catch (error) {
      return this.#refuse(id, [error], admission)
    }
    const shared = this.#parts.operations.get(payload.query, payload.operationName)
    if (shared && this.#beginShared(shared, id, payload, admission)) return
    const { maxBufferedBytes } = this.#parts
    if (this.#unansweredBytes > 0 && this.#unansweredBytes + bytes > maxBufferedBytes)
      return this.#refuse(id, [tooManyUnanswered(maxBufferedBytes)], admission)
    this.#unansweredBytes += bytes
    // The callback captures only numbers: a subscription must not hold the client's message.
    let counted = bytes
    const answered = () => {
      this.#unansweredBytes -= counted
      counted = 0
    }
    void this.#runInEnvelope(id, prepareOperation(this.#parts, this.#session, payload), answered, admission)
  }

  /** The client completed the operation, if it is open. */
  complete(id: string): void {
    const operation = this.#operations.get(id)
    this.#operations.delete(id)
    operation?.cancel()
  }

  /** The connection is gone. */
  cancelAll(): void {
    for (const operation of this.#operations.values()) operation.cancel()
    this.#operations.clear()
  }

  operationEnded(next: NextWriter, id: string, failure: GatewayError | undefined): void {
    // Otherwise the client has completed it already.
    if (this.#operations.get(id) !== next) return
    this.#operations.delete(id)
    if (failure) this.#sendErrors(id, [failure])
    else this.#connection.send(this.#connection.frames.complete(id))
  }

  /** Begins a shared operation. Returns false, before any effect, if Yoga has to answer it. */
  #beginShared(shared: SharedOperation, id: string, payload: SubscribePayload, admission?: Admission): boolean {
    // It brings its own credentials.
    if (payload.extensions?.['headers'] !== undefined) return false
    const { operationName, variables: variableValues } = payload
    const contextOf = () => (this.#context ??= new SessionContext(this.#parts, this.#session))
    const begun = shared.begin(variableValues, contextOf)
    if (!begun) return false
    const { schema, document } = shared
    const args = { schema, document, operationName, variableValues, contextValue: contextOf() }
    admission?.accepted()
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
      release = openDocuments.hold(document, documentLength, this.#session.payer)
    } catch (error) {
      this.#operations.delete(id)
      void subscription.return()
      return this.#sendErrors(id, [error])
    }
    const next = new NextWriter({
      subscription,
      group,
      outbox: this.#connection.outbox,
      frames: this.#connection.frames,
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

  /**
   * `answered`: called when the operation is answered or its subscription has begun. It may be
   * called again.
   */
  async #runInEnvelope(
    id: string,
    preparing: ReturnType<typeof prepareOperation>,
    answered: () => void,
    admission: Admission | undefined,
  ): Promise<void> {
    const { frames } = this.#connection
    let results: AsyncGenerator<ExecutionResult> | undefined
    let pages: OperationPages | undefined
    let release = (): void => undefined
    let pending = admission
    const operation: OpenOperation = { cancel: () => void results?.return(undefined) }
    const isOpen = (): boolean => this.#operations.get(id) === operation
    this.#operations.set(id, operation)
    try {
      const prepared = await preparing
      if ('errors' in prepared) {
        if (pending || isOpen()) this.#refuse(id, prepared.errors, pending)
        return
      }
      pending?.accepted()
      pending = undefined
      pages = prepared.pages
      const result = await prepared.run()
      if (!isAsyncGenerator(result)) {
        if (!isOpen()) return
        await this.#connection.sendAndWait(frames.result(id, this.#payloadOf(result)))
        if (isOpen()) this.#connection.send(frames.complete(id))
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
      release = this.#parts.openDocuments.hold(prepared.args, held, this.#session.payer)
      const { fanOut } = this.#parts
      const typed = fanOut.typedOperation(prepared.args)
      for await (const each of results) {
        if (!isOpen()) return
        // A result is made from the event that was taken last, because the next one is taken only
        // after this one is written.
        const event = prepared.subscription?.lastPulled
        await this.#connection.sendAndWait(frames.result(id, this.#payloadOf(fanOut.extend(event, each, typed))))
      }
      if (isOpen()) this.#connection.send(frames.complete(id))
    } catch (error) {
      void results?.return(undefined)
      if (pending || isOpen()) this.#refuse(id, [error], pending)
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
    if (!subscription || !group) return false
    // Not the context of the envelope, because that holds the client's request.
    this.#context ??= new SessionContext(this.#parts, this.#session)
    const fieldArguments = group.argumentsOf(args.variableValues)
    this.#deliver(id, subscription, group, { ...args, contextValue: this.#context }, fieldArguments, documentLength)
    return true
  }

  #payloadOf(result: ExecutionResult): object {
    return result.errors ? this.#parts.maskResult(result) : result
  }

  #refuse(id: string, errors: readonly unknown[], admission: Admission | undefined): void {
    if (admission) admission.refused(errors.map((error) => this.#parts.maskError(error)))
    else this.#sendErrors(id, errors)
  }

  #sendErrors(id: string, errors: readonly unknown[]): void {
    const shown = errors.map((error) => this.#parts.maskError(error).toJSON())
    this.#connection.send(this.#connection.frames.errors(id, shown))
  }
}
