import type { InvalidEvent } from '../ports/event-matcher.ts'
import type { WindowEntry } from '../ports/hot-window.ts'

/** A field with `@state`: its messages are folded into the last message of each key. */
export interface StateDefinition {
  readonly field: string
  /** Equal for definitions that fold the same. Another meaning has another state. */
  readonly id: string
  /** How long rows stay after their last message, in milliseconds. Undefined: always. */
  readonly keepMs: number | undefined
  readonly exchanges: ReadonlySet<string>
  /** Undefined: the message is not for the field, or its body cannot be decoded. Never throws. */
  fold(entry: WindowEntry, cursor: () => string): FoldedMessage | InvalidMessage | undefined
}

/** What a message means for a state. */
export interface FoldedMessage {
  readonly key: string
  /** See `StateRow.index`. */
  readonly index: string
  readonly removed: boolean
}

/** A message that does not fit the field changes no key. */
export interface InvalidMessage {
  readonly invalid: InvalidEvent
}
