import type { MessageOutcome } from './accounting/labels.ts'
import type { Tracing } from './accounting/trace-context.ts'
import { decodeBody, forgetBody } from './body/decode-body.ts'
import type { Checkpoints } from './delivery/checkpoints.ts'
import { Deduplicator } from './delivery/deduplicator.ts'
import type { Hub } from './delivery/hub.ts'
import { BoundedSet } from './limits/bounded-set.ts'
import { type GapEvent, MessageEvent, unreadableGap } from './model/channel-event.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf, printCursor } from './model/cursor.ts'
import type { JournalMessage } from './model/message.ts'
import type { Audience } from './model/source.ts'
import type { EventMatcher } from './ports/event-matcher.ts'
import type { HotWindow, WindowEntry } from './ports/hot-window.ts'
import { type Journal, type JournalTail, type MarkNote, noteOf } from './ports/journal.ts'
import type { Observer } from './ports/observer.ts'
import { noRecipients, type Recipients } from './ports/topic.ts'
import type { InvalidEvents } from './quarantine/invalid-events.ts'
import { causeOf, type Quarantine } from './quarantine/quarantine.ts'
import type { SourceRouter } from './sources/source-router.ts'
import { within } from './timing/deadline.ts'

export interface JournalListenerParts {
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly hub: Hub
  readonly sources: SourceRouter
  readonly events: EventMatcher
  readonly quarantine: Quarantine
  readonly invalidEvents: InvalidEvents
  readonly checkpoints: Checkpoints
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Undefined: tracing is off. */
  readonly tracing: Tracing | undefined
  /** Read at each use, because it may change while the gateway runs. */
  readonly limits: {
    /** The most that a compressed body may grow to, in bytes. */
    readonly maxDecodedBytes: number
  }
  /** Called when the tail is current; `up` is true by then. */
  readonly onUp: () => void
  /** Called once at the start of an outage. */
  readonly onDown: (reason: string) => void
  /**
   * Called when marks may be gone that the tail has not read: a journal is read for the first time,
   * or retention overtook the tail. The next entry waits for the promise, which must not reject.
   */
  readonly onMarksLost: () => Promise<void>
  /** Called with each live message and its clients; it must not throw. */
  readonly onRouted?: ((message: WindowEntry, clients: Audience) => void) | undefined
  /** Called for each mark of a gateway, with its note if it has one. */
  readonly onMark: (note: MarkNote | undefined) => void
}

/** How many offsets are remembered as already counted. */
const maxUnreadable = 10_000
/** How many exchanges without a source are remembered, so that each is logged once. */
const maxForeignExchanges = 1_000

/** Why subscriptions get a gap before the next entry. */
type GapAhead = 'RETENTION' | 'JOURNAL_REPLACED' | 'SOURCE_FOUND_LATE'

/**
 * Receives what the tail of the journal reads. Adds each entry to the hot window and delivers it to
 * the subscriptions of its topics. Private to the gateway; transports do not use it.
 */
export class JournalListener implements JournalTail {
  readonly #parts: JournalListenerParts
  readonly #deduplicator: Deduplicator
  #withoutClient = 0
  readonly #foreignExchanges = new BoundedSet<string>(maxForeignExchanges)
  readonly #unreadable = new BoundedSet<number>(maxUnreadable)
  readonly #waitingForUp = new Set<() => void>()
  #epoch: string | undefined
  #up = false
  #wasUp = false
  #present = false
  #downReason = 'it is not connected yet'
  #gapAhead: GapAhead | undefined
  /** The last offset that the tail read before retention overtook it. */
  #readUpTo: number | undefined
  /** Called with each message and its outcome here. Undefined while no operator follows. */
  watch: ((message: WindowEntry, outcome: MessageOutcome) => void) | undefined

  constructor(parts: JournalListenerParts) {
    this.#parts = parts
    this.#deduplicator = new Deduplicator(parts.journal.repeats)
  }

  /** The current epoch of the journal. Undefined until the first connection to the broker. */
  get epoch(): string | undefined {
    return this.#epoch
  }

  /** Whether the tail is current. */
  get up(): boolean {
    return this.#up
  }

  /** Whether the tail has been current at any time since the start. */
  get wasUp(): boolean {
    return this.#wasUp
  }

  /** Why the tail is not current; if it is current, the reason of the last outage. */
  get downReason(): string {
    return this.#downReason
  }

