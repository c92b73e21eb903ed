import type { JournalMessage } from '../model/message.ts'
import type { Source } from '../model/source.ts'

/**
 * Stores every message of every source in one order, under offsets that are the same for all
 * replicas. Live delivery and replay both read it, at different positions. Implementations: a
 * RabbitMQ stream (`stream-journal.ts`) and a ring in memory (`embedded/journal.ts`).
 */
export interface Journal {
  /**
   * Whether a publisher may have to publish a message again that is stored already. If so, the
   * gateway looks for repeats by message id.
   */
  readonly repeats: boolean

  /**
   * Starts the tail and returns at once. `Gateway.open` calls it once. While the broker is away,
   * the journal reconnects by itself. It then continues after the last entry that it delivered.
   */
  open(tail: JournalTail): void

  /**
   * Writes a mark, and resolves when the tail has delivered it. By then the tail has delivered
   * everything that the journal held at the call. Every replica receives `note` in the mark's body,
   * in the order of the journal. Rejects with `BROKER_UNAVAILABLE` if the mark does not come back
   * within a bound.
   */
  mark(note?: MarkNote): Promise<void>

  /**
   * Calls `visit` for each entry from `offset` on, in order, once each, unreadable entries
   * included. Resolves when `visit` returns false or `signal` aborts.
   *
   * If retention deleted `offset`, the scan starts at a later entry; the visitor must compare. At
   * the end of the journal the scan waits for new entries. While the broker is away, it waits too.
   * Rejects with `JournalReplaced` if the journal was replaced meanwhile, and with
   * `JournalTruncated` if retention deleted entries after the last visit.
   */
  scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void>

  /**
   * The offset from which a scan finds everything that was stored at this time or later; it may
   * also find some entries from before. Undefined: nothing was stored since, or `signal` aborts.
   * While the broker is away, it waits. Rejects with `JournalReplaced` if the journal was replaced
   * meanwhile.
   */
  offsetAt(timestampMs: number, signal: AbortSignal): Promise<number | undefined>

  /**
   * Stops the tail. What waits for the journal (`mark`, `scan`, `offsetAt`) rejects with
   * `BROKER_UNAVAILABLE`. Resolves when no more entries will be delivered.
   */
  close(): Promise<void>
}

/**
 * The body of a mark. All replicas read marks in the order of the journal, so each knows a source
 * before the first message that follows its mark. The names are a wire format among replicas of
 * different versions.
 */
export type MarkNote =
  | { readonly kind: 'source-created'; readonly source: Source }
  /** `createdAt` (ISO 8601): when the source was created. Replicas up to 0.1 do not write it. */
  | { readonly kind: 'source-deleted'; readonly id: string; readonly createdAt?: string }
  | PoisonClaim
  /**
   * A replica lost the broker. It had read the journal up to offset `since`, and was back at `at`
   * (milliseconds since the epoch).
   */
  | { readonly kind: 'reconnected'; readonly since: number; readonly at: number }

/**
 * A replica found a message at `offset` that is poison, or that does not fit a typed field
 * (`invalid`), and offers to quarantine it. The first claim of a kind in the journal decides.
 * `claim`: a random id of the replica.
 */
export interface PoisonClaim {
  readonly kind: 'poison' | 'invalid'
  readonly offset: number
  readonly claim: string
}

/** The body of a mark. `noteOf` reads it. */
export function markBody(note: MarkNote | undefined): Buffer {
  return note ? Buffer.from(JSON.stringify(note)) : Buffer.alloc(0)
}

/** The note of a mark. Undefined if it has none, or if its body is not JSON. */
export function noteOf(mark: JournalMessage): MarkNote | undefined {
  if (mark.body.length === 0) return undefined
  try {
    return JSON.parse(mark.body.toString()) as MarkNote
  } catch {
    return undefined
  }
}

/** The journal was deleted and created again during a scan: its offsets now name other entries. */
export class JournalReplaced extends Error {
  override readonly name = 'JournalReplaced'
}

/** Retention deleted entries that a scan had not visited yet. */
export class JournalTruncated extends Error {
  override readonly name = 'JournalTruncated'
}

/** Receives what the tail reads. Implemented by `JournalListener`. No method may block or throw. */
export interface JournalTail {
  /**
   * The journal is available under this epoch, and everything that it held at the (re)connection
   * has been delivered. Called after each (re)connection. If the epoch changed, `onEpoch` was
   * called first.
   */
  onUp(): void
  /**
   * The broker is away, or the tail has to start again. `reason` is a sentence for the log and for
   * readiness probes.
   */
  onDown(reason: string): void
  /**
   * A new epoch begins: at the first connection, and after the journal was deleted and created
   * again. Offsets start again. Called before any entry of the epoch, and again at each connection
   * until one was read. The driver waits for the promise, which never rejects, before it delivers
   * an entry.
   */
  onEpoch(epoch: string): Promise<void>
  /**
   * Called once. Entries before this call are the past, which a starting replica reads into the hot
   * window. Later entries were written after `open` was called (or a moment before), and are
   * delivered to subscribers.
   */
  onPresent(): void
  /**
   * Retention deleted entries that the tail had not read during an outage. Every live subscription
   * misses them. The driver waits for the promise, which never rejects, before it delivers the
   * next entry.
   */
  onTruncated(): Promise<void>
  /** Called for each entry once, in the order of offsets, marks included. */
  onMessage(message: JournalMessage): void
  /**
   * Called instead of `onMessage`, in the same order, for a run of neighbouring entries that the
   * broker cannot deliver to any consumer (`JournalMessage.unreadable`). At least one.
   */
  onUnreadable(entries: readonly JournalMessage[]): void
}
