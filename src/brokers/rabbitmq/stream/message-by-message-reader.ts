import { randomUUID } from 'node:crypto'
import { BoundedSet } from '../../../core/limits/bounded-set.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import type { ConnectionSession, OpenConnection } from '../connection/reconnecting-connection.ts'
import { consumeStream, type StreamStart } from './stream-consumer.ts'
import { isInternalError, unreadableAt } from './unreadable-message.ts'

/**
 * An offset is unreadable after this many connections in a row, each for this offset alone, ended
 * there.
 */
const endsBeforeUnreadable = 3
/**
 * The message that ended a consumer is among this many after the last received one: its prefetch
 * and some margin.
 */
const entriesInDoubt = 600
/**
 * More unreadable messages may follow the first, so this many entries are read one by one before
 * normal reading continues.
 */
const entriesBehindUnreadable = 100
/**
 * If the first offset is not known, this many offsets are tried one by one, and then in growing
 * steps.
 */
const singleSteps = 100
/**
 * A reader that receives nothing for this long, on a channel that answers, has reached the end; in
 * milliseconds.
 */
const quietMs = 2_000
/** The time limit for progress on one connection, in milliseconds. */
const answerMs = 10_000
/** The number of remembered offsets, which later readers skip at once. */
const maxRemembered = 10_000

/** Receives the entries in order of offset. The callbacks must not throw. */
export interface MessageByMessageVisitor {
  onEntry(entry: JournalMessage): void
  /**
   * Consecutive entries that cannot be read. Called when a later entry has proved to be readable.
   */
  onUnreadable(entries: readonly JournalMessage[]): void
  /** See `StreamVisitor`. */
  onTruncated(): Promise<void> | void
  /** See `StreamReading`. */
  readonly confirm?: () => Promise<void>
}

/**
 * `passed`: the entry that ended the consumer is behind. `blind`: the first message at `start`
 * cannot be read and its offset is unknown. `failed`: the broker has another problem, and nothing
 * was skipped.
 */
export type MessageByMessageOutcome = 'passed' | 'blind' | 'failed'

export interface MessageByMessageReaderOptions {
  readonly stream: string
  readonly openConnection: OpenConnection
  /** Publishes a mark with this id, which identifies the end of the stream. May reject. */
  readonly mark: (id: string) => Promise<void>
}

interface AttemptVisitor {
  /** Returns false when it needs no more. */
  onEntry(entry: JournalMessage): boolean
  onTruncated(): Promise<void> | void
  readonly confirm?: (() => Promise<void>) | undefined
}

/** Only checks whether there is a readable entry. */
const probe: AttemptVisitor = { onEntry: () => false, onTruncated: () => undefined }

/**
 * `broken`: RabbitMQ closed the connection because of the next message. `read`: the visitor needs
 * no more, or the stream has no more.
 */
type Ending = 'broken' | 'read' | 'failed'

/**
 * Reads past messages that end every consumer which reaches them (RabbitMQ 4.0: messages of an AMQP
 * 1.0 publisher that AMQP 0-9-1 cannot carry). Each attempt has its own connection with one message
 * in flight, so the next message must be what ends it. An offset is skipped after it has ended
 * three connections, and a fourth after a later offset proved to be readable in the same way. So a
 * broker with a temporary problem does not cause skips.
 */
export class MessageByMessageReader {
  readonly #options: MessageByMessageReaderOptions
  readonly #known = new BoundedSet<number>(maxRemembered)

  constructor(options: MessageByMessageReaderOptions) {
    this.#options = options
  }

  /** Called for a new epoch, because it has other messages at the same offsets. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * Continues at `start` after a consumer ended there. `after` is the last entry that was read
   * before it, if any. Never rejects.
   */
  async readOn(
    start: StreamStart,
    after: JournalMessage | undefined,
    visitor: MessageByMessageVisitor,
    signal: AbortSignal,
  ): Promise<MessageByMessageOutcome> {
    let before = after
    let at = start
    let left = entriesInDoubt
    /** Unreadable offsets since the last entry that was read. They are not reported yet. */
    let skipped: number[] = []
    let ends = 0
    const onEntry = (entry: JournalMessage): boolean => {
      if (typeof at === 'number' && entry.offset < at) return true
      ends = 0
      before = entry
      at = entry.offset + 1
      left -= 1
      visitor.onEntry(entry)
      return left > 0 && !signal.aborted
    }
    const reading = { onEntry, onTruncated: () => visitor.onTruncated(), confirm: visitor.confirm }
    while (!signal.aborted) {
      if (typeof at === 'number' && this.#known.has(at)) {
        skipped.push(at)
        at += 1
        continue
      }
      const ending = await this.#attempt(at, before, skipped.length > 0 ? probe : reading, signal)
      if (ending === 'failed') return 'failed'
      if (ending === 'read') {
        const [first] = skipped
        if (first === undefined) return 'passed'
        // A later entry is readable, so RabbitMQ works. Check whether the first of them is still
        // unreadable.
        const again = this.#known.has(first) ? 'broken' : await this.#attempt(first, before, probe, signal)
        if (again === 'failed') return 'failed'
        if (again === 'broken') {
          this.#report(skipped, before, visitor)
          left = entriesBehindUnreadable
        } else at = first
        skipped = []
        ends = 0
        continue
      }
      ends += 1
      if (ends < endsBeforeUnreadable) continue
      if (typeof at !== 'number') return 'blind'
      ends = 0
      skipped.push(at)
      at += 1
      if (before || skipped.length < singleSteps) continue
      const readable = await this.#firstReadable(at, signal)
      if (readable === undefined) return 'failed'
      skipped.push(readable - 1)
      at = readable
    }
    return 'failed'
  }

