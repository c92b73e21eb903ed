import { GatewayError } from '../errors.ts'
import type { Tracer } from './accounting/message-trace.ts'
import type { TracedField } from './accounting/replica-trace.ts'
import type { ClientBans } from './clients/client-bans.ts'
import type { Revocations } from './clients/revocations.ts'
import type { Replayer } from './delivery/channel-subscription.ts'
import type { Hub } from './delivery/hub.ts'
import type { CatchUp } from './delivery/replay/catch-up.ts'
import type { GatewayParts } from './gateway-parts.ts'
import { GatewayWiring } from './gateway-wiring.ts'
import type { JournalEnd } from './journal-end.ts'
import type { JournalListener } from './journal-listener.ts'
import type { MessageReader } from './message-reader.ts'
import type { Cursor, CursorCodec } from './model/cursor.ts'
import type { Identity } from './model/identity.ts'
import type { JournalMessage, Publication } from './model/message.ts'
import { type Audience, type Source, type SourceDefinition, sourceId } from './model/source.ts'
import type { VisitRecent } from './offline/offline-hook.ts'
import type { WindowEntry } from './ports/hot-window.ts'
import type { Recipients, Topic } from './ports/topic.ts'
import type { Positions } from './positions/positions.ts'
import type { PublishGate } from './publishing/publish-gate.ts'
import type { Connections } from './sessions/connections.ts'
import type { EndedSessions } from './sessions/ended-sessions.ts'
import type { Session } from './sessions/session.ts'
import type { Sessions } from './sessions/sessions.ts'
import { defaultExchangeOf, servedForm } from './sources/default-source.ts'
import { isReservedExchange } from './sources/reserved-exchanges.ts'
import type { SourceRouter } from './sources/source-router.ts'
import type { SourceSync } from './sources/source-sync.ts'
import type { KeyedStates } from './state/keyed-states.ts'

/** The interface for transports. It knows no transport and no broker. */
export class Gateway {
  /** The subscribers on this replica. Transports read counts from it and do not change it. */
  readonly hub: Hub
  /** The sources that this replica serves. Change them with `createSource` and `deleteSource`. */
  readonly sources: SourceRouter
  readonly revocations: Revocations
  readonly bans: ClientBans
  readonly positions: Positions
  /** Answers where a message went, on all replicas. */
  readonly tracer: Tracer
  /** Undefined: no field has keyed state. */
  readonly states: KeyedStates | undefined
  readonly #parts: GatewayParts
  readonly #wiring: GatewayWiring
  readonly #listener: JournalListener
  readonly #reader: MessageReader
  readonly #end: JournalEnd
  readonly #catchUp: CatchUp
  readonly #sessions: Sessions
  readonly #sourceSync: SourceSync
  readonly #publishGate: PublishGate
  readonly #defaultExchange: string

  constructor(parts: GatewayParts) {
    const wiring = new GatewayWiring(parts)
    this.#parts = parts
    this.#defaultExchange = defaultExchangeOf(parts.namespace)
    this.#wiring = wiring
    this.hub = wiring.hub
    this.sources = wiring.sources
    this.revocations = wiring.barredTokens.revocations
    this.bans = wiring.barredTokens.bans
    this.positions = wiring.positions
    this.tracer = wiring.tracer
    this.states = wiring.states
    this.#listener = wiring.listener
    this.#reader = wiring.reader
    this.#end = wiring.end
    this.#catchUp = wiring.catchUp
    this.#sessions = wiring.sessions
    this.#sourceSync = wiring.sourceSync
    this.#publishGate = wiring.publishGate
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
    this.#wiring.barredTokens.check(identity)
  }

  /**
   * Tokens of the client that were issued at this moment or before are invalid. Undefined: no
   * revocation and no deletion is known. The token issuer dates new tokens after it.
   */
  barredUntil(clientId: string): Date | undefined {
    return this.#wiring.barredTokens.until(clientId)
  }

  /**
   * Serves the sources of the registry and starts to tail the journal. The application calls it
   * once. Resolves before the broker is available; `onState` reports when it is. Rejects if the
   * registry cannot be read. `defaultSource` and the sources of the schema are added to the
   * registry if they are missing.
   */
  async open(defaultSource: SourceDefinition, schemaSources: readonly Source[] = []): Promise<void> {
    const { registry } = this.#parts
    const { source } = await registry.addSource({
      ...defaultSource,
      id: sourceId(defaultSource),
      createdAt: new Date(),
      ownsExchange: true,
    })
    this.#publishGate.defaultSource = servedForm(source, this.#defaultExchange)
    for (const known of await registry.listSources()) this.#sourceSync.serve(known)
    await this.#sourceSync.serveSchema(schemaSources)
    await this.#wiring.open()
  }

  /** Whether the journal is current and the default source is bound. */
  get up(): boolean {
    return this.#wiring.readiness.up
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
    const wait = this.#wiring.publishRights.check(identity, exchange, routingKey)
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
      .catch((error: unknown) => this.#wiring.logError('removing the positions of a deleted client', error))
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
    return this.#wiring.close()
  }

  /** The callback receives each live message and its outcome here; it must not throw. */
  watchTail(watch: JournalListener['watch']): void {
    this.#listener.watch = watch
  }

  /** See `OfflineHook`: the messages of the hot window after an offset, and their clients. */
  get visitRecent(): VisitRecent {
    return this.#reader.visitRecent
  }

  /** What each typed field makes of a message. Empty without a schema. */
  explain(message: WindowEntry): readonly TracedField[] {
    return this.#reader.explain(message)
  }

  /**
   * What the sources find for a message, even if the message is not delivered. Empty if its body
   * cannot be decoded. Cached for an entry of the window.
   */
  audienceOf(message: WindowEntry, from: 'window' | 'journal' = 'journal'): Audience {
    return this.#reader.audienceOf(message, from)
  }
}
