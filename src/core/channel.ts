import { badInput } from '../errors.ts'
import type { Cursor } from './cursor.ts'
import type { JournalMessage } from './message.ts'

/**
 * A channel is what one client id listens to, and bears its name. An AMQP routing key holds 255 bytes
 * (AMQP 0-9-1, shortstr); 200 leave room for the words around the id.
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

/** A gap is told, never inferred: events before the notice's cursor are missing. */
export interface Gap {
  readonly reason: 'RETENTION' | 'JOURNAL_REPLACED' | 'INVALID_CURSOR'
  /** The oldest cursor that can still be had; null where nothing can be said. */
  readonly oldest: Cursor | null
}

/** What a subscriber of a channel is given. Every event carries the cursor from which a client resumes behind it. */
export type ChannelEvent = MessageEvent | GapEvent | CheckpointEvent

export interface MessageEvent {
  readonly kind: 'MESSAGE'
  readonly cursor: Cursor
  readonly message: JournalMessage
}

export interface GapEvent {
  readonly kind: 'GAP'
  readonly cursor: Cursor
  readonly gap: Gap
  readonly receivedAt: number
}

export interface CheckpointEvent {
  readonly kind: 'CHECKPOINT'
  readonly cursor: Cursor
  readonly receivedAt: number
}
