import { badInput } from '../../errors.ts'
import type { Counted } from '../accounting/message-outcomes.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf } from './cursor.ts'
import type { JournalMessage } from './message.ts'
import { traceparentOf } from './trace-context.ts'

/**
 * A channel is what one client id listens to, and bears its name. An AMQP routing key holds 255
 * bytes (AMQP 0-9-1, shortstr); 200 leave room for the words around the id.
 */
const maxClientIdBytes = 200

/** Checks a client id; throws `BAD_USER_INPUT` for `field`. */
export function checkClientId(clientId: unknown, field = 'clientId'): string {
  if (typeof clientId !== 'string' || clientId === '') throw badInput(field, 'expected a non-empty string')
  const bytes = Buffer.byteLength(clientId)
  if (bytes > maxClientIdBytes) throw badInput(field, `expected at most ${maxClientIdBytes} bytes, got ${bytes}`)
  if (/[\s\p{Cc}\p{Cs}]/u.test(clientId)) throw badInput(field, 'expected no white space and no control characters')
  return clientId
}

/**
 * What a subscriber of a channel is given. Every event carries the cursor behind which a client
 * resumes.
 */
export type ChannelEvent = MessageEvent | GapEvent | CheckpointEvent

/** One message, the same object for every channel and subscriber that it is for. */
export class MessageEvent {
  readonly kind = 'MESSAGE'
  readonly message: JournalMessage & Counted
  /** What clients are told of its trace, where its publisher said something. */
  traceparent: string | undefined
  readonly #codec: CursorCodec
  readonly #epoch: string
  #cursor: Cursor | undefined

  constructor(codec: CursorCodec, epoch: string, message: JournalMessage & Counted) {
    this.#codec = codec
    this.#epoch = epoch
    this.message = message
    this.traceparent = traceparentOf(message)
  }

  /** Costs a checksum of the body, so it is worked out once and only if it is asked for. */
  get cursor(): Cursor {
    this.#cursor ??= cursorOf(this.#codec, this.#epoch, this.message)
    return this.#cursor
  }

  /** The place just before it. */
  get cursorBefore(): Cursor {
    return cursorBefore(this.#codec, this.#epoch, this.message)
  }
}

/** A gap is told, never inferred: events before the notice's cursor are missing. */
export interface GapEvent {
  readonly kind: 'GAP'
  readonly cursor: Cursor
  readonly reason: GapReason
  /** The oldest cursor that can still be had; null where nothing can be said. */
  readonly oldest: Cursor | null
  readonly receivedAt: number
  /** How many messages are missing, where that is known: with `OVERFLOW`. */
  readonly dropped?: number
}

export const gapReasons = ['RETENTION', 'JOURNAL_REPLACED', 'INVALID_CURSOR', 'OVERFLOW', 'UNREADABLE'] as const
export type GapReason = (typeof gapReasons)[number]

/**
 * The notice of neighbouring entries that the broker can hand to nobody: `last` is the last of
 * them. It is the same on every replica, and a client that resumes behind its cursor is not told
 * again.
 */
export function unreadableGap(codec: CursorCodec, epoch: string, last: JournalMessage): GapEvent {
  const cursor = cursorOf(codec, epoch, last)
  return { kind: 'GAP', cursor, reason: 'UNREADABLE', oldest: cursor, receivedAt: last.receivedAt }
}

/**
 * The notice of what one subscription missed by its overflow policy: it counts on until the
 * subscriber takes it.
 */
export class OverflowGap implements GapEvent {
  readonly kind = 'GAP'
  readonly reason = 'OVERFLOW'
  readonly receivedAt = Date.now()
  readonly #first: MessageEvent
  #last: MessageEvent
  #dropped = 1

  constructor(first: MessageEvent) {
    this.#first = first
    this.#last = first
  }

  add(next: MessageEvent): void {
    this.#last = next
    this.#dropped += 1
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Behind the last that is missing. */
  get cursor(): Cursor {
    return this.#last.cursor
  }

  /** Behind this they can still be read, as long as the journal keeps them. */
  get oldest(): Cursor {
    return this.#first.cursorBefore
  }
}

/** An idle channel's cursor, kept fresh. */
export interface CheckpointEvent {
  readonly kind: 'CHECKPOINT'
  readonly cursor: Cursor
  readonly receivedAt: number
}
