import type { QuarantineReason } from '../accounting/labels.ts'
import type { TracedField } from '../accounting/replica-trace.ts'
import type { Identity } from '../model/identity.ts'
import type { PositionTopic } from '../positions/position-options.ts'
import type { WindowEntry } from './hot-window.ts'
import type { EventTopic, TopicTest } from './topic.ts'

/** Finds the event topics of a message. Implemented by typed events. */
export interface EventMatcher {
  /** Whether a field of the schema reads messages of this exchange. */
  hasExchange(exchange: string): boolean
  /**
   * The topics of a message, for the tail (`live`) and for replays. `cursor` prints the cursor of
   * the message. Throws `UndecodableBody` if a field needs the body and it cannot be decoded.
   */
  match(message: WindowEntry, cursor: () => string, live: boolean): EventMatches
  /**
   * Judges messages as a subscription with these arguments of a caller with this identity would get
   * them, whether or not there is one. Undefined: the schema has no such field, or the caller may
   * not subscribe to it.
   */
  topicTest(topic: PositionTopic, identity: Identity): TopicTest | undefined
  /** What each field of the schema makes of a message, for `trace`. Never throws. */
  explain(message: WindowEntry, cursor: () => string): readonly TracedField[]
}

export interface EventMatches {
  /**
   * The keys to deliver to, each once. Keys without a subscription on this replica may be missing.
   */
  readonly keys: readonly string[]
  /** What the matcher made of the message. It belongs to the matcher. */
  readonly reading: object | undefined
  /** The fields that the message was for, and that it does not fit. */
  readonly invalid: readonly InvalidEvent[]
  /**
   * Whether a field that is in use excludes it: by the event type, or a condition of the author.
   */
  readonly filtered: boolean
}

/** A message does not fit the type of a field. One copy of it goes to the quarantine. */
export interface InvalidEvent {
  readonly reason: Extract<QuarantineReason, 'schema'>
  readonly field: string
  /** Where in the body, as a JSON pointer; for other places `header:<name>` and so on. */
  readonly pointer: string
  /** What was expected there, and what was found. */
  readonly text: string
  /** The hash of the schema. */
  readonly schema: string
}

/** Who may have the events of a typed field, with which conditions. One for each subscription. */
export interface EventAccess {
  /** The field and the given arguments without the built-in ones, apart from `filter`. */
  readonly wanted: PositionTopic
  /**
   * The topic for this identity. Called when the subscription begins and when its token changes.
   * Throws `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT` or `LIMIT_EXCEEDED`; the topic of
   * before then stays valid.
   */
  topicFor(identity: Identity): EventTopic
  /**
   * After a reload of the schema. False: the subscription may not continue. Otherwise `topicFor` is
   * called next.
   */
  reload(): boolean
  /** The subscription has ended, or it did not begin. Idempotent. */
  release(): void
}

const noMatches: EventMatches = { keys: [], reading: undefined, invalid: [], filtered: false }

/** The matcher of a gateway without a schema. */
export const noEvents: EventMatcher = {
  hasExchange: () => false,
  match: () => noMatches,
  topicTest: () => undefined,
  explain: () => [],
}
