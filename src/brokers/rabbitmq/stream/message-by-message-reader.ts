import { randomUUID } from 'node:crypto'
import { BoundedSet } from '../../../core/limits/bounded-set.ts'
import type { JournalMessage } from '../../../core/model/message.ts'
import type { ConnectionSession, OpenConnection } from '../connection/reconnecting-connection.ts'
import { consumeStream, type StreamStart } from './stream-consumer.ts'
import { isInternalError, unreadableAt } from './unreadable-message.ts'

/**
 * An offset is unreadable when so many connections in a row, each for this one alone, ended there.
 */
const endsBeforeUnreadable = 3
/**
 * The message that ended a consumer is among so many behind the last one that it was given: its
 * prefetch, and some to spare.
 */
const entriesInDoubt = 600
/**
 * Behind an unreadable message others may come: so many are read carefully before reading goes on
 * as usual.
 */
const entriesBehindUnreadable = 100
/**
 * Where it is not known which offset comes first, offsets that end the consumer are tried one by
 * one up to so many, then in growing steps.
 */
const singleSteps = 100
/**
 * A reader that is given nothing for so long, on a channel that answers, has come to the end, in
 * milliseconds.
 */
const quietMs = 2_000
/** How long one connection may take to bring anything about, in milliseconds. */
const answerMs = 10_000
/** How many offsets are remembered, so that the next reader steps over them at once. */
const maxRemembered = 10_000

/** Whom a careful reader tells, in order of offset. None of these may throw. */
export interface CarefulVisitor {
  take(entry: JournalMessage): void
  /** Neighbours that cannot be read; called once it is sure that what stands behind them can be. */
  onUnreadable(entries: readonly JournalMessage[]): void
  /** As `StreamVisitor`. */
  onOvertaken(): void
}

/**
 * `passed`: what ended the consumer is behind; `blind`: the first message at `start` cannot be read
 * and its offset is not known; `failed`: something else is wrong with the broker, and nothing was
 * stepped over.
 */
export type CarefulOutcome = 'passed' | 'blind' | 'failed'

export interface CarefulReaderOptions {
  readonly stream: string
  readonly openConnection: OpenConnection
  /**
   * Publishes a mark under this id, so that the end of the stream has something to be recognised
   * by. May reject.
   */
  readonly mark: (id: string) => Promise<void>
}

interface AttemptVisitor {
  /** False: it has had enough. */
  take(entry: JournalMessage): boolean
  onOvertaken(): void
}

/** Only asks whether there is something to be read. */
const glance: AttemptVisitor = { take: () => false, onOvertaken: () => undefined }

/** `broken`: by the next message; `read`: the visitor has had enough, or the stream has no more. */
type Ending = 'broken' | 'read' | 'failed'

/**
 * Reads past messages that end every consumer which reaches them (RabbitMQ 4.0: what an AMQP 1.0
 * publisher wrote and AMQP 0-9-1 cannot carry). Each attempt has a connection of its own with one
 * message in flight, so that what ends it is certain to be the next message. An offset is given up
 * after it has ended three of them, and a fourth when a later offset could be read by the same
 * means: a broker that is ill for a while makes nobody skip anything.
 */
export class CarefulReader {
  readonly #options: CarefulReaderOptions
  readonly #known = new BoundedSet<number>(maxRemembered)

  constructor(options: CarefulReaderOptions) {
    this.#options = options
  }

