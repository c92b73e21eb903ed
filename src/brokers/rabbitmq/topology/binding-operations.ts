import { asError } from '../../../core/model/error-text.ts'
import { GatewayError } from '../../../errors.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { replyOf } from '../connection/reply-codes.ts'

/**
 * Runs the operations that change bindings one after another, so that a repeated bind never
 * overtakes an unbind. Operations of callers wait for a session of the connection.
 */
export class BindingOperations {
  readonly #answerMs: number
  #session: ConnectionSession | undefined
  #awayReason = 'there is no connection yet'
  readonly #whenUp = new Set<() => void>()
  #last: Promise<unknown> = Promise.resolve()

  /** `answerMs`: how long a caller waits, in milliseconds. */
  constructor(answerMs: number) {
    this.#answerMs = answerMs
  }

  /** Undefined while the connection is down, or not established yet. */
  get session(): ConnectionSession | undefined {
    return this.#session
  }

  /** Operations of callers run on this session until it ends. */
  begin(session: ConnectionSession): void {
    this.#session = session
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
    })
    for (const resume of this.#whenUp) resume()
    this.#whenUp.clear()
  }

  /** Why there is no session now. Callers that wait too long get this reason. */
  setAwayReason(reason: string): void {
    this.#awayReason = reason
  }

  /** Runs an operation after the earlier ones. Rejects if it rejects. */
  inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }

  /** Resolves when there is a session, or when the caller has got an error instead. */
  #up(tooLate: AbortSignal): Promise<void> {
    return new Promise((resume) => {
      this.#whenUp.add(resume)
      tooLate.addEventListener('abort', () => {
        this.#whenUp.delete(resume)
        resume()
      })
    })
  }

  /**
   * Runs an operation for a caller, who gets an answer in time even if the broker does not respond.
   * `tooLate` aborts when the caller has got an error instead. Rejects with `BROKER_UNAVAILABLE`,
   * or with the `GatewayError` of the operation.
   */
  async runForCaller<Result>(
    work: (connection: ChannelModel, tooLate: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const tooLate = AbortSignal.timeout(this.#answerMs)
    const attempt = async () => {
      if (!this.#session) await this.#up(tooLate)
      return this.inOrder(async () => {
        tooLate.throwIfAborted()
        if (!this.#session) throw new Error(this.#awayReason)
        return work(this.#session.connection, tooLate)
      })
    }
    const timeUp = new Promise<never>((_resolve, reject) => {
      tooLate.addEventListener('abort', () =>
        reject(new Error(this.#session ? 'it does not answer' : this.#awayReason)),
      )
    })
    try {
      return await Promise.race([attempt(), timeUp])
    } catch (error) {
      if (error instanceof GatewayError) throw error
      const reason = replyOf(error)?.text ?? asError(error).message
      throw new GatewayError('BROKER_UNAVAILABLE', `cannot change bindings on RabbitMQ: ${reason}`, {
        cause: error,
      })
    }
  }
}
