import type { JournalMessage } from '../model/message.ts'
import type { Source } from '../model/source.ts'

/**
 * The journal remembers every message of every source, in one order, under offsets that are the
 * same for all replicas. It is the one path of delivery: live and replay are the same thing read at
 * different positions. Implementations: a RabbitMQ stream (`stream-journal.ts`), a ring in memory
 * (`memory-journal.ts`).
 */
export interface Journal {
  /**
   * Whether a publisher may have reason to publish again what is stored already: then repeats are
   * looked for by message id.
   */
  readonly repeats: boolean

  /**
   * Begins to tail and returns at once; called once. While the broker is away the journal keeps
   * trying by itself and goes on behind the last message that it delivered.
   */
  open(tail: JournalTail): void

  /**
   * Writes a mark and resolves when the tail has delivered it, and so everything that the journal
   * held at the call. `note` comes back in the mark's body on every replica, in the order of the
   * log. Rejects with `BROKER_UNAVAILABLE` where that can't be had within a bound.
   */
  mark(note?: MarkNote): Promise<void>

  /**
   * Visits what the journal holds from `offset` on, in order, each entry once, until `visit`
   * returns false or `signal` aborts; resolves then. An offset that retention took begins later: it
   * is for the visitor to compare. Past the end it waits for what comes. Unreadable entries are
   * visited too. Waits while the broker is away. Rejects only where the journal was replaced
   * meanwhile (`JournalReplaced`), or retention overtook the scan, so that entries behind the last
   * visit are missing (`JournalTruncated`).
   */
  scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void>

  /** Stops the tail and all scans; resolves when nothing more will be delivered. */
  close(): Promise<void>
}

/**
 * What replicas tell each other in the order of the log: a source is known to all before the first
 * message behind it.
 */
export type MarkNote =
  | { readonly kind: 'source-created'; readonly source: Source }
  | { readonly kind: 'source-deleted'; readonly id: string }
  | PoisonClaim
  /**
   * The broker was away for this replica: it had seen the log up to `since`, and was back at `at`
   * (milliseconds since the epoch).
   */
  | { readonly kind: 'reconnected'; readonly since: number; readonly at: number }

/** A replica met poison and would put it away; the first to say so in the log does. */
export interface PoisonClaim {
  readonly kind: 'poison'
  readonly offset: number
  readonly claim: string
}

/** What a mark says, where it says something. */
export function noteOf(mark: JournalMessage): MarkNote | undefined {
  if (mark.body.length === 0) return undefined
  try {
    return JSON.parse(mark.body.toString()) as MarkNote
  } catch {
    return undefined
  }
}

/** The journal was deleted and made again while it was read: its offsets began anew. */
export class JournalReplaced extends Error {
  override readonly name = 'JournalReplaced'
}

/** Retention took what a scan was still to visit. */
export class JournalTruncated extends Error {
  override readonly name = 'JournalTruncated'
}

/** Who tails the journal: the gateway. None of these may block or throw. */
export interface JournalTail {
  /**
   * The journal is there under this epoch, and everything that it held when the connection was made
   * has been delivered. Called after each (re)connection. Where the epoch is another than before,
   * `onEpoch` came first.
   */
  onUp(): void
  /** The broker is away, or the tail is being made anew. `reason` is a sentence for the log. */
  onDown(reason: string): void
  /**
   * The journal has begun a new life under this epoch: on the first connection, and after it was
   * deleted and made again. Offsets begin anew. Comes before any message of that life.
   */
  onEpoch(epoch: string): void
  /**
   * Once: the entries up to here are the past, which a starting replica reads for its window; from
   * the next one on they were written after `open` was called (or a moment before), and are for
   * those who listen from now on.
   */
  onPresent(): void
  /**
   * Retention overtook the tail while it was away: entries before the next one are missing for
   * everyone who was live.
   */
  onTruncated(): void
  /** Each entry once, in order of offset; marks among them. */
  onMessage(message: JournalMessage): void
  /**
   * In place of `onMessage`, in the same order: neighbours that the broker can hand to nobody
   * (`JournalMessage.unreadable`). At least one.
   */
  onUnreadable(entries: readonly JournalMessage[]): void
}
