import { randomUUID } from 'node:crypto'
import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import { markTimeoutMs, type PublishMark, publishUntil } from './journal-marks.ts'
import { consumeStream } from './stream-consumer.ts'
import { isInternalError } from './unreadable-message.ts'

/**
 * Where the present of a tail begins: the first offset that was written after the tail was opened.
 * Entries before it are the past. See `JournalTail.onPresent`.
 */
export class TailPresent {
  readonly #stream: string
  #openedAt = 0
  /** 'reached' when the tail has read up to it. */
  #offset: number | 'reached' | undefined
  /** RabbitMQ ended a search because of the first message since the tail was opened. */
  #isUnreadable = false

  constructor(stream: string) {
    this.#stream = stream
  }

  /** Called once, when the tail is opened. */
  open(): void {
    this.#openedAt = Date.now()
  }

  /** Undefined if it is not known yet, or if the tail has reached it. */
  get offset(): number | undefined {
    return this.#offset === 'reached' ? undefined : this.#offset
  }

  /** The stream was declared again since the tail was opened, so it has no past. */
  beginAtFirstOffset(): void {
    if (this.#offset !== 'reached') this.#offset = 0
  }

  /** Returns true once: for the first entry that is not of the past. */
  reach({ offset }: JournalMessage): boolean {
    if (typeof this.#offset !== 'number' || offset < this.#offset) return false
    this.#offset = 'reached'
    return true
  }

  /** Finds the offset, unless it is known. `publish` writes a mark, so that there is one. */
  async find(session: ConnectionSession, publish: PublishMark): Promise<void> {
    this.#offset ??= await this.#search(session, publish)
  }

  async #search(session: ConnectionSession, publish: PublishMark): Promise<number> {
    const finished = new AbortController()
    const timeout = AbortSignal.any([session.signal, AbortSignal.timeout(markTimeoutMs)])
    try {
      return await new Promise<number>((resolve, reject) => {
        timeout.addEventListener('abort', () =>
          reject(new Error("RabbitMQ did not deliver the journal's current offset in time")),
        )
        // If the first message since then is unreadable, the mark is the present.
        const start = this.#isUnreadable ? 'next' : { timestampMs: this.#openedAt }
        session.signal.addEventListener('abort', () => {
          this.#isUnreadable ||= isInternalError(session.signal.reason)
          reject(asError(session.signal.reason))
        })
        const visitor = {
          onEntry: ({ offset }: JournalMessage) => resolve(offset),
          onTruncated: () => {},
          onEnd: reject,
        }
        consumeStream(session, this.#stream, start, visitor)
          .then((consumer) => {
            if (finished.signal.aborted) consumer.close()
            else finished.signal.addEventListener('abort', () => consumer.close())
          })
          .catch(reject)
        publishUntil(finished.signal, randomUUID(), undefined, publish).catch(reject)
      })
    } finally {
      finished.abort()
    }
  }
}