  async onEpoch(epoch: string): Promise<void> {
    const isReplaced = this.#epoch !== undefined && this.#epoch !== epoch
    if (isReplaced) {
      this.#gapAhead = 'JOURNAL_REPLACED'
      this.#parts.observer.log(
        'warn',
        'the journal was deleted and created again: every subscription receives a GAP event, and those of keyed state the whole state after it',
      )
    }
    this.#epoch = epoch
    this.#readUpTo = undefined
    this.#parts.hotWindow.clear()
    this.#deduplicator.clear()
    this.#parts.quarantine.clear()
    this.#parts.invalidEvents.clear()
    this.#unreadable.clear()
    // While this replica waited for its first connection, retention may have deleted marks, too.
    await this.#parts.onMarksLost()
  }

  onPresent(): void {
    this.#present = true
  }

  onTruncated(): Promise<void> {
    this.#gapAhead = 'RETENTION'
    this.#readUpTo = this.#parts.hotWindow.last?.offset ?? this.#readUpTo
    this.#parts.hotWindow.clear()
    return this.#parts.onMarksLost()
  }

  /** Messages of a source that lost marks announced were for no subscriber here. */
  onSourceFoundLate(): void {
    this.#gapAhead ??= 'SOURCE_FOUND_LATE'
  }

  onUp(): void {
    if (!this.#wasUp) this.#parts.observer.log('info', 'the journal is available and current')
    this.#up = true
    this.#wasUp = true
    this.#deduplicator.outageEnded()
    for (const resolve of this.#waitingForUp) resolve()
    this.#parts.onUp()
  }

  onDown(reason: string): void {
    this.#up = false
    this.#deduplicator.outageBegan()
    this.#downReason = reason
    this.#parts.onDown(reason)
  }

  onMessage(message: WindowEntry): void {
    const { hotWindow, sources, observer } = this.#parts
    if (this.#gapAhead) this.#publishGap(this.#gapAhead, message)
    hotWindow.add(message)
    this.#deduplicator.record(message)
    if (message.mark) {
      this.#onMark(message)
      return
    }
    // A starting replica reads part of the past into the window, and does not deliver it.
    if (!this.#present) return
    const label = sources.labelOf(message)
    if (label === undefined) this.#logForeign(message.exchange)
    observer.messageReceived(label ?? 'none')
    if (message.redelivered) observer.messageRedelivered()
    const outcome = this.#route(message)
    message.outcomes?.set(message.slot ?? 0, outcome)
    observer.messageRouted(outcome)
    this.watch?.(message, outcome)
  }

  /**
   * Received messages for which sources sought a client and found none, also those that typed
   * fields delivered.
   */
  get withoutClient(): number {
    return this.#withoutClient
  }

  onUnreadable(entries: readonly JournalMessage[]): void {
    const { hotWindow, hub, cursors } = this.#parts
    const [first] = entries
    const last = entries.at(-1)
    if (!first || !last) return
    if (this.#gapAhead) this.#publishGap(this.#gapAhead, first)
    for (const entry of entries) hotWindow.add(entry)
    for (const entry of entries) this.noteUnreadable(entry)
    if (this.#present) hub.broadcast(unreadableGap(cursors, this.#epoch ?? '', last))
  }

  /** Counts and logs an unreadable entry once, for the tail and all replays together. */
  noteUnreadable({ offset }: JournalMessage): void {
    if (this.#unreadable.has(offset)) return
    this.#unreadable.add(offset)
    this.#parts.observer.messageUnreadable()
    this.#parts.observer.log(
      'error',
      'RabbitMQ closes every consumer that reaches this message of the journal (541), so the gateway skipped it: every subscription receives a GAP event (UNREADABLE)',
      { offset },
    )
  }

  /**
   * Waits until the tail has been current once, at most for `timeoutMs`. Resolves with whether it
   * has been.
   */
  async firstUp(timeoutMs: number): Promise<boolean> {
    if (this.#up) return true
    let up: () => void = () => undefined
    const isUp = new Promise<void>((resolve) => {
      up = resolve
      this.#waitingForUp.add(up)
    })
    await within(timeoutMs, isUp)
    this.#waitingForUp.delete(up)
    return this.#wasUp
  }

  /**
   * The topics of an entry. None for a repeat and for poison. `from`: where the entry was read. An
   * entry of the hot window is asked for again, so its clients are cached.
   */
  recipientsOf(message: WindowEntry, from: 'tail' | 'window' | 'journal'): Recipients {
    const { quarantine, sources, events, invalidEvents } = this.#parts
    // A repeat stays in the journal, because a cursor may name it.
    if (this.#deduplicator.isRepeat(message.offset)) return noRecipients
    // Without this check each resume would decode the poison again, which may be expensive.
    if (quarantine.foundPoison(message.offset)) return noRecipients
    try {
      const clients = from === 'window' ? sources.knownAudienceOf(message) : sources.audienceOf(message)
      if (!events.hasExchange(message.exchange)) return { clients, eventKeys: [] }
      const { keys, reading, invalid, filtered } = events.match(
        message,
        () => printCursor(this.cursorOf(message)),
        from === 'tail',
      )
      if (invalid.length > 0) invalidEvents.put(message, invalid)
      const excluded = invalid.length > 0 ? 'invalid' : filtered ? 'filtered' : 'no_subscriber'
      return { clients, eventKeys: keys, reading, excluded }
    } catch (error) {
      quarantine.put(message, causeOf(error))
      return noRecipients
    }
  }

  /**
   * The event of an entry, which may share memory (`MessageEvent.keep`). Undefined if a channel
   * needs its body and the body cannot be decoded; the entry then goes to the quarantine.
   */
  eventOf(message: WindowEntry, { clients, reading }: Recipients): MessageEvent | undefined {
    const { cursors, limits, quarantine } = this.#parts
    try {
      if (clients.length > 0) decodeBody(message, limits.maxDecodedBytes)
      const event = new MessageEvent(cursors, this.#epoch ?? '', message)
      event.reading = reading
      return event
    } catch (error) {
      quarantine.put(message, causeOf(error))
      return undefined
    }
  }

  /** The cursor of an entry in this epoch. */
  cursorOf(entry: JournalMessage): Cursor {
    return cursorOf(this.#parts.cursors, this.#epoch ?? '', entry)
  }

  #route(message: WindowEntry): MessageOutcome {
    const { hub, quarantine } = this.#parts
    const recipients = this.recipientsOf(message, 'tail')
    this.#parts.onRouted?.(message, recipients.clients)
    if (recipients.clients.length === 0) this.#countWithoutClient(message)
    const reach = hub.reachOf(recipients)
    if (reach === 'none') {
      if (recipients.clients.length > 0 || recipients.eventKeys.length > 0) return 'no_subscriber'
      if (this.#deduplicator.isRepeat(message.offset)) return 'repeated'
      return quarantine.isPoison(message.offset) ? 'quarantined' : (recipients.excluded ?? 'unmatched')
    }
    const event = this.eventOf(message, recipients)
    if (!event) return 'quarantined'
    event.isForOne = reach === 'one'
    this.#publish(recipients, event)
    // Live subscriptions have received it. A replay, and a client that is slow, decode it again.
    forgetBody(message)
    // Another one, if the event was kept.
    forgetBody(event.message)
    event.reading = undefined
    return 'delivered'
  }

  #countWithoutClient(message: WindowEntry): void {
    const { quarantine, sources } = this.#parts
    if (this.#deduplicator.isRepeat(message.offset) || quarantine.isPoison(message.offset)) return
    if (sources.seeksClientFor(message)) this.#withoutClient += 1
  }

  #publish(recipients: Recipients, event: MessageEvent): void {
    const { hub, tracing } = this.#parts
    const span = event.traceparent === undefined ? undefined : tracing?.begin(event.message, event.traceparent)
    if (span) event.traceparent = span.traceparent
    hub.publish(recipients, event)
    span?.end()
  }

  /** Logs each exchange once. An operator may have created a source for an alternate exchange. */
  #logForeign(exchange: string): void {
    const { sources, events } = this.#parts
    if (this.#foreignExchanges.has(exchange) || !sources.isForeign(exchange) || events.hasExchange(exchange)) return
    this.#foreignExchanges.add(exchange)
    this.#parts.observer.log(
      'warn',
      `messages of exchange "${exchange}" come through another exchange (a binding, or its alternate exchange) and match no source: create a source for "${exchange}", or create the source of the other exchange with buffered: true`,
    )
  }

  #publishGap(cause: GapAhead, first: JournalMessage): void {
    this.#gapAhead = undefined
    if (cause === 'SOURCE_FOUND_LATE') {
      this.#parts.observer.log(
        'warn',
        'retention deleted the announcement of a source, and the registry answered late: messages of the source may not have been delivered, and subscriptions receive a GAP event',
      )
    }
    if (cause === 'RETENTION') {
      this.#parts.observer.log(
        'warn',
        'retention deleted messages that the tail had not read: subscriptions receive a GAP event, and those of keyed state what changed',
        { epoch: this.#epoch, after: this.#readUpTo, before: first.offset },
      )
    }
    // What follows is the past, which a starting replica does not deliver, and nothing before it is
    // missing to a subscription without a position.
    if (!this.#present) return
    const { hub, cursors } = this.#parts
    const cursor = cursorBefore(cursors, this.#epoch ?? '', first)
    const reason = cause === 'JOURNAL_REPLACED' ? cause : 'RETENTION'
    const gap: GapEvent = { kind: 'GAP', cursor, reason, oldest: cursor, receivedAt: Date.now() }
    hub.missed(gap)
  }

  #onMark(mark: JournalMessage): void {
    const note = noteOf(mark)
    if (note?.kind === 'poison') this.#parts.quarantine.onClaim(note)
    if (note?.kind === 'invalid') this.#parts.invalidEvents.onClaim(note)
    this.#parts.onMark(note)
    if (this.#present) this.#parts.checkpoints.onMark(() => this.cursorOf(mark))
  }
}
