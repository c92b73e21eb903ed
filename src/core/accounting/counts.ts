import type { MessageOutcome, TransportName } from './labels.ts'

/** What a replica has counted since its start, at one moment. */
export interface Counts {
  /** Messages read from the journal, by the id of their first source, or `none`. */
  readonly received: ReadonlyMap<string, number>
  readonly outcomes: ReadonlyMap<MessageOutcome, number>
  /** Transports without a session so far are left out. */
  readonly transports: ReadonlyMap<TransportName, TransportCounts>
  /** By the name of a typed field. */
  readonly fields: ReadonlyMap<string, FieldCounts>
  /** Deliveries by time, from broker receipt to socket write: `upToMs` null is above all bounds. */
  readonly deliveryTimes: readonly { readonly upToMs: number | null; readonly count: number }[]
  /** Bytes that wait to be written to sockets. */
  readonly outboxBytes: number
}

/** Matched events are delivered, dropped or pending. */
export interface TransportCounts {
  readonly sessions: number
  readonly subscriptions: number
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
  readonly pending: number
  readonly fellBehind: number
}

export interface FieldCounts {
  readonly matched: number
  readonly delivered: number
  readonly filtered: number
  readonly invalid: number
}
