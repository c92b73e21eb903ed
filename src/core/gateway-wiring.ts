import { GatewayError } from '../errors.ts'
import { Tracer } from './accounting/message-trace.ts'
import { BarredTokens } from './clients/barred-tokens.ts'
import { ControlListener } from './control-listener.ts'
import { Checkpoints } from './delivery/checkpoints.ts'
import { Hub } from './delivery/hub.ts'
import { CatchUp } from './delivery/replay/catch-up.ts'
import type { GatewayParts } from './gateway-parts.ts'
import { JournalEnd } from './journal-end.ts'
import { JournalListener } from './journal-listener.ts'
import { MessageReader } from './message-reader.ts'
import type { Cursor } from './model/cursor.ts'
import { errorText } from './model/error-text.ts'
import { reviveSource } from './model/source.ts'
import { noEvents } from './ports/event-matcher.ts'
import type { MarkNote } from './ports/journal.ts'
import type { Topic } from './ports/topic.ts'
import { EventCounter } from './positions/event-counter.ts'
import { Positions } from './positions/positions.ts'
import { PublishGate } from './publishing/publish-gate.ts'
import { PublishRights } from './publishing/publish-rights.ts'
import { InvalidEvents } from './quarantine/invalid-events.ts'
import { Quarantine } from './quarantine/quarantine.ts'
import { Readiness } from './readiness.ts'
import { Sessions } from './sessions/sessions.ts'
import { tracedSessions } from './sessions/traced-sessions.ts'
import { defaultExchangeOf } from './sources/default-source.ts'
import { LostMarks } from './sources/lost-marks.ts'
import { SourceRouter } from './sources/source-router.ts'
import { SourceSync } from './sources/source-sync.ts'
import { KeyedStates } from './state/keyed-states.ts'

const unavailable: ReadonlySet<string> = new Set(['BROKER_UNAVAILABLE', 'REGISTRY_UNAVAILABLE'])

/**
 * Makes what a gateway does its work with, and connects it: the journal's tail, the sources, the
 * hub and the sessions. Private to the gateway; transports do not use it.
 */
