import { createHash } from 'node:crypto'
import type { MessageEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { InvalidEvent } from '../../core/ports/event-matcher.ts'
import type { WindowEntry } from '../../core/ports/hot-window.ts'
import type { StateTopic, TopicTest } from '../../core/ports/topic.ts'
import type { FoldedMessage, InvalidMessage, StateDefinition } from '../../core/state/state-definition.ts'
import type { Conditions } from '../access/conditions.ts'
import type { EventRouter } from '../matching/event-router.ts'
import type { EventField } from '../model/event-schema.ts'
import type { InvalidVerdict } from '../model/typed-value.ts'
import type { MessageInput } from '../values/message-input.ts'
import type { StateReader } from './state-reader.ts'

/** Longer texts are indexed by a hash. */
const maxIndexLength = 200

/** The keyed state of one field, for the fold and for subscriptions. */
export class FieldState implements StateDefinition {
  readonly field: string
  readonly id: string
  readonly keepMs: number | undefined
  readonly exchanges: ReadonlySet<string>
  readonly #reader: StateReader
  readonly #router: EventRouter
  readonly #inputOf: (message: WindowEntry, cursor: () => string) => MessageInput
  readonly #invalidEvent: (verdict: InvalidVerdict) => InvalidEvent
  #lastKey: { readonly event: MessageEvent; readonly key: unknown } | undefined

  constructor(
    field: EventField,
    reader: StateReader,
    parts: {
      readonly router: EventRouter
      readonly inputOf: (message: WindowEntry, cursor: () => string) => MessageInput
      readonly invalidEvent: (verdict: InvalidVerdict) => InvalidEvent
    },
  ) {
    this.field = field.name
    this.id = reader.id
    this.keepMs = reader.state.keepMs
    this.exchanges = new Set(field.bindings.map(({ exchange }) => exchange))
    this.#reader = reader
    this.#router = parts.router
    this.#inputOf = parts.inputOf
    this.#invalidEvent = parts.invalidEvent
  }

  fold(entry: WindowEntry, cursor: () => string): FoldedMessage | InvalidMessage | undefined {
    try {
      const input = this.#inputOf(entry, cursor)
      const reading = this.#router.read(this.field, input)
      if (!reading) return undefined
      const verdict = this.#reader.validate(input, reading.binding)
      if (verdict.kind === 'invalid') return { invalid: this.#invalidEvent(verdict) }
      if (verdict.kind !== 'valid') return undefined
      const key = verdict.removed ?? this.#reader.keyOf(input, reading.binding)
      if (key === undefined) return undefined
      const index = indexText(this.#router.indexOf(this.field).firstTextOf(reading))
      return { key, index, removed: verdict.removed !== undefined }
    } catch {
      // A body that cannot be decoded goes to the quarantine, on its way to subscribers.
      return undefined
    }
  }

  topicOf({ values }: Conditions, { matches }: Pick<TopicTest, 'matches'>): StateTopic {
    return { id: this.id, indexes: values[0]?.map(indexText), matches, keyOf: (event) => this.#keyOf(event) }
  }

  /** Subscriptions with equal conditions receive the same event one after another. */
  #keyOf(event: MessageEvent): unknown {
    if (this.#lastKey?.event !== event) {
      const folded = this.fold(event.message, () => printCursor(event.cursor))
      this.#lastKey = { event, key: folded && 'key' in folded ? folded.key : event }
    }
    return this.#lastKey.key
  }
}

function indexText(text: string): string {
  const isPlain = text.length <= maxIndexLength && !text.includes('\0')
  return isPlain ? text : createHash('sha256').update(text).digest('base64url')
}