  /** Another life of the journal has other messages under the same offsets. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * Reads on at `start` after a consumer was ended there. `after` is the entry that was read last
   * before it, if any. Never rejects.
   */
  async read(
    start: StreamStart,
    after: JournalMessage | undefined,
    visitor: CarefulVisitor,
    signal: AbortSignal,
  ): Promise<CarefulOutcome> {
    let before = after
    let at = start
    let left = entriesInDoubt
    /** Found unreadable since the last entry that was read, and not told yet. */
    let skipped: number[] = []
    let ends = 0
    const take = (entry: JournalMessage): boolean => {
      if (typeof at === 'number' && entry.offset < at) return true
      ends = 0
      before = entry
      at = entry.offset + 1
      left -= 1
      visitor.take(entry)
      return left > 0 && !signal.aborted
    }
    const reading = { take, onOvertaken: () => visitor.onOvertaken() }
    while (!signal.aborted) {
      if (typeof at === 'number' && this.#known.has(at)) {
        skipped.push(at)
        at += 1
        continue
      }
      const ending = await this.#attempt(at, before, skipped.length > 0 ? glance : reading, signal)
      if (ending === 'failed') return 'failed'
      if (ending === 'read') {
        const [first] = skipped
        if (first === undefined) return 'passed'
        // What is behind them can be read. Now that RabbitMQ is well, is the first of them still
        // unreadable?
        const again = this.#known.has(first) ? 'broken' : await this.#attempt(first, before, glance, signal)
        if (again === 'failed') return 'failed'
        if (again === 'broken') {
          this.#tell(skipped, before, visitor)
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
   * Retention took what stood here, so that all offsets up to the first that is left mean that one:
   * a search by halves finds it.
   */
  async #firstReadable(from: number, signal: AbortSignal): Promise<number | undefined> {
    let broken = from - 1
    let readable: number | undefined
    for (let step = 1; readable === undefined || readable - broken > 1; step *= 2) {
      const at = readable === undefined ? broken + step : Math.floor((broken + readable) / 2)
      let ending: Ending = 'broken'
      for (let ends = 0; ending === 'broken' && ends < endsBeforeUnreadable; ends += 1) {
        ending = await this.#attempt(at, undefined, glance, signal)
      }
      if (ending === 'failed') return undefined
      if (ending === 'broken') broken = at
      else readable = at
    }
    return readable
  }

  /**
   * Behind an entry each offset is a message of its own, or a hole. Where nothing was read before
   * them, retention may have taken the first of them, and only the last is sure to stand there.
   */
  #tell(offsets: readonly number[], before: JournalMessage | undefined, visitor: CarefulVisitor): void {
    const sure = before ? offsets : offsets.filter((offset) => offset === offsets.at(-1) || this.#known.has(offset))
    for (const offset of sure) this.#known.add(offset)
    visitor.onUnreadable(sure.map(unreadableAt))
  }

  /** Reads from `at` with one message in flight on a connection of its own. */
  #attempt(
    at: StreamStart,
    after: JournalMessage | undefined,
    visitor: AttemptVisitor,
    signal: AbortSignal,
  ): Promise<Ending> {
    const over = new AbortController()
    return new Promise<Ending>((resolve) => {
      const finish = (ending: Ending): void => {
        if (!over.signal.aborted) resolve(ending)
        over.abort()
      }
      const timer = setTimeout(() => finish('failed'), answerMs)
      const aborted = (): void => finish('failed')
      signal.addEventListener('abort', aborted)
      if (signal.aborted) aborted()
      const broke = (reason: unknown): void => finish(isInternalError(reason) ? 'broken' : 'failed')
      let quiet: NodeJS.Timeout | undefined
      const link = this.#options.openConnection({
        purpose: 'careful reading',
        establish: async (session) => {
          session.signal.addEventListener('abort', () => broke(session.signal.reason))
          const id = randomUUID()
          const listen = (): void => {
            clearTimeout(quiet)
            timer.refresh()
            quiet = setTimeout(() => void answers(session).then((alive) => alive && finish('read')), quietMs)
          }
          const take = (entry: JournalMessage): void => {
            if (over.signal.aborted) return
            listen()
            if (!visitor.take(entry)) finish('read')
            else if (entry.mark && entry.properties.messageId === id) finish('read')
          }
          const onConsuming = (): void => {
            listen()
            // Refused, or late, while an alarm lasts: then silence tells.
            this.#options.mark(id).catch(() => undefined)
          }
          await consumeStream(
            session,
            this.#options.stream,
            at,
            {
              take,
              onOvertaken: () => !over.signal.aborted && visitor.onOvertaken(),
              // The session's own end says why; it comes before or in the same turn.
              onEnd: (error) => setImmediate(() => broke(session.signal.reason ?? error)),
            },
            { after, prefetch: 1, onConsuming },
          )
        },
        onDown: () => finish('failed'),
        onRetry: () => finish('failed'),
      })
      over.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        clearTimeout(quiet)
        signal.removeEventListener('abort', aborted)
        void link.close()
      })
    })
  }
}

/** Whether the session still answers: one that RabbitMQ is about to end doesn't. */
async function answers({ connection }: ConnectionSession): Promise<boolean> {
  try {
    const channel = await connection.createChannel()
    await channel.close()
    return true
  } catch {
    return false
  }
}
