import { GatewayError } from '../errors.ts'
import { Tracer } from './accounting/message-trace.ts'
import { ClientBans } from './clients/client-bans.ts'
import type { DeploymentKeys } from './clients/deployment-keys.ts'
import { latest } from './clients/latest-date.ts'
import { Revocations } from './clients/revocations.ts'
import { CatchUp } from './delivery/catch-up.ts'
import type { Replayer } from './delivery/channel-subscription.ts'
import { Checkpoints } from './delivery/checkpoints.ts'
import { Hub } from './delivery/hub.ts'
import { JournalListener } from './journal-listener.ts'
import { Throttle } from './limits/throttle.ts'
import type { Cursor, CursorCodec } from './model/cursor.ts'
import { errorText } from './model/error-text.ts'
import type { Identity } from './model/identity.ts'
import type { Publication } from './model/message.ts'
import { type Audience, reviveSource, type Source, type SourceDefinition, sourceId } from './model/source.ts'
import type { Tracing } from './model/trace-context.ts'
import type { Broker } from './ports/broker.ts'
import type { ClientRegistry } from './ports/client-registry.ts'
import type { ControlBus, ControlMessage } from './ports/control-bus.ts'
import type { HotWindow, WindowEntry } from './ports/hot-window.ts'
import type { Journal, MarkNote } from './ports/journal.ts'
import type { Observer } from './ports/observer.ts'
import { PublishGate } from './publishing/publish-gate.ts'
import { PublishRights } from './publishing/publish-rights.ts'
import { Quarantine } from './quarantine/quarantine.ts'
import type { Connections } from './sessions/connections.ts'
import type { Session } from './sessions/session.ts'
import { Sessions, type SessionsParts } from './sessions/sessions.ts'
import { isReservedExchange } from './sources/reserved-exchanges.ts'
import { SourceRouter } from './sources/source-router.ts'
import { SourceSync } from './sources/source-sync.ts'

export interface GatewayParts {
  /** Names this replica among others; has the name of its host. */
  readonly replica: string
  /** Names it to callers who need not know the host. Unset: `replica`. */
  readonly replicaAlias?: string
  readonly namespace: string
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly broker: Broker
  readonly control: ControlBus
  readonly registry: ClientRegistry
  readonly keys: DeploymentKeys
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Undefined: tracing is off. */
  readonly tracing?: Tracing | undefined
  /** Looked at each time, for they may change while the gateway runs. */
  readonly limits: SessionsParts['limits'] & {
    readonly publishTimeoutMs: number
    /** What a compressed body may grow to. */
    readonly maxDecodedBytes: number
    readonly publishExchanges: readonly string[]
  }
  /** Told of each change: whether the journal is there and current. */
  readonly onState: (state: { up: boolean; reason?: string }) => void
}

/** How long a position is waited for while the broker has never been there, in milliseconds. */
const positionTimeoutMs = 5_000
/** How often unsigned control messages may have the registry read, in milliseconds. */
const unsignedThrottleMs = 1_000

/**
 * Where the journal's tail, the sources, the hub and the sessions meet. Knows no transport and no
 * broker by name.
 */
