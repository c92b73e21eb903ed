import type { Cursor } from './cursor.ts'
import type { JournalMessage } from './message.ts'

/**
 * The journal remembers every message of every source, in one order, under offsets that are the same for all
 * replicas. It is the one path of delivery: live and replay are the same thing read at different positions.
 * Implementations: a RabbitMQ stream (`stream-journal.ts`), a ring in memory (`memory-journal.ts`).
 */
export interface Journal {
  /**
   * Begins to tail and returns at once; `tail` hears when the journal is there. Called once. While the broker is away
   * the journal keeps trying by itself and goes on behind the last message that it delivered.
   */
  open(tail: JournalTail): void

  /**
   * Reads behind `after` in order until `take` returns false, the end known when the read began has been passed, or
   * `signal` aborts. Resolves with what it found at `after` itself: `intact` (that very message stood there, or `after` is the
   * origin and offset 0 is still held), `truncated` (retention took it: what is still there was handed to `take`), `replaced` (another message or
   * another epoch: nothing was handed over). Waits while the broker is away and never judges in that time.
   */
  read(after: Cursor, take: (message: JournalMessage) => boolean, signal: AbortSignal): Promise<JournalRead>

  /** Stops the tail and all reads; resolves when nothing more will be delivered. */
  close(): Promise<void>
}

export interface JournalRead {
  readonly found: 'intact' | 'truncated' | 'replaced'
  /** The oldest position from which a read would be intact, where the journal knows it. */
  readonly oldest: Cursor | null
}

/** Who tails the journal: the gateway. None of these may block or throw. */
export interface JournalTail {
  /**
   * The journal is there under this epoch and what is delivered from now on is current: everything up to a mark written after
   * the connection stood has been delivered. Called after each (re)connection, before which `onMessage` may have
   * been called with what had been missed.
   */
  onUp(epoch: string): void
  /** The broker is away, or the tail is being made anew. `reason` is a sentence for the log. */
  onDown(reason: string): void
  /** The journal has another epoch than before: it was deleted and made again, its offsets begin anew. */
  onReplaced(epoch: string): void
  /** Each message once, in order of offset. */
  onMessage(message: JournalMessage): void
  /** A mark of a gateway: a position without a message in it; shows liveness and the end of the log. */
  onMark(position: Cursor): void
}
