import { badInput } from '../../errors.ts'
import type { Counted } from '../accounting/message-outcomes.ts'
import { traceparentOf } from '../accounting/trace-context.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf } from './cursor.ts'
import type { JournalMessage } from './message.ts'

/**
 * A channel is named after the client id that subscribes to it. An AMQP routing key holds 255 bytes
 * (`maxShortStringBytes`); 200 leave room for the other words of the key.
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
 * What a channel delivers to its subscribers. Every event carries a cursor; a client that resumes
 * after that cursor receives what follows the event.
 */
export type ChannelEvent = MessageEvent | GapEvent | CheckpointEvent

/**
 * What a subscription keeps of an event that it has delivered. A subscription may stay idle for
 * days, so it must not hold the body.
 */
export interface PassedEvent {
  readonly cursor: Cursor
  readonly receivedAt: number
}

export const statePhases = ['SNAPSHOT', 'SNAPSHOT_END', 'REBASED'] as const

/** What the result of keyed state marks an event with: see docs/guides/state.md. */
export interface StateMark {
  /**
   * `SNAPSHOT`: the current value of a key; more follow. `SNAPSHOT_END`: the same, and the state is
   * complete. `REBASED`: what changed since a cursor that the journal no longer has.
   */
  readonly phase: (typeof statePhases)[number]
  /** Whether the state begins here, so that what the client knows of it is outdated. */
  readonly reset: boolean
}

/** A message. Its body may be a part of memory that hundreds of messages share. */
interface EventMessage extends JournalMessage, Counted {
  /** As `WindowEntry.detach`. */
  readonly detach?: (() => EventMessage) | undefined
}

/** One message. All channels and subscribers that it is for share this object. */
export class MessageEvent {
  readonly kind = 'MESSAGE'
  message: EventMessage
  /** The `traceparent` that clients receive; undefined if the publisher set none. */
  traceparent: string | undefined
  /** `EventMatches.reading`: what typed events made of the message; undefined if it is not kept. */
  reading: object | undefined
  /**
   * Whether only one subscription of this replica receives this object, so that what is made of it
   * is used once.
   */
  isForOne = false
  readonly #codec: CursorCodec
  readonly #epoch: string
  #cursor: Cursor | undefined
  #passed: PassedEvent | undefined

  constructor(codec: CursorCodec, epoch: string, message: EventMessage) {
    this.#codec = codec
    this.#epoch = epoch
    this.message = message
    this.traceparent = traceparentOf(message)
  }

  /**
   * Call it before the event is kept for longer than its delivery. It copies the body if that
   * shares memory, which is reused for other messages.
   */
  keep(): void {
    this.message = this.message.detach?.() ?? this.message
  }

  /** Computed on first use and then kept, because it costs a checksum of the body. */
  get cursor(): Cursor {
    this.#cursor ??= cursorOf(this.#codec, this.#epoch, this.message)
    return this.#cursor
  }

  /** One object for all subscriptions. */
  get passed(): PassedEvent {
    this.#passed ??= { cursor: this.cursor, receivedAt: this.message.receivedAt }
    return this.#passed
  }

  /** Undefined unless the event was read from keyed state and not from the journal. */
  get state(): StateMark | undefined {
    return undefined
  }

  /** The position just before the message. */
  get cursorBefore(): Cursor {
    return cursorBefore(this.#codec, this.#epoch, this.message)
  }
}

/**
 * Reports a gap explicitly, so that clients never infer one: events before `cursor` are missing.
 */
export interface GapEvent {
  readonly kind: 'GAP'
  readonly cursor: Cursor
  readonly reason: GapReason
  /** The oldest cursor that can still be read; null if that is unknown. */
  readonly oldest: Cursor | null
  readonly receivedAt: number
  /** How many messages are missing; set for `OVERFLOW` only. */
  readonly dropped?: number
}

export const gapReasons = ['RETENTION', 'JOURNAL_REPLACED', 'INVALID_CURSOR', 'OVERFLOW', 'UNREADABLE'] as const
export type GapReason = (typeof gapReasons)[number]

/**
 * The gap event for adjacent journal entries that the broker cannot deliver to any consumer. `last`
 * is the last of them. Every replica makes the same event, and a client that resumes after its
 * cursor does not receive it again.
 */
export function unreadableGap(codec: CursorCodec, epoch: string, last: JournalMessage): GapEvent {
  const cursor = cursorOf(codec, epoch, last)
  return { kind: 'GAP', cursor, reason: 'UNREADABLE', oldest: cursor, receivedAt: last.receivedAt }
}

/**
 * The gap event for what one subscription missed because of its overflow policy. It keeps counting
 * until the subscriber takes it.
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

  /** The position just after the last missing message. */
  get cursor(): Cursor {
    return this.#last.cursor
  }

  /**
   * The position just before the first missing message. The missing messages can be read after it
   * while the journal keeps them.
   */
  get oldest(): Cursor {
    return this.#first.cursorBefore
  }
}

/** Keeps the cursor of an idle channel fresh. */
export interface CheckpointEvent {
  readonly kind: 'CHECKPOINT'
  readonly cursor: Cursor
  readonly receivedAt: number
  /** Set if it stands for a part of keyed state without a row. */
  readonly state?: StateMark
}
