import type { Audience } from '../model/source.ts'
import type { WindowEntry } from '../ports/hot-window.ts'
import type { MessageOutcome, QuarantineReason } from './labels.ts'
import type { DeliveryCounts } from './message-outcomes.ts'
import type { SourceReason, TracedField, TracedMessage, TracedSession } from './replica-trace.ts'

/** What became of a message, on one replica or on several. */
export interface EntryOutcome extends DeliveryCounts {
  readonly outcome: MessageOutcome | null
}

/** How the members of a description are found. The lists may be longer than what is shown. */
export interface EntryReader {
  audienceOf(entry: WindowEntry): Audience
  fieldsOf(entry: WindowEntry): readonly TracedField[]
  matchingIds(entry: WindowEntry): readonly string[]
  sourceReasonsOf(entry: WindowEntry): readonly SourceReason[]
  /** Why the message, or a copy of it, is in the quarantine; null if it is not. */
  reasonOf(entry: WindowEntry): QuarantineReason | null
  cursorOf(entry: WindowEntry): string
}

/** How many sources, clients, fields and sessions are shown. */
const maxShown = 20
const previewBytes = 200

/**
 * What a replica knows of an entry. Sources, fields and reasons decode the body, so they are only
 * looked for when they are read: most rows of a list show none of them.
 */
export class DescribedEntry implements Omit<TracedMessage, 'sessions'> {
  readonly #entry: WindowEntry
  readonly #reader: EntryReader
  readonly #outcome: EntryOutcome
  #audience: Audience | undefined

  constructor(entry: WindowEntry, reader: EntryReader, outcome: EntryOutcome) {
    this.#entry = entry
    this.#reader = reader
    this.#outcome = outcome
  }

  get offset(): number {
    return this.#entry.offset
  }

  get exchange(): string {
    return this.#entry.exchange
  }

  get routingKey(): string {
    return this.#entry.routingKey
  }

  get receivedAt(): number {
    return this.#entry.receivedAt
  }

  get messageId(): string | null {
    return this.#entry.properties.messageId ?? null
  }

  get preview(): string {
    return this.#entry.body.subarray(0, previewBytes).toString('utf8')
  }

  get cursor(): string {
    return this.#reader.cursorOf(this.#entry)
  }

  get outcome(): MessageOutcome | null {
    return this.#outcome.outcome
  }

  get matched(): number {
    return this.#outcome.matched
  }

  get delivered(): number {
    return this.#outcome.delivered
  }

  get dropped(): number {
    return this.#outcome.dropped
  }

  get audience(): Audience {
    this.#audience ??= this.#reader.audienceOf(this.#entry)
    return this.#audience
  }

  get clients(): readonly string[] {
    return this.audience === 'everyone' ? [] : this.audience.slice(0, maxShown)
  }

  get clientCount(): number | null {
    return this.audience === 'everyone' ? null : this.audience.length
  }

  get reason(): QuarantineReason | null {
    return this.#reader.reasonOf(this.#entry)
  }

  get sources(): readonly string[] {
    return this.#reader.matchingIds(this.#entry).slice(0, maxShown)
  }

  get fields(): readonly TracedField[] {
    return this.#reader.fieldsOf(this.#entry).slice(0, maxShown)
  }

  get sourceReasons(): readonly SourceReason[] {
    return this.#reader.sourceReasonsOf(this.#entry).slice(0, maxShown)
  }

  /** The same entry with what became of it on more replicas. */
  withOutcome(outcome: EntryOutcome): DescribedEntry {
    return new DescribedEntry(this.#entry, this.#reader, outcome)
  }

  /** All of it, as it is sent to other replicas. */
  trace(sessions: readonly TracedSession[]): TracedMessage {
    const { offset, exchange, routingKey, receivedAt, messageId, preview, cursor } = this
    const { outcome, matched, delivered, dropped, reason } = this
    const { sources, clients, clientCount, fields, sourceReasons } = this
    return {
      offset,
      exchange,
      routingKey,
      receivedAt,
      messageId,
      preview,
      cursor,
      outcome,
      matched,
      delivered,
      dropped,
      reason,
      sources,
      clients,
      clientCount,
      fields,
      sourceReasons,
      sessions: sessions.slice(0, maxShown),
    }
  }
}
