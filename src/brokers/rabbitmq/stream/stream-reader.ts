import { fingerprintOf } from '../../../core/model/cursor.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import { JournalTruncated } from '../../../core/ports/journal.ts'
import type { ConnectionSession, OpenConnection } from '../connection/reconnecting-connection.ts'
import type { CarefulReader } from './message-by-message-reader.ts'
import { consumeStream, type StreamConsumer, type StreamReading, type StreamVisitor } from './stream-consumer.ts'
import { isInternalError } from './unreadable-message.ts'

/**
 * Reads older parts of a stream, on a connection of its own that is made when it is first needed.
 */
export class StreamReader {
  readonly #stream: string
  readonly #openConnection: OpenConnection
  readonly #careful: CarefulReader
  #link: { close(): Promise<void> } | undefined
  #session: ConnectionSession | undefined
  readonly #waiting = new Set<() => void>()

  constructor(stream: string, openConnection: OpenConnection, careful: CarefulReader) {
    this.#careful = careful
    this.#stream = stream
    this.#openConnection = openConnection
  }

  /**
   * As `Journal.scan`. After a lost connection it begins again at the last entry that was visited,
   * expects that very entry, and drops it: another in its place means that retention overtook it.
   */
  async scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void> {
    let last: JournalMessage | undefined
    /** The last that was not unreadable. */
    let read: JournalMessage | undefined
    let expected: JournalMessage | undefined
    let truncated = false
    let broken = false
    const enough = new AbortController()
    const over = AbortSignal.any([signal, enough.signal])
    const take = (entry: JournalMessage): void => {
      if (over.aborted || entry.offset < (last?.offset ?? offset)) return
      if (expected) {
        truncated = entry.offset !== expected.offset || fingerprintOf(entry) !== fingerprintOf(expected)
        expected = undefined
        if (truncated) enough.abort()
        return
      }
      last = entry
      read = entry
      if (!visit(entry)) enough.abort()
    }
    const onUnreadable = (entries: readonly JournalMessage[]): void => {
      for (const entry of entries) {
        if (over.aborted) return
        last = entry
        if (!visit(entry)) enough.abort()
      }
    }
    const onOvertaken = (): void => {
      if (over.aborted) return
      truncated = true
      enough.abort()
    }
    while (!over.aborted) {
      const session = await this.#currentSession(signal)
      if (!session) return
      if (broken) {
        const behind = last ? last.offset + 1 : offset
        const outcome = await this.#careful.read(behind, read, { take, onUnreadable, onOvertaken }, over)
        broken = outcome !== 'passed'
        if (over.aborted) break
      }
      expected = last === read ? last : undefined
      const start = last && last !== read ? last.offset + 1 : (last?.offset ?? offset)
      const reading = expected ? {} : { after: read }
      const reason = await this.#scanOnce(session, start, { take, onOvertaken }, reading, over)
      broken = isInternalError(reason)
    }
    if (truncated) throw new JournalTruncated('retention overtook a scan')
  }

  async close(): Promise<void> {
    await this.#link?.close()
  }

  /**
   * Resolves when it has had enough, the signal aborts, or the connection is lost: then with the
   * reason.
   */
  async #scanOnce(
    session: ConnectionSession,
    offset: number,
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
      consumer = await consumeStream(session, this.#stream, offset, { ...visitor, onEnd }, reading)
      await aborted(AbortSignal.any([lost.signal, signal, session.signal]))
    } catch (error) {
      // No such stream, or no replica of it on this node: the session begins anew, on the next node
      // where there are several.
      session.fail(asError(error))
      await aborted(AbortSignal.any([session.signal, signal]))
    } finally {
      consumer?.close()
    }
    return session.signal.aborted ? session.signal.reason : reason
  }

  async #currentSession(signal: AbortSignal): Promise<ConnectionSession | undefined> {
    this.#link ??= this.#openConnection({
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
