import { randomUUID } from 'node:crypto'
import type { JournalMessage } from '../../../core/model/message.ts'
import type { MarkNote } from '../../../core/ports/journal.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'

/** How long the round trip of a mark through the broker may take, in milliseconds. */
export const markTimeoutMs = 5_000
/**
 * The interval at which a mark is published again until it arrives. While a node boots, streams
 * lose messages that it confirms.
 */
const markAgainMs = 500

/** Publishes a mark under this message id. May reject. */
export type PublishMark = (id: string, note: MarkNote | undefined) => Promise<void>

/** The marks of this replica that the tail has not delivered yet, each with a caller who waits. */
export class JournalMarks {
  readonly #publish: PublishMark
  /** Message id of a mark → called when the tail has delivered it. */
  readonly #waiting = new Map<string, () => void>()
  #shared: Promise<void> | undefined
  readonly #closed = new AbortController()

  constructor(publish: PublishMark) {
    this.#publish = publish
  }

  /** See `Journal.mark`. */
  mark(note?: MarkNote): Promise<void> {
    if (note) return this.roundTrip(note)
    // Calls in the same turn of the event loop share one mark.
    this.#shared ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#shared = undefined
      return this.roundTrip(undefined)
    })
    return this.#shared
  }

  /**
   * Publishes one mark, and resolves when the tail has delivered it. Rejects if that takes too
   * long, if `signal` aborts, if `publish` rejects, or with the reason of `close`.
   */
  async roundTrip(note: MarkNote | undefined, signal?: AbortSignal, publish = this.#publish): Promise<void> {
    const id = randomUUID()
    const finished = new AbortController()
    const lost = new GatewayError('BROKER_UNAVAILABLE', 'the connection to RabbitMQ was lost')
    const timeout = new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ did not deliver a mark within ${markTimeoutMs} ms`)
    const stop = (): void => finished.abort(this.#closed.signal.aborted ? this.#closed.signal.reason : lost)
    const stopSignals = signal ? [signal, this.#closed.signal] : [this.#closed.signal]
    for (const each of stopSignals) each.addEventListener('abort', stop)
    const timer = setTimeout(() => finished.abort(timeout), markTimeoutMs)
    try {
      await new Promise<void>((resolve, reject) => {
        finished.signal.addEventListener('abort', () => reject(finished.signal.reason as GatewayError))
        if (stopSignals.some(({ aborted }) => aborted)) stop()
        this.#waiting.set(id, resolve)
        publishUntil(finished.signal, id, note, publish).catch(reject)
      })
    } finally {
      finished.abort()
      this.#waiting.delete(id)
      clearTimeout(timer)
      for (const each of stopSignals) each.removeEventListener('abort', stop)
    }
  }

  /** Rejects what waits, and every later call. */
  close(reason: GatewayError): void {
    this.#closed.abort(reason)
  }

  /** Called for each mark that the tail has delivered, those of other replicas included. */
  onDelivered({ properties: { messageId } }: JournalMessage): void {
    if (messageId !== undefined) this.#waiting.get(messageId)?.()
  }
}

/** Publishes the same mark again and again until `finished` aborts. Rejects if `publish` does. */
export async function publishUntil(
  finished: AbortSignal,
  id: string,
  note: MarkNote | undefined,
  publish: PublishMark,
): Promise<void> {
  while (!finished.aborted) {
    await publish(id, note)
    await pause(markAgainMs, finished)
  }
}
