import { GatewayError } from '../errors.ts'
import { Tracer } from './accounting/message-trace.ts'
import type { TracedField } from './accounting/replica-trace.ts'
import type { Tracing } from './accounting/trace-context.ts'
import { ClientBans } from './clients/client-bans.ts'
import type { DeploymentKeys } from './clients/deployment-keys.ts'
import { latest } from './clients/latest-date.ts'
import { Revocations } from './clients/revocations.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { Replayer } from './delivery/channel-subscription.ts'
import { Checkpoints } from './delivery/checkpoints.ts'
import { Hub } from './delivery/hub.ts'
import { CatchUp } from './delivery/replay/catch-up.ts'
import { JournalEnd } from './journal-end.ts'
import { JournalListener } from './journal-listener.ts'
import { Throttle } from './limits/throttle.ts'
import { type Cursor, type CursorCodec, printCursor } from './model/cursor.ts'
import { errorText } from './model/error-text.ts'
import type { Identity } from './model/identity.ts'
import type { JournalMessage, Publication } from './model/message.ts'
import { type Audience, reviveSource, type Source, type SourceDefinition, sourceId } from './model/source.ts'
import type { OfflineHook, RoutedMessage, VisitRecent } from './offline/offline-hook.ts'
import type { Broker } from './ports/broker.ts'
import type { ClientRegistry } from './ports/client-registry.ts'
import type { ControlBus, ControlMessage } from './ports/control-bus.ts'
import { type EventMatcher, noEvents } from './ports/event-matcher.ts'
import type { HotWindow, WindowEntry } from './ports/hot-window.ts'
import type { Journal, MarkNote } from './ports/journal.ts'
import type { Observer } from './ports/observer.ts'
import type { Recipients, Topic } from './ports/topic.ts'
import { EventCounter } from './positions/event-counter.ts'
import type { PositionStore } from './positions/position-store.ts'
import { Positions } from './positions/positions.ts'
import { PublishGate } from './publishing/publish-gate.ts'
import { PublishRights } from './publishing/publish-rights.ts'
import { InvalidEvents } from './quarantine/invalid-events.ts'
import { Quarantine } from './quarantine/quarantine.ts'
import type { Connections } from './sessions/connections.ts'
import type { EndedSessions } from './sessions/ended-sessions.ts'
import type { Session } from './sessions/session.ts'
import { type ClientPresence, Sessions, type SessionsParts } from './sessions/sessions.ts'
import { tracedSessions } from './sessions/traced-sessions.ts'
import { defaultExchangeOf, servedForm } from './sources/default-source.ts'
import { LostMarks } from './sources/lost-marks.ts'
import { isReservedExchange } from './sources/reserved-exchanges.ts'
import { SourceRouter } from './sources/source-router.ts'
import { SourceSync } from './sources/source-sync.ts'
import { KeyedStates } from './state/keyed-states.ts'
import type { StateDefinition } from './state/state-definition.ts'
import type { StateLimits } from './state/state-folder.ts'
import type { StateStore } from './state/state-store.ts'

