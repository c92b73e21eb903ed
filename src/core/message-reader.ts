import type { TracedField } from './accounting/replica-trace.ts'
import type { JournalListener } from './journal-listener.ts'
import { printCursor } from './model/cursor.ts'
import type { Audience } from './model/source.ts'
import type { RoutedMessage, VisitRecent } from './offline/offline-hook.ts'
import type { EventMatcher } from './ports/event-matcher.ts'
import type { HotWindow, WindowEntry } from './ports/hot-window.ts'
import type { SourceRouter } from './sources/source-router.ts'

export interface MessageReaderParts {
  readonly hotWindow: Pick<HotWindow, 'visit'>
  readonly sources: Pick<SourceRouter, 'audienceOf' | 'knownAudienceOf' | 'matchingIds'>
  /** Undefined: there is no schema. */
  readonly events: Pick<EventMatcher, 'explain'> | undefined
  readonly listener: Pick<JournalListener, 'cursorOf' | 'recipientsOf'>
}

/** What the sources and the schema find in a message, for others than its subscribers. */
export class MessageReader {
  // Not in one object, because some of these are read for each message.
  readonly #hotWindow: MessageReaderParts['hotWindow']
  readonly #sources: MessageReaderParts['sources']
  readonly #events: MessageReaderParts['events']
  readonly #listener: MessageReaderParts['listener']

  constructor({ hotWindow, sources, events, listener }: MessageReaderParts) {
    this.#hotWindow = hotWindow
    this.#sources = sources
    this.#events = events
    this.#listener = listener
  }

  /** The cursor of a message, printed. */
  cursorOf(message: WindowEntry): string {
    return printCursor(this.#listener.cursorOf(message))
  }

  /**
   * What the sources find for a message, even if the message is not delivered. Empty if its body
   * cannot be decoded. Cached for an entry of the window.
   */
  audienceOf(message: WindowEntry, from: 'window' | 'journal' = 'journal'): Audience {
    try {
      return from === 'window' ? this.#sources.knownAudienceOf(message) : this.#sources.audienceOf(message)
    } catch {
      return []
    }
  }

  /** What each typed field makes of a message. Empty without a schema. */
  explain(message: WindowEntry): readonly TracedField[] {
    return this.#events?.explain(message, () => this.cursorOf(message)) ?? []
  }

  /** For `OfflineHook`. */
  routed(message: WindowEntry, clients: Audience): RoutedMessage {
    return {
      offset: message.offset,
      at: message.receivedAt,
      clients,
      describe: () => ({
        cursor: this.cursorOf(message),
        after: printCursor({ ...this.#listener.cursorOf(message), before: true }),
        source: this.#sources.matchingIds(message)[0] ?? '',
        exchange: message.exchange,
      }),
    }
  }

  /** See `OfflineHook`: the messages of the hot window after an offset, and their clients. */
  readonly visitRecent: VisitRecent = (offset, visit) => {
    this.#hotWindow.visit(offset, (message) => {
      if (message.mark || message.unreadable) return true
      return visit(this.routed(message, this.#listener.recipientsOf(message, 'window').clients))
    })
  }
}
