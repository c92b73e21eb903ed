import { fingerprintOf } from '../../../core/model/cursor.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import { JournalTruncated } from '../../../core/ports/journal.ts'
import { GatewayError } from '../../../errors.ts'
import type { ConnectionSession, OpenConnection } from '../connection/reconnecting-connection.ts'
import type { MessageByMessageReader } from './message-by-message-reader.ts'
import {
  consumeStream,
  type StreamConsumer,
  type StreamReading,
  type StreamStart,
  type StreamVisitor,
} from './stream-consumer.ts'
import { isInternalError } from './unreadable-message.ts'

/** Reads older parts of a stream on its own connection, which it opens for the first scan. */
export class StreamReader {
  readonly #stream: string
  readonly #openConnection: OpenConnection
  readonly #messageByMessage: MessageByMessageReader
  readonly #confirmMoved: () => Promise<void>
  #connection: { close(): Promise<void> } | undefined
  #session: ConnectionSession | undefined
  readonly #waiting = new Set<() => void>()

  /**
   * `confirmMoved` resolves if the stream that a consumer has just begun to read is the one that
   * the caller of `scan` means.
   */
  constructor(
    stream: string,
    openConnection: OpenConnection,
    messageByMessage: MessageByMessageReader,
    confirmMoved: () => Promise<void>,
  ) {
    this.#messageByMessage = messageByMessage
    this.#confirmMoved = confirmMoved
    this.#stream = stream
    this.#openConnection = openConnection
  }

  /**
   * See `Journal.scan`. After a lost connection it reads again at the last visited entry and
   * expects to find that entry, which it skips. Another entry in its place means that retention
   * overtook the scan.
   */
  async scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void> {
    let last: JournalMessage | undefined
    /** The last entry that was readable. */
    let lastReadable: JournalMessage | undefined
    let expected: JournalMessage | undefined
    let truncated = false
    let failedOnMessage = false
    const enough = new AbortController()
    const finished = AbortSignal.any([signal, enough.signal])
    const onEntry = (entry: JournalMessage): void => {
      if (finished.aborted || entry.offset < (last?.offset ?? offset)) return
      if (expected) {
        truncated = entry.offset !== expected.offset || fingerprintOf(entry) !== fingerprintOf(expected)
        expected = undefined
        if (truncated) enough.abort()
        return
      }
      last = entry
      lastReadable = entry
      if (!visit(entry)) enough.abort()
    }
    const onUnreadable = (entries: readonly JournalMessage[]): void => {
      for (const entry of entries) {
        if (finished.aborted) return
        last = entry
        if (!visit(entry)) enough.abort()
      }
    }
    const onTruncated = (): void => {
      if (finished.aborted) return
      truncated = true
      enough.abort()
    }
    while (!finished.aborted) {
      const session = await this.#currentSession(signal)
      if (!session) return
      if (failedOnMessage) {
        const next = last ? last.offset + 1 : offset
        const outcome = await this.#messageByMessage.readOn(
          next,
          lastReadable,
          { onEntry, onUnreadable, onTruncated },
          finished,
        )
        failedOnMessage = outcome !== 'passed'
        if (finished.aborted) break
      }
      expected = last === lastReadable ? last : undefined
      const start = last && last !== lastReadable ? last.offset + 1 : (last?.offset ?? offset)
      const confirmMoved = last ? undefined : this.#confirmMoved
      const reading = expected ? {} : { after: lastReadable, confirmMoved }
      const reason = await this.#scanOnce(session, start, { onEntry, onTruncated }, reading, finished)
      failedOnMessage = isInternalError(reason)
    }
    if (truncated) throw new JournalTruncated('retention overtook a scan')
  }

  /**
   * See `Journal.offsetAt`. RabbitMQ finds times by chunks, so the offset is that of a chunk.
   * Rejects with `BROKER_UNAVAILABLE` if RabbitMQ cannot deliver the message there.
   */
  async offsetAt(timestampMs: number, signal: AbortSignal): Promise<number | undefined> {
    let found: number | undefined
    const enough = new AbortController()
    const finished = AbortSignal.any([signal, enough.signal])
    const visitor = {
      onEntry: ({ offset }: JournalMessage) => {
        found ??= offset
        enough.abort()
      },
      onTruncated: () => undefined,
    }
    while (!finished.aborted) {
      const session = await this.#currentSession(signal)
      if (!session) return undefined
      const reason = await this.#scanOnce(session, { timestampMs }, visitor, {}, finished)
      if (isInternalError(reason))
        throw new GatewayError('BROKER_UNAVAILABLE', 'RabbitMQ cannot deliver the first message since that time')
    }
    return found
  }

  async close(): Promise<void> {
    await this.#connection?.close()
  }

  /**
   * Resolves when the visitor needs no more, the signal aborts, or the consumer ends; in the last
   * case with the reason.
   */
  async #scanOnce(
    session: ConnectionSession,
    start: StreamStart,
    visitor: Omit<StreamVisitor, 'onEnd'>,
    reading: StreamReading,
    signal: AbortSignal,
  ): Promise<unknown> {
    let consumer: StreamConsumer | undefined
    let reason: unknown
    const lost = new AbortController()
    try {
      const onEnd = (error: Error): void => {
        reason = error
        lost.abort()
      }
      consumer = await consumeStream(session, this.#stream, start, { ...visitor, onEnd }, reading)
      await aborted(AbortSignal.any([lost.signal, signal, session.signal]))
    } catch (error) {
      // The stream, or its replica on this node, does not exist. The session fails and the
      // connection retries, on the next node if there are several.
      session.fail(asError(error))
      await aborted(AbortSignal.any([session.signal, signal]))
    } finally {
      consumer?.close()
    }
    return session.signal.aborted ? session.signal.reason : reason
  }

  async #currentSession(signal: AbortSignal): Promise<ConnectionSession | undefined> {
    this.#connection ??= this.#openConnection({
      purpose: 'replay',
      establish: async (session) => {
        this.#session = session
        session.signal.addEventListener('abort', () => {
          if (this.#session === session) this.#session = undefined
        })
        for (const wake of this.#waiting) wake()
      },
    })
    while (!this.#session && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake)
      })
    }
    return signal.aborted ? undefined : this.#session
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