export interface GatewayParts {
  /** The id of this replica, unique in the deployment. Contains the host name. */
  readonly replica: string
  /** The id for callers who should not learn the host name. Undefined: `replica`. */
  readonly replicaAlias?: string
  /** Begins the names of all exchanges and queues of this deployment. */
  readonly namespace: string
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly broker: Broker
  readonly control: ControlBus
  /** Receives the control messages about replicas and presence. Default: they are ignored. */
  readonly cluster?: Pick<Cluster, 'onControl' | 'onResync' | 'members' | 'gathering'>
  /** Receives which clients have sessions. Default: nothing does. */
  readonly presence?: ClientPresence | undefined
  /** Receives each live message and its clients. Default: nothing does. */
  readonly offline?: Pick<OfflineHook, 'onMessage'> | undefined
  /** Default: no typed events. */
  readonly events?: EventMatcher
  /** Keyed state of typed fields. Undefined: no field has any. */
  readonly states?:
    | {
        readonly store: StateStore
        readonly definitions: () => readonly StateDefinition[]
        /** Read at each use. */
        readonly limits: StateLimits
        readonly pageEvents?: number
      }
    | undefined
  readonly registry: ClientRegistry
  readonly positionStore: PositionStore
  readonly keys: DeploymentKeys
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Undefined: tracing is off. */
  readonly tracing?: Tracing | undefined
  /** Read at each use, because it may change while the gateway runs. */
  readonly limits: SessionsParts['limits'] & {
    /** How long a publication may wait for the first connection to the journal. */
    readonly publishTimeoutMs: number
    /** `WARREN_POSITION_TTL`. */
    readonly positionTtlMs: number
    /** The most that a compressed body may grow to, in bytes. */
    readonly maxDecodedBytes: number
    /** `WARREN_PUBLISH_EXCHANGES`: topic patterns, or `sources`. */
    readonly publishExchanges: readonly string[]
  }
  /** Default: any number of sockets. */
  readonly socketRoom?: SessionsParts['socketRoom']
  /**
   * Called at each change. `up`: the journal is current and the default source is bound. `reason`:
   * why it is not up.
   */
  readonly onState: (state: { up: boolean; reason?: string }) => void
}

/**
 * The shortest time between two reads of the registry that unsigned control messages cause, in ms.
 */
const unsignedThrottleMs = 1_000
const unavailable: ReadonlySet<string> = new Set(['BROKER_UNAVAILABLE', 'REGISTRY_UNAVAILABLE'])

/**
 * Connects the journal's tail, the sources, the hub and the sessions. It is the interface for
 * transports, and knows no transport and no broker.
 */