export class GatewayWiring {
  readonly hub = new Hub()
  readonly sources: SourceRouter
  readonly sourceSync: SourceSync
  readonly tracer: Tracer
  readonly listener: JournalListener
  readonly reader: MessageReader
  readonly end: JournalEnd
  readonly catchUp: CatchUp
  readonly positions: Positions
  readonly states: KeyedStates | undefined
  readonly sessions: Sessions
  readonly barredTokens: BarredTokens
  readonly publishGate: PublishGate
  readonly publishRights: PublishRights
  readonly readiness: Readiness
  readonly #parts: GatewayParts
  readonly #quarantine: Quarantine
  readonly #invalidEvents: InvalidEvents
  readonly #checkpoints = new Checkpoints()
  readonly #controlListener: ControlListener
  readonly #lostMarks = new LostMarks({
    readSources: () => this.sourceSync.resync(),
    onSourceFoundLate: () => this.listener.onSourceFoundLate(),
    logError: (what, error) => this.logError(what, error),
  })

  constructor(parts: GatewayParts) {
    this.#parts = parts
    const logError = (what: string, error: unknown): void => this.logError(what, error)
    this.sources = new SourceRouter(parts.limits.maxDecodedBytes)
    this.sourceSync = new SourceSync({
      defaultExchange: defaultExchangeOf(parts.namespace),
      sources: this.sources,
      registry: parts.registry,
      broker: parts.broker,
      control: parts.control,
      replica: parts.replica,
      appendMark: (note) => this.end.append(note),
      isUp: () => this.listener.up,
      logError,
    })
    this.tracer = new Tracer({
      replica: parts.replica,
      hotWindow: parts.hotWindow,
      sources: this.sources,
      control: parts.control,
      members: parts.cluster?.members,
      audienceOf: (message) => this.reader.audienceOf(message),
      fieldsOf: (message) => this.reader.explain(message),
      cursorOf: (message) => this.reader.cursorOf(message),
      sessionsOf: (message, audience) => tracedSessions(this.sessions.all, message, audience),
      isPoison: (offset) => this.#quarantine.isPoison(offset),
      isMisfit: (offset) => this.#invalidEvents.hasCopyOf(offset),
      maxDecodedBytes: parts.limits.maxDecodedBytes,
    })
    const { journal, broker, observer } = parts
    const quarantine = { journal, broker, observer, exchange: `${parts.namespace}.quarantine` }
    this.#quarantine = new Quarantine({ ...quarantine, kind: 'poison' })
    this.#invalidEvents = new InvalidEvents(quarantine)
    this.listener = new JournalListener({
      journal: parts.journal,
      hotWindow: parts.hotWindow,
      hub: this.hub,
      sources: this.sources,
      events: parts.events ?? noEvents,
      quarantine: this.#quarantine,
      invalidEvents: this.#invalidEvents,
      checkpoints: this.#checkpoints,
      cursors: parts.cursors,
      observer: parts.observer,
      tracing: parts.tracing,
      limits: parts.limits,
      onUp: () => this.#onUp(),
      onDown: (reason) => this.readiness.onJournalDown(reason),
      onMarksLost: () => this.#lostMarks.read(),
      onMark: (note) => this.#onMark(note),
      onRouted: parts.offline && ((message, clients) => parts.offline?.onMessage(this.reader.routed(message, clients))),
    })
    this.reader = new MessageReader({
      hotWindow: parts.hotWindow,
      sources: this.sources,
      events: parts.events,
      listener: this.listener,
    })
    this.end = new JournalEnd({ journal, hotWindow: parts.hotWindow, listener: this.listener })
    const epochWhileUp = () => (this.listener.up ? this.listener.epoch : undefined)
    this.catchUp = new CatchUp({
      journal: parts.journal,
      hotWindow: parts.hotWindow,
      hub: this.hub,
      checkpoints: this.#checkpoints,
      observer: parts.observer,
      cursors: parts.cursors,
      epoch: epochWhileUp,
      originOf: (topic) => this.#originOf(topic),
      recipientsOf: (message, from) => this.listener.recipientsOf(message, from),
      eventOf: (message, recipients) => this.listener.eventOf(message, recipients),
      onUnreadable: (entry) => this.listener.noteUnreadable(entry),
      rebase: (...parameters) => this.states?.replay.rebase(...parameters) ?? false,
      restart: (subscription) => this.states?.replay.restart(subscription) ?? false,
    })
    this.positions = new Positions({
      counter: new EventCounter({
        journal: parts.journal,
        hotWindow: parts.hotWindow,
        epoch: epochWhileUp,
        originOf: (topic) => this.#originOf(topic),
        audienceOf: (message, from) => this.reader.audienceOf(message, from),
        topicTest: (topic, identity) => (parts.events ?? noEvents).topicTest(topic, identity),
        cursorOf: (message) => this.reader.cursorOf(message),
      }),
      store: parts.positionStore,
      control: parts.control,
      replica: parts.replica,
      gathering: parts.cluster?.gathering,
      cursors: parts.cursors,
      ttlMs: () => parts.limits.positionTtlMs,
      liveEnd: () => this.end.known,
      position: () => this.end.position(),
      currentEpoch: () => this.end.epoch(),
      logError,
    })
    this.states =
      parts.states &&
      new KeyedStates({
        ...parts.states,
        journal: parts.journal,
        replica: parts.replica,
        observer: parts.observer,
        cursors: parts.cursors,
        replayer: this.catchUp,
        epoch: () => this.listener.epoch,
        isUp: () => this.listener.up,
        lastOffset: () => parts.hotWindow.last?.offset,
        cursorOf: (entry) => this.reader.cursorOf(entry),
        onInvalid: (entry, invalid) => this.#invalidEvents.put(entry, [invalid]),
      })
    this.sessions = new Sessions({
      socketRoom: parts.socketRoom,
      positions: this.positions,
      replayer: this.states?.replay ?? this.catchUp,
      cursors: parts.cursors,
      observer: parts.observer,
      limits: parts.limits,
      presence: parts.presence,
      check: (identity) => this.barredTokens.check(identity),
    })
    this.barredTokens = new BarredTokens({
      registry: parts.registry,
      control: parts.control,
      sessions: this.sessions.all,
      logError,
    })
    this.publishGate = new PublishGate({
      broker: parts.broker,
      limits: parts.limits,
      firstUp: async (timeoutMs) => this.listener.wasUp || this.listener.firstUp(timeoutMs),
      unavailable: () => this.end.unavailable(),
    })
    this.publishRights = new PublishRights({
      isSource: (exchange) => this.sources.hasExchange(exchange),
      limits: parts.limits,
      catchUp: () =>
        this.#catchUpWithSources().catch((error: unknown) => {
          const isKnown = error instanceof GatewayError && unavailable.has(error.code)
          throw isKnown ? error : this.end.unavailable(error)
        }),
    })
    this.readiness = new Readiness({
      isJournalUp: () => this.listener.up,
      publishGate: this.publishGate,
      onState: (state) => parts.onState(state),
    })
    this.#controlListener = new ControlListener({
      replica: parts.replica,
      cluster: parts.cluster,
      sourceSync: this.sourceSync,
      tracer: this.tracer,
      barredTokens: this.barredTokens,
      positions: this.positions,
      sessions: this.sessions,
      logError,
    })
  }

  /** Reads the registry, then begins to listen to other replicas and to tail the journal. */
  async open(): Promise<void> {
    const { control, keys, journal } = this.#parts
    await this.barredTokens.open()
    this.#controlListener.listen(control, keys)
    journal.open(this.listener)
    this.states?.open()
  }

  /** As `Gateway.close`. */
  close(): Promise<void> {
    this.#lostMarks.close()
    this.states?.stop()
    this.#controlListener.close()
    this.barredTokens.close()
    this.#quarantine.close()
    this.#invalidEvents.close()
    this.catchUp.close()
    this.sessions.close()
    return this.positions.close()
  }

  logError(what: string, error: unknown): void {
    this.#parts.observer.log('warn', `${what} failed: ${errorText(error)}`)
  }

  #onUp(): void {
    this.readiness.onJournalUp()
    this.sourceSync.syncRegistry()
    this.catchUp.onUp()
  }

  #onMark(note: MarkNote | undefined): void {
    if (note?.kind === 'source-created') this.sourceSync.onCreated(reviveSource(note.source))
    if (note?.kind === 'source-deleted') this.sourceSync.onDeleted(note.id, dateOf(note.createdAt))
    this.readiness.onMark()
  }

  #originOf(topic: Topic): Cursor | undefined {
    const origin = topic.kind === 'channel' ? this.barredTokens.bans.originOf(topic.clientId) : undefined
    return origin && { ...origin, codec: this.#parts.cursors }
  }

  /** Resolves when this replica knows every source that was created before the call. */
  async #catchUpWithSources(): Promise<void> {
    await this.end.catchUp(this.#parts.limits.publishTimeoutMs)
    this.#lostMarks.requireNone()
  }
}

/** Undefined if it is missing or invalid. */
function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