export class Gateway {
  readonly hub = new Hub()
  readonly sources: SourceRouter
  readonly revocations: Revocations
  readonly bans: ClientBans
  readonly tracer: Tracer
  readonly #parts: GatewayParts
  readonly #catchUp: CatchUp
  readonly #sessions: Sessions
  readonly #publishGate: PublishGate
  readonly #publishRights: PublishRights
  readonly #quarantine: Quarantine
  readonly #listener: JournalListener
  readonly #checkpoints = new Checkpoints()
  readonly #sourceSync: SourceSync
  /**
   * Anybody who can publish to the control exchange can send an unsigned message: it ends nothing
   * and brings nothing.
   */
  readonly #unsignedThrottle = new Throttle(() => this.#readRegistry(), unsignedThrottleMs)

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.sources = new SourceRouter(parts.limits.maxDecodedBytes)
    this.#sourceSync = new SourceSync({
      sources: this.sources,
      registry: parts.registry,
      broker: parts.broker,
      control: parts.control,
      appendMark: (note) => this.#appendMark(note),
      isUp: () => this.#listener.up,
      logError: (what, error) => this.#logError(what, error),
    })
    this.tracer = new Tracer({
      replica: parts.replica,
      hotWindow: parts.hotWindow,
      sources: this.sources,
      control: parts.control,
      audienceOf: (message) => this.#audienceOrNone(message),
      isPoison: (offset) => this.#quarantine.isPoison(offset),
      maxDecodedBytes: parts.limits.maxDecodedBytes,
    })
    this.#quarantine = new Quarantine(parts.journal, parts.broker, parts.observer, `${parts.namespace}.quarantine`)
    this.#listener = new JournalListener({
      journal: parts.journal,
      hotWindow: parts.hotWindow,
      hub: this.hub,
      sources: this.sources,
      quarantine: this.#quarantine,
      checkpoints: this.#checkpoints,
      cursors: parts.cursors,
      observer: parts.observer,
      tracing: parts.tracing,
      limits: parts.limits,
      onUp: () => this.#onUp(),
      onDown: (reason) => parts.onState({ up: false, reason }),
      onMark: (note) => this.#onMark(note),
    })
    this.#catchUp = new CatchUp({
      journal: parts.journal,
      hotWindow: parts.hotWindow,
      hub: this.hub,
      checkpoints: this.#checkpoints,
      observer: parts.observer,
      cursors: parts.cursors,
      epoch: () => (this.#listener.up ? this.#listener.epoch : undefined),
      originOf: (channel) => this.#originOf(channel),
      audienceOf: (message, inWindow) => this.#listener.audienceOf(message, inWindow),
      eventOf: (message) => this.#listener.eventOf(message),
      onUnreadable: (entry) => this.#listener.noteUnreadable(entry),
    })
    this.#sessions = new Sessions({
      replayer: this.#catchUp,
      cursors: parts.cursors,
      observer: parts.observer,
      limits: parts.limits,
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
      unavailable: () => this.#unavailable(),
    })
    this.#publishRights = new PublishRights({
      isSource: (exchange) => this.sources.hasExchange(exchange),
      limits: parts.limits,
      catchUp: () => (this.#listener.up ? parts.journal.mark().catch(() => undefined) : Promise.resolve()),
    })
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions.all
  }

  get cursors(): CursorCodec {
    return this.#parts.cursors
  }

  get replica(): string {
    return this.#parts.replica
  }

  get replicaAlias(): string {
    return this.#parts.replicaAlias ?? this.#parts.replica
  }

  /**
   * Throws `UNAUTHENTICATED` where a revocation, a ban or a deletion bars the token that the
   * identity was read from.
   */
  checkNotBarred(identity: Identity): void {
    this.revocations.check(identity)
    this.bans.check(identity)
  }

  /**
   * Tokens of the client must be issued after this moment to be valid. Undefined: nothing bars
   * them.
   */
  barredUntil(clientId: string): Date | undefined {
    return latest(this.revocations.of(clientId), this.bans.deletionOf(clientId))
  }

  /** Serves what the registry knows and begins to tail; resolves before the broker is there. */
  async open(defaultSource: SourceDefinition): Promise<void> {
    const { registry, journal, control, keys } = this.#parts
    const { source } = await registry.addSource({
      ...defaultSource,
      id: sourceId(defaultSource),
      createdAt: new Date(),
      ownsExchange: true,
    })
    this.#publishGate.defaultSource = source
    for (const known of await registry.listSources()) this.#sourceSync.serve(known)
    await this.revocations.open()
    await this.bans.open()
    control.listen(
      (message) => void this.#onControl(message).catch((error: unknown) => this.#logError('a control message', error)),
      () => this.#resync(),
      () => this.#unsignedThrottle.call(),
    )
    // What was sent under another key was not taken by the replicas that have this one, and the
    // other way round.
    keys.onAdopted(() => this.#resync())
    journal.open(this.#listener)
  }

  /** Whether the journal is there and current, and the default source flows into it. */
  get up(): boolean {
    return this.#listener.up && this.#publishGate.isOpen
  }

  /**
   * What its bounded buffers hold now, in bytes; what waits for a client is counted by its session.
   */
  get held(): { readonly window: number; readonly publications: number } {
    const { hotWindow, broker } = this.#parts
    return { window: hotWindow.bytes, publications: this.#publishGate.waitingBytes + broker.unansweredBytes }
  }

  /** How many subscriptions are not live yet, or not any more: on their way through the journal. */
  get catchingUp(): number {
    return this.#catchUp.size
  }

  /** Sockets and sessions by who pays for them. */
  get connections(): Connections {
    return this.#sessions.connections
  }

  /** As `Sessions.open`. */
  openSession(options: Parameters<Sessions['open']>[0]): Session {
    return this.#sessions.open(options)
  }

  /** For a caller: also rejects with `UNAUTHENTICATED` or `FORBIDDEN`. */
  async publishAs(identity: Identity, publication: Publication, payer?: string): Promise<Cursor | null> {
    const { exchange = this.#defaultExchange, routingKey } = publication
    await this.#publishRights.check(identity, exchange, routingKey)
    return this.publish(publication, payer)
  }

  /**
   * Resolves when the message has come back from the journal, with its place there; with null once
   * the broker has confirmed what no source takes, or a buffered source holds. Rejects as
   * `Broker.publish` does. `payer`: as in `Publication`.
   */
  async publish(publication: Publication, payer?: string): Promise<Cursor | null> {
    const into = this.sources.destinationOf(publication.exchange ?? this.#defaultExchange, publication.routingKey)
    const entry = await this.#publishGate.publish({ ...publication, payer, into })
    return entry ? this.#listener.cursorOf(entry) : null
  }

  get #defaultExchange(): string {
    return `${this.#parts.namespace}.events`
  }

  /**
   * The position of now: behind everything that the broker had confirmed at the call. While the
   * broker is away, the last one known, which is older and so loses nothing; `BROKER_UNAVAILABLE`
   * where there never was one.
   */
  async position(): Promise<Cursor> {
    if (this.#listener.up) await this.#parts.journal.mark().catch(() => undefined)
    return this.#lastPosition()
  }

  /**
   * As `position`, but never an older one: rejects with `BROKER_UNAVAILABLE` while the journal is
   * away.
   */
  async exactPosition(): Promise<Cursor> {
    if (!this.#listener.up) await this.#listener.firstUp(positionTimeoutMs)
    if (!this.#listener.up) throw this.#unavailable()
    await this.#parts.journal.mark()
    return this.#lastPosition()
  }

  async #lastPosition(): Promise<Cursor> {
    if (!this.#parts.hotWindow.last) await this.#listener.firstUp(positionTimeoutMs)
    const { last } = this.#parts.hotWindow
    if (!last || this.#listener.epoch === undefined) {
      throw new GatewayError(
        'BROKER_UNAVAILABLE',
        'the journal cannot be reached yet, so there is no position to give; try again',
      )
    }
    return this.#listener.cursorOf(last)
  }

  /**
   * Makes a source that every replica serves from here on: none misses a message that is published
   * after this resolves.
   */
  async createSource(definition: SourceDefinition): Promise<Source> {
    const { exchange } = definition
    if (exchange.startsWith(`${this.#parts.namespace}.`) && isReservedExchange(exchange)) {
      throw new GatewayError('SOURCE_CONFLICT', `exchange "${exchange}" is the gateway's own: name another one`)
    }
    return this.#sourceSync.create(definition)
  }

  /** Whether there was one. */
  deleteSource(id: string): Promise<boolean> {
    return this.#sourceSync.delete(id)
  }

  /** A page of a channel's past: see `history.ts`. */
  get replayer(): Replayer {
    return this.#catchUp
  }

  /**
   * The oldest position from which a channel can still be read; null where the journal can't say.
   */
  oldest(channel: string): Promise<Cursor | null> {
    return this.#catchUp.oldestOf(channel)
  }

  /** Ends the subscriptions of a channel that is no more, here and on the other replicas. */
  async endChannel(clientId: string): Promise<void> {
    this.#sessions.endChannel(clientId)
    await this.#parts.control.send({ kind: 'client-deleted', clientId, by: this.replica }).catch(() => undefined)
  }

  /** As `Sessions.drain`; what else the gateway does goes on. */
  drain(overMs: number): Promise<void> {
    return this.#sessions.drain(overMs)
  }

  /**
   * Ends everything that listens; the journal, the broker and the registry are closed by whoever
   * opened them.
   */
  close(): void {
    this.#unsignedThrottle.close()
    this.revocations.close()
    this.bans.close()
    this.#quarantine.close()
    this.#catchUp.close()
    this.#sessions.close()
  }

  /** What the sources say, also of what is not delivered. */
  #audienceOrNone(message: WindowEntry): Audience {
    try {
      return this.sources.audienceOf(message)
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
    if (note?.kind === 'source-deleted') this.#sourceSync.onDeleted(note.id)
    if (this.#listener.up && !this.#publishGate.isOpen) void this.#openPublishGate()
  }

  async #onControl(message: ControlMessage): Promise<void> {
    switch (message.kind) {
      case 'sources-wanted':
      case 'source-known':
        await this.#sourceSync.onControl(message)
        return
      case 'client-deleted':
        // Its own would end what has been begun since.
        if (message.by !== this.replica) this.#sessions.endChannel(message.clientId)
        this.bans.refresh()
        return
      case 'client-barred':
        this.bans.refresh()
        return
      case 'client-revoked':
        await this.revocations.heard({ clientId: message.clientId, at: new Date(message.at) })
        return
      case 'trace-wanted':
      case 'trace-known':
        await this.tracer.onControl(message)
    }
  }

  #originOf(channel: string): Cursor | undefined {
    const origin = this.bans.originOf(channel)
    return origin && { ...origin, codec: this.#parts.cursors }
  }

  #resync(): void {
    this.revocations.refresh()
    this.bans.refresh()
    this.#sourceSync.resync().catch((error: unknown) => this.#logError('reading the registry again', error))
  }

  #readRegistry(): void {
    this.revocations.refresh()
    this.bans.refresh()
    this.#sourceSync.readRegistry().catch((error: unknown) => this.#logError('reading the registry again', error))
  }

  /**
   * Once the default source is bound, the gateway serves; what stands in the way of that is told to
   * probes, and tried again at each mark.
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

  /**
   * Resolves when it has been heard here, and so stands in the journal before whatever comes next.
   */
  async #appendMark(note: MarkNote): Promise<void> {
    try {
      await this.#parts.journal.mark(note)
    } catch (error) {
      throw this.#listener.up ? error : this.#unavailable(error)
    }
  }

  #unavailable(cause?: unknown): GatewayError {
    return new GatewayError('BROKER_UNAVAILABLE', `the journal cannot be reached: ${this.#listener.downReason}`, {
      cause,
    })
  }

  #logError(what: string, error: unknown): void {
    this.#parts.observer.log('warn', `${what} failed: ${errorText(error)}`)
  }
}