export class Gateway {
  /** The subscribers on this replica. Transports read counts from it and do not change it. */
  readonly hub = new Hub()
  /** The sources that this replica serves. Change them with `createSource` and `deleteSource`. */
  readonly sources: SourceRouter
  readonly revocations: Revocations
  readonly bans: ClientBans
  readonly positions: Positions
  /** Answers where a message went, on all replicas. */
  readonly tracer: Tracer
  readonly #parts: GatewayParts
  readonly #catchUp: CatchUp
  readonly #states: KeyedStates | undefined
  readonly #sessions: Sessions
  readonly #publishGate: PublishGate
  readonly #publishRights: PublishRights
  readonly #quarantine: Quarantine
  readonly #invalidEvents: InvalidEvents
  readonly #listener: JournalListener
  readonly #checkpoints = new Checkpoints()
  readonly #sourceSync: SourceSync
  readonly #end: JournalEnd
  readonly #lostMarks = new LostMarks({
    readSources: () => this.#sourceSync.resync(),
    onSourceFoundLate: () => this.#listener.onSourceFoundLate(),
    logError: (what, error) => this.#logError(what, error),
  })
  /**
   * Everyone who can publish to the control exchange can send an unsigned message. It only causes a
   * read of the registry, at a bounded rate.
   */
  readonly #unsignedThrottle = new Throttle(() => this.#readRegistry(), unsignedThrottleMs)

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.sources = new SourceRouter(parts.limits.maxDecodedBytes)
    this.#sourceSync = new SourceSync({
      defaultExchange: this.#defaultExchange,
      sources: this.sources,
      registry: parts.registry,
      broker: parts.broker,
      control: parts.control,
      replica: parts.replica,
      appendMark: (note) => this.#end.append(note),
      isUp: () => this.#listener.up,
      logError: (what, error) => this.#logError(what, error),
    })
    this.tracer = new Tracer({
      replica: parts.replica,
      hotWindow: parts.hotWindow,
      sources: this.sources,
      control: parts.control,
      members: parts.cluster?.members,
      audienceOf: (message) => this.audienceOf(message),
      fieldsOf: (message) => this.explain(message),
      cursorOf: (message) => printCursor(this.#listener.cursorOf(message)),
      sessionsOf: (message, audience) => tracedSessions(this.#sessions.all, message, audience),
      isPoison: (offset) => this.#quarantine.isPoison(offset),
      isMisfit: (offset) => this.#invalidEvents.hasCopyOf(offset),
      maxDecodedBytes: parts.limits.maxDecodedBytes,
    })
    const { journal, broker, observer } = parts
    const quarantine = { journal, broker, observer, exchange: `${parts.namespace}.quarantine` }
    this.#quarantine = new Quarantine({ ...quarantine, kind: 'poison' })
    this.#invalidEvents = new InvalidEvents(quarantine)
    this.#listener = new JournalListener({
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
      onDown: (reason) => parts.onState({ up: false, reason }),
      onMarksLost: () => this.#lostMarks.read(),
      onMark: (note) => this.#onMark(note),
      onRouted: parts.offline && ((message, clients) => parts.offline?.onMessage(this.#routed(message, clients))),
    })
    this.#end = new JournalEnd({ journal, hotWindow: parts.hotWindow, listener: this.#listener })
    const epochWhileUp = () => (this.#listener.up ? this.#listener.epoch : undefined)
    this.#catchUp = new CatchUp({
      journal: parts.journal,
      hotWindow: parts.hotWindow,
      hub: this.hub,
      checkpoints: this.#checkpoints,
      observer: parts.observer,
      cursors: parts.cursors,
      epoch: epochWhileUp,
      originOf: (topic) => this.#originOf(topic),
      recipientsOf: (message, from) => this.#listener.recipientsOf(message, from),
      eventOf: (message, recipients) => this.#listener.eventOf(message, recipients),
      onUnreadable: (entry) => this.#listener.noteUnreadable(entry),
      rebase: (...parameters) => this.#states?.replay.rebase(...parameters) ?? false,
      restart: (subscription) => this.#states?.replay.restart(subscription) ?? false,
    })
    this.positions = new Positions({
      counter: new EventCounter({
        journal: parts.journal,
        hotWindow: parts.hotWindow,
        epoch: epochWhileUp,
        originOf: (topic) => this.#originOf(topic),
        audienceOf: (message, from) => this.audienceOf(message, from),
        topicTest: (topic, identity) => (parts.events ?? noEvents).topicTest(topic, identity),
        cursorOf: (message) => printCursor(this.#listener.cursorOf(message)),
      }),
      store: parts.positionStore,
      control: parts.control,
      replica: parts.replica,
      gathering: parts.cluster?.gathering,
      cursors: parts.cursors,
      ttlMs: () => parts.limits.positionTtlMs,
      liveEnd: () => this.#end.known,
      position: () => this.position(),
      currentEpoch: () => this.#end.epoch(),
      logError: (what, error) => this.#logError(what, error),
    })
    this.#states =
      parts.states &&
      new KeyedStates({
        ...parts.states,
        journal: parts.journal,
        replica: parts.replica,
        observer: parts.observer,
        cursors: parts.cursors,
        replayer: this.#catchUp,
        epoch: () => this.#listener.epoch,
        isUp: () => this.#listener.up,
        lastOffset: () => parts.hotWindow.last?.offset,
        cursorOf: (entry) => printCursor(this.#listener.cursorOf(entry)),
        onInvalid: (entry, invalid) => this.#invalidEvents.put(entry, [invalid]),
      })
    this.#sessions = new Sessions({
      socketRoom: parts.socketRoom,
      positions: this.positions,
      replayer: this.#states?.replay ?? this.#catchUp,
      cursors: parts.cursors,
      observer: parts.observer,
      limits: parts.limits,
      presence: parts.presence,
      check: (identity) => this.checkNotBarred(identity),
    })
    this.bans = new ClientBans({
      registry: parts.registry,
      control: parts.control,
      sessions: this.#sessions.all,
      barredUntil: (clientId) => this.barredUntil(clientId),
      logError: (error) => this.#logError('reading bans and deletions', error),
    })
    this.revocations = new Revocations({
      registry: parts.registry,
      control: parts.control,
      sessions: this.#sessions.all,
      barredUntil: (clientId) => this.barredUntil(clientId),
      logError: (error) => this.#logError('reading revocations', error),
    })
    this.#publishGate = new PublishGate({
      broker: parts.broker,
      limits: parts.limits,
      firstUp: async (timeoutMs) => this.#listener.wasUp || this.#listener.firstUp(timeoutMs),
      unavailable: () => this.#end.unavailable(),
    })
    this.#publishRights = new PublishRights({
      isSource: (exchange) => this.sources.hasExchange(exchange),
      limits: parts.limits,
      catchUp: () =>
        this.#catchUpWithSources().catch((error: unknown) => {
          const isKnown = error instanceof GatewayError && unavailable.has(error.code)
          throw isKnown ? error : this.#end.unavailable(error)
        }),
    })
  }

  /** As `JournalListener.withoutClient`. */
  get withoutClient(): number {
    return this.#listener.withoutClient
  }

  /** The last sessions of this replica that were cut off, or dropped events. */
  get endedSessions(): EndedSessions {
    return this.#sessions.ended
  }

  /** All open sessions of this replica, over all transports. */
  get sessions(): ReadonlySet<Session> {
    return this.#sessions.all
  }

  /** Prints and parses cursors of this deployment. */
  get cursors(): CursorCodec {
    return this.#parts.cursors
  }

  /** As `GatewayParts.replica`: contains the host name, so it is for operators only. */
  get replica(): string {
    return this.#parts.replica
  }

  /** The id of this replica for every other caller. */
  get replicaAlias(): string {
    return this.#parts.replicaAlias ?? this.#parts.replica
  }

  /**
   * Throws `UNAUTHENTICATED` if a revocation, a ban or a deletion makes the identity's token
   * invalid. Called when a token is authenticated and when a session opens.
   */
  checkNotBarred(identity: Identity): void {
    // First, because a banned client is refused whatever its token.
    this.bans.check(identity)
    this.revocations.check(identity)
  }

  /**
   * Tokens of the client that were issued at this moment or before are invalid. Undefined: no
   * revocation and no deletion is known. The token issuer dates new tokens after it.
   */
  barredUntil(clientId: string): Date | undefined {
    return latest(this.revocations.of(clientId), this.bans.deletionOf(clientId))
  }

  /**
   * Serves the sources of the registry and starts to tail the journal. The application calls it
   * once. Resolves before the broker is available; `onState` reports when it is. Rejects if the
   * registry cannot be read. `defaultSource` and the sources of the schema are added to the
   * registry if they are missing.
   */
  async open(defaultSource: SourceDefinition, schemaSources: readonly Source[] = []): Promise<void> {
    const { registry, journal, control, keys } = this.#parts
    const { source } = await registry.addSource({
      ...defaultSource,
      id: sourceId(defaultSource),
      createdAt: new Date(),
      ownsExchange: true,
    })
    this.#publishGate.defaultSource = servedForm(source, this.#defaultExchange)
    for (const known of await registry.listSources()) this.#sourceSync.serve(known)
    await this.#sourceSync.serveSchema(schemaSources)
    await this.revocations.open()
    await this.bans.open()
    control.listen(
      (message) =>
        void this.#onControl(message).catch((error: unknown) => this.#logError('handling a control message', error)),
      () => this.#resync(),
      () => this.#unsignedThrottle.call(),
    )
    // Replicas with another key ignored this replica's control messages, and it ignored theirs.
    keys.onAdopted(() => this.#resync())
    journal.open(this.#listener)
    this.#states?.open()
  }

  /** Whether the journal is current and the default source is bound. */
  get up(): boolean {
    return this.#listener.up && this.#publishGate.isOpen
  }

  /**
   * What the bounded buffers hold now, in bytes: the hot window, and publications without an
   * answer. Each session counts what waits for its client.
   */
  get bufferedBytes(): { readonly window: number; readonly publications: number } {
    const { hotWindow, broker } = this.#parts
    return { window: hotWindow.bytes, publications: this.#publishGate.waitingBytes + broker.unansweredBytes }
  }

  /** Why the journal is not current; if it is, the reason of the last outage. */
  get downReason(): string {
    return this.#listener.downReason
  }

  /** As in `Sessions`. */
  get draining(): boolean {
    return this.#sessions.draining
  }

  /** As in `Sessions`. */
  get endsAll(): boolean {
    return this.#sessions.endsAll
  }

  /** As in `Sessions`. */
  get leaving(): number {
    return this.#sessions.leaving
  }

  /** The current epoch of the journal. Undefined until the first connection to the broker. */
  get epoch(): string | undefined {
    return this.#listener.epoch
  }

  /** How many subscriptions are not live, because they are reading the journal. */
  get catchingUp(): number {
    return this.#catchUp.size
  }

  /** As in `CatchUp`. */
  get notLive(): CatchUp['notLive'] {
    return this.#catchUp.notLive
  }

  /** The topics that a message is for. */
  recipientsOf(message: WindowEntry): Recipients {
    return this.#listener.recipientsOf(message, 'journal')
  }

  /** Counts sockets and sessions by payer: client or address. */
  get connections(): Connections {
    return this.#sessions.connections
  }

  /** As `Sessions.open`: throws `LIMIT_EXCEEDED`, `UNAUTHENTICATED` or `DRAINING`. */
  openSession(options: Parameters<Sessions['open']>[0]): Session {
    return this.#sessions.open(options)
  }

  /**
   * As `publish`, for a caller. Also rejects with `UNAUTHENTICATED` or `FORBIDDEN` if the identity
   * may not publish to the exchange with this routing key. While the journal is away, an exchange
   * that is no known source waits as publications do: it may be a source by now.
   */
  async publishAs(identity: Identity, publication: Publication, payer?: string): Promise<JournalMessage | undefined> {
    const { exchange = this.#defaultExchange, routingKey } = publication
    const wait = this.#publishRights.check(identity, exchange, routingKey)
    if (wait) await this.#publishGate.hold({ body: publication.body, payer }, wait)
    return this.publish(publication, payer)
  }

  /**
   * Publishes a message. Resolves with its entry when the tail has read it back from the journal.
   * Resolves with undefined when the broker has confirmed it, if no source takes it or if the queue
   * of a buffered source still holds it. Rejects with `BROKER_UNAVAILABLE`, `BAD_USER_INPUT` or
   * `PAYLOAD_TOO_LARGE`: see `Broker.publish`. `payer`: as in `Publication`; undefined for the
   * gateway itself.
   */
  publish(publication: Publication, payer?: string): Promise<JournalMessage | undefined> {
    const { exchange, routingKey, body, properties } = publication
    const into = this.sources.destinationOf(exchange ?? this.#defaultExchange, routingKey)
    // No spread, because it makes a hidden class for each object that it makes.
    return this.#publishGate.publish({ exchange, routingKey, body, properties, payer, into })
  }

  /** The cursor after which this entry is not delivered again. Computes a checksum of its body. */
  cursorOf(entry: JournalMessage): Cursor {
    return this.#listener.cursorOf(entry)
  }

  get #defaultExchange(): string {
    return defaultExchangeOf(this.#parts.namespace)
  }

  /**
   * The current position: after everything that the broker had confirmed at the call. While the
   * broker is away, it is the last known position, so a client that resumes there loses nothing.
   * Rejects with `BROKER_UNAVAILABLE` if the journal has not been reached since the start.
   */
  position(): Promise<Cursor> {
    return this.#end.position()
  }

  /**
   * As `position`, but never an older one. Rejects with `BROKER_UNAVAILABLE` while the journal is
   * away.
   */
  exactPosition(): Promise<Cursor> {
    return this.#end.exactPosition()
  }

  /**
   * Creates a source on every replica. No replica misses a message published after this resolves.
   * Returns the existing source if there is one with the same definition. Rejects with
   * `BAD_USER_INPUT` for an invalid definition, `SOURCE_CONFLICT`, or `BROKER_UNAVAILABLE`.
   */
  async createSource(definition: SourceDefinition): Promise<Source> {
    const { exchange } = definition
    if (exchange.startsWith(`${this.#parts.namespace}.`) && isReservedExchange(exchange)) {
      throw new GatewayError(
        'SOURCE_CONFLICT',
        `exchange "${exchange}" is reserved for the gateway: name another exchange`,
      )
    }
    return this.#sourceSync.create(definition)
  }

  /**
   * Deletes a source on every replica. Resolves with false if there is no such source. The exchange
   * and its messages in the journal stay. Rejects with `BROKER_UNAVAILABLE`.
   */
  deleteSource(id: string): Promise<boolean> {
    return this.#sourceSync.delete(id)
  }

  /**
   * Moves subscriptions through the journal. `readHistory` uses it for pages of a channel's past.
   */
  get replayer(): Replayer {
    return this.#catchUp
  }

  /**
   * The oldest position from which the topic can be read. Null if the journal cannot be read now.
   */
  oldest(topic: Topic): Promise<Cursor | null> {
    return this.#catchUp.oldestOf(topic)
  }

  /**
   * Ends the subscriptions of a deleted channel, on this replica and, best effort, on the others.
   * `deletedAt`: when the deletion began. Subscriptions that began later stay.
   */
  async endChannel(clientId: string, deletedAt = new Date()): Promise<void> {
    this.#sessions.endChannel(clientId, deletedAt.getTime())
    const message = { kind: 'client-deleted', clientId, by: this.replica, at: deletedAt.toISOString() } as const
    await this.#parts.control.send(message).catch(() => undefined)
    await this.positions
      .removeAllOf(clientId)
      .catch((error: unknown) => this.#logError('removing the positions of a deleted client', error))
  }

  /**
   * The schema was replaced: binds what its fields need, then moves their subscriptions to it.
   * `overMs`: see `Sessions.reloadEvents`.
   */
  async reloadEvents(schemaSources: readonly Source[], overMs: number): Promise<void> {
    await this.#sourceSync.serveSchema(schemaSources)
    await this.#sessions.reloadEvents(overMs)
  }

  /** As `Sessions.drain`. The gateway otherwise continues to work. */
  drain(overMs: number): Promise<void> {
    return this.#sessions.drain(overMs)
  }

  /** As `Sessions.drainClients`. */
  drainClients(overMs: number): Promise<void> {
    return this.#sessions.drainClients(overMs)
  }

  /** As `Sessions.undrain`. */
  undrain(): void {
    this.#sessions.undrain()
  }

  /**
   * Ends all sessions and stops all timers. Resolves when acks are stored. The journal, the broker,
   * the control bus and the registry are closed by the code that opened them.
   */
  close(): Promise<void> {
    this.#lostMarks.close()
    this.#states?.stop()
    this.#unsignedThrottle.close()
    this.revocations.close()
    this.bans.close()
    this.#quarantine.close()
    this.#invalidEvents.close()
    this.#catchUp.close()
    this.#sessions.close()
    return this.positions.close()
  }

  /** Undefined: no field has keyed state. */
  get states(): KeyedStates | undefined {
    return this.#states
  }

  /** The callback receives each live message and its outcome here; it must not throw. */
  watchTail(watch: JournalListener['watch']): void {
    this.#listener.watch = watch
  }

  /** See `OfflineHook`: the messages of the hot window after an offset, and their clients. */
  readonly visitRecent: VisitRecent = (offset, visit) => {
    this.#parts.hotWindow.visit(offset, (message) => {
      if (message.mark || message.unreadable) return true
      return visit(this.#routed(message, this.#listener.recipientsOf(message, 'window').clients))
    })
  }

  #routed(message: WindowEntry, clients: Audience): RoutedMessage {
    return {
      offset: message.offset,
      at: message.receivedAt,
      clients,
      describe: () => ({
        cursor: printCursor(this.#listener.cursorOf(message)),
        after: printCursor({ ...this.#listener.cursorOf(message), before: true }),
        source: this.sources.matchingIds(message)[0] ?? '',
        exchange: message.exchange,
      }),
    }
  }

  /** What each typed field makes of a message. Empty without a schema. */
  explain(message: WindowEntry): readonly TracedField[] {
    const { events } = this.#parts
    return events?.explain(message, () => printCursor(this.#listener.cursorOf(message))) ?? []
  }

  /**
   * What the sources find for a message, even if the message is not delivered. Empty if its body
   * cannot be decoded. Cached for an entry of the window.
   */
  audienceOf(message: WindowEntry, from: 'window' | 'journal' = 'journal'): Audience {
    try {
      return from === 'window' ? this.sources.knownAudienceOf(message) : this.sources.audienceOf(message)
    } catch {
      return []
    }
  }

  #onUp(): void {
    if (this.#publishGate.isOpen) this.#parts.onState({ up: true })
    else void this.#openPublishGate()
    this.#sourceSync.syncRegistry()
    this.#catchUp.onUp()
  }

  #onMark(note: MarkNote | undefined): void {
    if (note?.kind === 'source-created') this.#sourceSync.onCreated(reviveSource(note.source))
    if (note?.kind === 'source-deleted') this.#sourceSync.onDeleted(note.id, dateOf(note.createdAt))
    if (this.#listener.up && !this.#publishGate.isOpen) void this.#openPublishGate()
  }

  async #onControl(message: ControlMessage): Promise<void> {
    switch (message.kind) {
      case 'sources-wanted':
      case 'source-known':
        if (message.replica === undefined) this.tracer.onOlderReplica()
        await this.#sourceSync.onControl(message)
        return
      case 'client-deleted':
        // This replica has ended its own already. Replicas up to 0.1 send no time.
        if (message.by !== this.replica)
          this.#sessions.endChannel(message.clientId, message.at === undefined ? Date.now() : Date.parse(message.at))
        this.bans.refresh()
        return
      case 'client-barred':
        this.bans.refresh()
        return
      case 'client-revoked':
        await this.revocations.applyRemote({ clientId: message.clientId, at: new Date(message.at) })
        return
      case 'position-taken':
      case 'position-returned':
      case 'position-deleted':
        this.positions.onControl(message)
        return
      case 'trace-wanted':
      case 'trace-known':
        await this.tracer.onControl(message)
        return
      default:
        await this.#parts.cluster?.onControl(message)
    }
  }

  #originOf(topic: Topic): Cursor | undefined {
    const origin = topic.kind === 'channel' ? this.bans.originOf(topic.clientId) : undefined
    return origin && { ...origin, codec: this.#parts.cursors }
  }

  #resync(): void {
    this.#parts.cluster?.onResync()
    this.tracer.onResync()
    this.positions.onResync()
    this.revocations.refresh()
    this.bans.refresh()
    this.#sourceSync.resync().catch((error: unknown) => this.#logError('reading the registry again', error))
  }

  /** Resolves when this replica knows every source that was created before the call. */
  async #catchUpWithSources(): Promise<void> {
    await this.#end.catchUp(this.#parts.limits.publishTimeoutMs)
    this.#lostMarks.requireNone()
  }

  #readRegistry(): void {
    this.revocations.refresh()
    this.bans.refresh()
    this.#sourceSync.readRegistry().catch((error: unknown) => this.#logError('reading the registry again', error))
  }

  /**
   * Opens the publish gate by binding the default source. A failure is reported through `onState`,
   * and each mark tries again.
   */
  async #openPublishGate(): Promise<void> {
    try {
      await this.#publishGate.open()
      if (this.#listener.up) this.#parts.onState({ up: true })
    } catch (error) {
      const reason = errorText(error)
      if (!this.#listener.up) return
      this.#parts.onState({ up: false, reason })
    }
  }

  #logError(what: string, error: unknown): void {
    this.#parts.observer.log('warn', `${what} failed: ${errorText(error)}`)
  }
}

/** Undefined if it is missing or invalid. */
function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
