import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { type CloseReason, closeReasons } from '../../../close-reasons.ts'
import type { SessionEnd } from '../../../core/accounting/labels.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { acceptedOn } from '../../flow/accepted-sockets.ts'
import { Outbox, type Outboxes } from '../../flow/outbox.ts'
import { ReadThrottle } from '../../flow/read-throttle.ts'
import {
  ConnectionOperations,
  type OperationsConnection,
  type OperationsParts,
} from '../operations/connection-operations.ts'
import { comment, eventStreamHeaders, retryField } from '../streaming/event-stream.ts'
import { operationEvents } from './operation-events.ts'

export interface OperationsStreamParts extends OperationsParts {
  readonly outboxes: Outboxes
}

/**
 * The event stream of one client with the results of all its operations: from the reservation to
 * the end of the response. Results that come before the response wait within bounds.
 */
export class OperationsStream implements OperationsConnection {
  readonly frames = operationEvents
  readonly outbox: Outbox
  readonly session: Session
  readonly operations: ConnectionOperations
  readonly #keepAliveMs: number
  readonly #onEnd: () => void
  /** What the response takes at its own pace. */
  readonly #events = new PassThrough()
  /** Counts results that the client has not read. Requests are refused while it is full. */
  readonly #throttle = new ReadThrottle({ pause: () => undefined, resume: () => undefined })
  /** A destroyed stream does not call back for what it was writing. */
  readonly #waiting = new Set<() => void>()
  #response: ServerResponse | undefined
  #ping: NodeJS.Timeout | undefined
  #ended = false

  /**
   * `open`: opens the session; throws what `Sessions.open` throws. `onEnd`: called once, when the
   * stream is over.
   */
  constructor(
    parts: OperationsStreamParts,
    open: (onClose: (reason: CloseReason) => void) => Session,
    onEnd: () => void,
  ) {
    this.#keepAliveMs = parts.settings.keepAliveMs
    this.#onEnd = onEnd
    this.session = open((reason) => this.#close(reason))
    this.outbox = new Outbox({ socket: this.#events, isOpen: () => !this.#ended, outboxes: parts.outboxes })
    this.operations = new ConnectionOperations(parts, this, this.session)
  }

  get isOpen(): boolean {
    return this.#response !== undefined
  }

  /** Whether the client has to read results before it may send more operations. */
  get isFull(): boolean {
    return this.#throttle.isFull
  }

  /** Begins the response. Call it once. */
  begin(response: ServerResponse): void {
    this.#response = response
    const detach = acceptedOn(response.req.socket)?.attachSession()
    response.once('close', () => {
      detach?.()
      this.end('client')
    })
    // `RequestTurns` then closes the connection.
    response.once('stalled', () => this.session.close('SLOW_CONSUMER'))
    response.writeHead(200, eventStreamHeaders)
    response.write(retryField() + comment)
    this.#events.pipe(response)
    this.#ping = setInterval(() => {
      if (response.writableLength === 0) response.write(comment)
    }, this.#keepAliveMs)
  }

  send(frame: string): void {
    this.outbox.flush()
    if (!this.#ended) this.#events.write(frame, 'latin1', this.#throttle.sending(frame.length))
  }

  sendAndWait(frame: string): Promise<void> {
    return new Promise((resolve) => {
      this.outbox.flush()
      if (this.#ended) return resolve()
      const taken = this.#throttle.sending(frame.length)
      this.#waiting.add(resolve)
      this.#events.write(frame, 'latin1', () => {
        this.#waiting.delete(resolve)
        taken()
        resolve()
      })
    })
  }

  /** The client is gone, or never opened its stream. Idempotent. */
  end(reason: SessionEnd): void {
    if (this.#ended) return
    this.#finish()
    this.#events.destroy()
    this.operations.cancelAll()
    this.session.end(reason)
  }

  /** The session ends. After a broken response the client makes a new reservation. */
  #close(reason: CloseReason): void {
    if (this.#ended) return
    if (closeReasons[reason].comeBack) {
      this.#finish()
      this.#response?.destroy()
      this.#events.destroy()
      return
    }
    // The session now completes the operations, so that the client does not begin them again.
    queueMicrotask(() => {
      this.outbox.flush()
      this.#finish()
      this.#events.end()
    })
  }

  #finish(): void {
    this.#ended = true
    clearInterval(this.#ping)
    this.outbox.close()
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
    this.#onEnd()
  }
}