  /**
   * Retention has removed the entries here, so every offset up to the first remaining one means
   * that one. A binary search finds the first readable offset.
   */
  async #firstReadable(from: number, signal: AbortSignal): Promise<number | undefined> {
    let broken = from - 1
    let readable: number | undefined
    for (let step = 1; readable === undefined || readable - broken > 1; step *= 2) {
      const at = readable === undefined ? broken + step : Math.floor((broken + readable) / 2)
      let ending: Ending = 'broken'
      for (let ends = 0; ending === 'broken' && ends < endsBeforeUnreadable; ends += 1) {
        ending = await this.#attempt(at, undefined, probe, signal)
      }
      if (ending === 'failed') return undefined
      if (ending === 'broken') broken = at
      else readable = at
    }
    return readable
  }

  /**
   * After a known entry, each offset is one message or a hole. Without a known entry, retention may
   * have removed the first of them, and only the last certainly exists.
   */
  #report(offsets: readonly number[], before: JournalMessage | undefined, visitor: MessageByMessageVisitor): void {
    const certain = before ? offsets : offsets.filter((offset) => offset === offsets.at(-1) || this.#known.has(offset))
    for (const offset of certain) this.#known.add(offset)
    visitor.onUnreadable(certain.map(unreadableAt))
  }

  /** Reads from `at` on its own connection, with one message in flight. */
  #attempt(
    at: StreamStart,
    after: JournalMessage | undefined,
    visitor: AttemptVisitor,
    signal: AbortSignal,
  ): Promise<Ending> {
    const finished = new AbortController()
    return new Promise<Ending>((resolve) => {
      const finish = (ending: Ending): void => {
        if (!finished.signal.aborted) resolve(ending)
        finished.abort()
      }
      const timer = setTimeout(() => finish('failed'), answerMs)
      const aborted = (): void => finish('failed')
      signal.addEventListener('abort', aborted)
      if (signal.aborted) aborted()
      const broke = (reason: unknown): void => finish(isInternalError(reason) ? 'broken' : 'failed')
      let quiet: NodeJS.Timeout | undefined
      const connection = this.#options.openConnection({
        purpose: 'careful reading',
        establish: async (session) => {
          session.signal.addEventListener('abort', () => broke(session.signal.reason))
          let id = randomUUID()
          // RabbitMQ refuses or delays the mark during an alarm. Then silence marks the end.
          const markEnd = (): void => {
            id = randomUUID()
            this.#options.mark(id).catch(() => undefined)
          }
          const restartTimers = (): void => {
            clearTimeout(quiet)
            timer.refresh()
            quiet = setTimeout(() => void isAlive(session).then((alive) => alive && finish('read')), quietMs)
          }
          const onEntry = (entry: JournalMessage): void => {
            if (finished.signal.aborted) return
            restartTimers()
            if (!visitor.onEntry(entry)) finish('read')
            else if (entry.mark && entry.properties.messageId === id) finish('read')
          }
          const onConsuming = (): void => {
            if (finished.signal.aborted) return
            restartTimers()
            markEnd()
          }
          const onTruncated = (): Promise<void> | void => {
            if (finished.signal.aborted) return undefined
            // The mark may be gone, too.
            markEnd()
            return visitor.onTruncated()
          }
          await consumeStream(
            session,
            this.#options.stream,
            at,
            {
              onEntry,
              onTruncated,
              // The session has the reason. It ends before this or in the same turn of the event
              // loop.
              onEnd: (error) => setImmediate(() => broke(session.signal.reason ?? error)),
            },
            { after, prefetch: 1, onConsuming, confirm: visitor.confirm },
          )
        },
        onDown: () => finish('failed'),
        onRetry: () => finish('failed'),
      })
      finished.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        clearTimeout(quiet)
        signal.removeEventListener('abort', aborted)
        void connection.close()
      })
    })
  }
}

/** Whether the session still answers. A session that RabbitMQ is about to close does not. */
async function isAlive({ connection }: ConnectionSession): Promise<boolean> {
  try {
    const channel = await connection.createChannel()
    await channel.close()
    return true
  } catch {
    return false
  }
}
