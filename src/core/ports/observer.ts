import type { ErrorCode } from '../../errors.ts'
import type { ClusterCounts } from '../accounting/cluster-counts.ts'
import type { Counts } from '../accounting/counts.ts'
import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import type { FieldCounter } from '../accounting/field-counter.ts'
import type {
  MessageOutcome,
  PublicationResult,
  QuarantineReason,
  SessionEnd,
  TransportName,
} from '../accounting/labels.ts'
import type { StateCounts } from '../accounting/state-counts.ts'
import type { PositionCounts } from '../positions/position-counts.ts'

/**
 * Receives what logs and metrics need. `observability/` implements it. The gateway calls it on hot
 * paths, so no method may block or throw. Labels come from the lists in `labels.ts` and from the
 * ids of sources, never from clients.
 */
export interface Observer {
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, details?: Record<string, unknown>): void
  /** The tail received a message. `source`: the id of its first source, or `none`. */
  messageReceived(source: string): void
  /** This replica puts a message into the quarantine. */
  messageQuarantined(reason: QuarantineReason): void
  /**
   * A message of a buffered source may have been moved before. It is delivered again unless it has
   * a message id.
   */
  messageRedelivered(): void
  /** The gateway skipped a message that the broker cannot deliver to any consumer. */
  messageUnreadable(): void
  /** The broker confirmed this many messages without storing them; they are published again. */
  messagesNotStored(messages: number): void
  /** The outcome of a received message on this replica. Called once per message. */
  messageRouted(outcome: MessageOutcome): void
  /** The counter that all sessions of a transport share. Always returns the same object. */
  eventsOf(transport: TransportName): DeliveryCounter
  /**
   * The counter of a typed field. Always returns the same object while the schema has the field.
   */
  fieldCounter(field: string): FieldCounter
  /**
   * The typed fields of the schema, and its fields with `@publish`, from now on: the counters of
   * others are dropped.
   */
  fieldsServed(fields: readonly string[], publications: readonly string[]): void
  /** A field with `@publish` was called. */
  fieldPublished(field: string, result: PublicationResult): void
  /** A subscription with a cursor resumed, or received a gap. Called once per subscription. */
  resumed(result: 'resumed' | 'gap'): void
  sessionStarted(transport: TransportName): void
  sessionEnded(transport: TransportName, reason: SessionEnd): void
  subscriptionStarted(transport: TransportName): void
  subscriptionEnded(transport: TransportName): void
  /**
   * An unexpected error ended one subscription, or one member of the room. Other subscriptions
   * continue.
   */
  deliveryFailed(transport: TransportName): void
  /** A request was answered with an error, or a connection was refused. */
  refused(code: ErrorCode): void
  /** Whether the broker is available and the journal is tailed. Called at each change. */
  brokerUp(up: boolean): void
  /** A GraphQL operation was executed. */
  executed(): void
  /** Registers how to read the bytes that wait for sockets. Called once at the start. */
  outboxBytes(read: () => number): void
  /** Registers how to read what is known of all replicas. Called once at the start. */
  clusterCounts(read: () => ClusterCounts): void
  /** Registers how to read the keyed states of fields. Called once at the start. */
  stateCounts(read: () => readonly StateCounts[]): void
  /** Registers how to read named positions. Called once at the start. */
  positionCounts(read: () => PositionCounts): void
  /** What was counted so far. Called only for operators who ask, so counting costs no more. */
  counts(): Counts
}
