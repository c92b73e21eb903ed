import type { ErrorCode } from '../../errors.ts'
import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import type { MessageOutcome, QuarantineReason, SessionEnd, TransportName } from '../accounting/labels.ts'

/**
 * What the gateway tells whoever watches it. Implemented by `observability/`; the default hears
 * nothing. Called on hot paths: no method may block or throw. Labels come from the lists here,
 * never from clients.
 */
export interface Observer {
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, details?: Record<string, unknown>): void
  messageReceived(source: string): void
  messageQuarantined(reason: QuarantineReason): void
  /**
   * A message of a buffered source may have been moved before, and is delivered again unless it has
   * an id.
   */
  messageRedelivered(): void
  /** A message was stepped over that the broker can hand to no consumer. */
  messageUnreadable(): void
  /** So many messages were confirmed by the broker and not stored, and are published again. */
  messagesNotStored(messages: number): void
  /** Of each message that was received, what became of it here. */
  messageRouted(fate: MessageOutcome): void
  /** The account that sessions of a transport keep; always the same. */
  eventsOf(transport: TransportName): DeliveryCounter
  resumed(result: 'resumed' | 'gap'): void
  sessionStarted(transport: TransportName): void
  sessionEnded(transport: TransportName, reason: SessionEnd): void
  subscriptionStarted(transport: TransportName): void
  subscriptionEnded(transport: TransportName): void
  /** A subscription or a member of the room could not be given something, and was ended alone. */
  deliveryFailed(transport: TransportName): void
  /** A request was answered with an error, or a connection not taken. */
  refused(code: ErrorCode): void
  brokerUp(up: boolean): void
  executed(): void
  /** Where to read what waits for sockets, in bytes. */
  outboxBytes(read: () => number): void
}
