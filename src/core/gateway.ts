import { GatewayError } from '../errors.ts'
import { decodeBody, forgetBody } from './body.ts'
import { BoundedSet } from './bounded-set.ts'
import type { Broker, ControlBus, ControlMessage } from './broker.ts'
import { CatchUp } from './catch-up.ts'
import { MessageEvent, unreadableGap } from './channel.ts'
import { Checkpoints } from './checkpoints.ts'
import { ClientBars } from './client-bars.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { Connections } from './connections.ts'
import { type Cursor, type CursorCodec, cursorBefore, cursorOf } from './cursor.ts'
import type { DeploymentKeys } from './deployment-keys.ts'
import { Duplicates } from './duplicates.ts'
import type { FeedKeeper } from './feed.ts'
import { isGatewaysOwn } from './gateways-own.ts'
import { Hub } from './hub.ts'
import type { Identity } from './identity.ts'
import { Ingress } from './ingress.ts'
import { type Journal, type JournalTail, type MarkNote, noteOf } from './journal.ts'
import { latest } from './latest.ts'
import type { JournalMessage, Publication } from './message.ts'
import type { MessageFate, Observer } from './observer.ts'
import { PublishRights } from './publish-rights.ts'
import { Quarantine } from './quarantine.ts'
import type { RecentMessages } from './recent.ts'
import { Revocations } from './revocations.ts'
import type { Session } from './session.ts'
import { Sessions, type SessionsParts } from './sessions.ts'
import { type Audience, reviveSource, type Source, type SourceDefinition, sourceId } from './source.ts'
import { SourceKeeper } from './source-keeper.ts'
import { Sources } from './sources.ts'
import { Throttle } from './throttle.ts'
import { Tracer } from './trace.ts'
import type { Tracing } from './trace-context.ts'

export interface GatewayParts {
  /** Names this replica among others; has the name of its host. */
  readonly replica: string
  /** Names it to callers who need not know the host. Unset: `replica`. */
  readonly replicaAlias?: string
  readonly namespace: string
  readonly journal: Journal
  readonly recent: RecentMessages
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

/** How many offsets are remembered that were counted already. */
const maxUnreadable = 10_000

/** How long a position is waited for while the broker has never been there, in milliseconds. */
const positionTimeoutMs = 5_000
/** How often unsigned control messages may have the registry read, in milliseconds. */
const hintMs = 1_000

/** Where the journal's tail, the sources, the hub and the sessions meet. Knows no transport and no broker by name. */
export class Gateway implements JournalTail {
  readonly hub = new Hub()
  readonly sources: Sources
  readonly revocations: Revocations
  readonly bars: ClientBars
  readonly tracer: Tracer
  readonly #parts: GatewayParts
  readonly #catchUp: CatchUp
  readonly #sessions: Sessions
  readonly #ingress: Ingress
  readonly #publishRights: PublishRights
  readonly #quarantine: Quarantine
  #epoch: string | undefined
  #up = false
  #wasUp = false
  #present = false
  #downReason = 'it is not connected yet'
  #gapAhead: 'RETENTION' | 'JOURNAL_REPLACED' | undefined
  readonly #checkpoints = new Checkpoints()
  readonly #duplicates: Duplicates
  /** Exchanges without a source whose messages were met, so that the log says it once. */
  readonly #foreignExchanges = new BoundedSet<string>(1_000)
  readonly #unreadable = new BoundedSet<number>(maxUnreadable)
  readonly #waitingForUp = new Set<() => void>()
  readonly #sourceKeeper: SourceKeeper
  /**
   * Anybody who can publish to the control exchange can send an unsigned message: it ends nothing
   * and brings nothing.
   */
  readonly #unsignedHint = new Throttle(() => this.#readRegistry(), hintMs)

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.sources = new Sources(parts.limits.maxDecodedBytes)
    this.#duplicates = new Duplicates(parts.journal.repeats)
    this.#sourceKeeper = new SourceKeeper({
      sources: this.sources,
      registry: parts.registry,
      broker: parts.broker,
      control: parts.control,
      say: (note) => this.#say(note),
      isUp: () => this.#up,
      complain: (what, error) => this.#complain(what, error),
    })
    this.tracer = new Tracer({
      replica: parts.replica,
      recent: parts.recent,
      sources: this.sources,
      control: parts.control,
      audienceOf: (message) => this.#statedAudienceOf(message),
      isPoison: (offset) => this.#quarantine.met(offset),
      maxDecodedBytes: parts.limits.maxDecodedBytes,
    })
    this.#quarantine = new Quarantine(parts.journal, parts.broker, parts.observer, `${parts.namespace}.quarantine`)
    this.#catchUp = new CatchUp({
      journal: parts.journal,
      recent: parts.recent,
      hub: this.hub,
      checkpoints: this.#checkpoints,
      observer: parts.observer,
      cursors: parts.cursors,
      epoch: () => (this.#up ? this.#epoch : undefined),
      originOf: (channel) => this.#originOf(channel),
      audienceOf: (message, inWindow) => this.#audienceOf(message, inWindow),
      eventOf: (message) => this.#eventOf(message),
      onUnreadable: (entry) => this.#noteUnreadable(entry),
    })
    this.#sessions = new Sessions({
      keeper: this.#catchUp,
      cursors: parts.cursors,
      observer: parts.observer,
      limits: parts.limits,
      check: (identity) => this.checkStanding(identity),
    })
    this.bars = new ClientBars({
      registry: parts.registry,
      control: parts.control,
      sessions: this.#sessions.all,
      barredUntil: (clientId) => this.barredUntil(clientId),
      complain: (error) => this.#complain('reading bans and deletions', error),
    })
    this.revocations = new Revocations({
      registry: parts.registry,
      control: parts.control,
      sessions: this.#sessions.all,
      barredUntil: (clientId) => this.barredUntil(clientId),
      complain: (error) => this.#complain('reading revocations', error),
    })
    this.#ingress = new Ingress({
      broker: parts.broker,
      limits: parts.limits,
      firstUp: async (timeoutMs) => this.#wasUp || this.#firstUp(timeoutMs),
      unavailable: () => this.#unavailable(),
    })
    this.#publishRights = new PublishRights({
      isSource: (exchange) => this.sources.hasExchange(exchange),
      limits: parts.limits,
      catchUp: () => (this.#up ? parts.journal.mark().catch(() => undefined) : Promise.resolve()),
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
  checkStanding(identity: Identity): void {
    this.revocations.check(identity)
    this.bars.check(identity)
  }

  /**
   * Tokens of the client must be issued after this moment to be valid. Undefined: nothing bars
   * them.
   */
  barredUntil(clientId: string): Date | undefined {
    return latest(this.revocations.of(clientId), this.bars.deletionOf(clientId))
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
    this.#ingress.defaultSource = source
    for (const known of await registry.listSources()) this.#sourceKeeper.serve(known)
    await this.revocations.open()
    await this.bars.open()
    control.listen(
      (message) => void this.#onControl(message).catch((error: unknown) => this.#complain('a control message', error)),
      () => this.#resync(),
      () => this.#unsignedHint.call(),
    )
    // What was sent under another key was not taken by the replicas that have this one, and the
    // other way round.
    keys.onAdopted(() => this.#resync())
    journal.open(this)
  }

  /** Whether the journal is there and current, and the default source flows into it. */
  get up(): boolean {
    return this.#up && this.#ingress.isOpen
  }

  /** What its bounded buffers hold now, in bytes; what waits for a client is counted by its session. */
  get held(): { readonly window: number; readonly publications: number } {
    const { recent, broker } = this.#parts
    return { window: recent.bytes, publications: this.#ingress.heldBytes + broker.unansweredBytes }
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
  async publishAs(identity: Identity, publication: Publication, payer?: string): Promise<JournalMessage | undefined> {
    const { exchange = this.#defaultExchange, routingKey } = publication
    await this.#publishRights.check(identity, exchange, routingKey)
    return this.publish(publication, payer)
  }

  /**
   * Resolves with the entry when the message has come back from the journal; with undefined once
   * the broker has confirmed what no source takes, or a buffered source holds. Rejects as
   * `Broker.publish` does. `payer`: as in `Publication`.
   */
  publish(publication: Publication, payer?: string): Promise<JournalMessage | undefined> {
    const { exchange, routingKey, body, properties } = publication
    const into = this.sources.takes(exchange ?? this.#defaultExchange, routingKey)
    // Written out, because a spread makes a hidden class for each object that it makes.
    return this.#ingress.publish({ exchange, routingKey, body, properties, payer, into })
  }

  /** The cursor behind which a client has seen this entry. Computes a checksum of its body. */
  cursorOf(entry: JournalMessage): Cursor {
    return cursorOf(this.#parts.cursors, this.#epoch ?? '', entry)
  }

  get #defaultExchange(): string {
    return `${this.#parts.namespace}.events`
  }

  /**
   * The position of now: behind everything that the broker had confirmed at the call. While the broker is away, the last one
   * known, which is older and so loses nothing; `BROKER_UNAVAILABLE` where there never was one.
   */
  async position(): Promise<Cursor> {
    if (this.#up) await this.#parts.journal.mark().catch(() => undefined)
    return this.#lastPosition()
  }

  /**
   * As `position`, but never an older one: rejects with `BROKER_UNAVAILABLE` while the journal is
   * away.
   */
  async exactPosition(): Promise<Cursor> {
    if (!this.#up) await this.#firstUp(positionTimeoutMs)
    if (!this.#up) throw this.#unavailable()
    await this.#parts.journal.mark()
    return this.#lastPosition()
  }

  async #lastPosition(): Promise<Cursor> {
    if (!this.#parts.recent.last) await this.#firstUp(positionTimeoutMs)
    const { last } = this.#parts.recent
    if (!last || this.#epoch === undefined) {
      throw new GatewayError(
        'BROKER_UNAVAILABLE',
        'the journal cannot be reached yet, so there is no position to give; try again',
      )
    }
    return cursorOf(this.#parts.cursors, this.#epoch, last)
  }

  /** Makes a source that every replica serves from here on: none misses a message that is published after this resolves. */
  async createSource(definition: SourceDefinition): Promise<Source> {
    const { exchange } = definition
    if (exchange.startsWith(`${this.#parts.namespace}.`) && isGatewaysOwn(exchange)) {
      throw new GatewayError('SOURCE_CONFLICT', `exchange "${exchange}" is the gateway's own: name another one`)
    }
    return this.#sourceKeeper.create(definition)
  }

  /** Whether there was one. */
  deleteSource(id: string): Promise<boolean> {
    return this.#sourceKeeper.delete(id)
  }

  /** A page of a channel's past: see `history.ts`. */
  get keeper(): FeedKeeper {
    return this.#catchUp
  }

  /** The oldest position from which a channel can still be read; null where the journal can't say. */
  oldest(channel: string): Promise<Cursor | null> {
    return this.#catchUp.oldestOf(channel)
  }

  /** Ends the subscriptions of a channel that is no more, here and on the other replicas. */
  async endChannel(clientId: string): Promise<void> {
    this.#sessions.endChannel(clientId)
    await this.#parts.control.send({ kind: 'client-deleted', clientId, by: this.replica }).catch(() => undefined)
  }

  onEpoch(epoch: string): void {
    if (this.#epoch !== undefined && this.#epoch !== epoch) {
      this.#gapAhead = 'JOURNAL_REPLACED'
      this.#parts.observer.log(
        'warn',
        'the journal was deleted and made again: whoever listens is told that there is a gap',
      )
    }
    this.#epoch = epoch
    this.#parts.recent.clear()
    this.#duplicates.clear()
    this.#quarantine.clear()
    this.#unreadable.clear()
  }

  onPresent(): void {
    this.#present = true
  }

  onTruncated(): void {
    this.#gapAhead = 'RETENTION'
    this.#parts.observer.log(
      'warn',
      'retention took messages that the tail had not read: whoever listens is told that there is a gap',
    )
    this.#parts.recent.clear()
  }

  onUp(): void {
    if (!this.#wasUp) this.#parts.observer.log('info', 'the journal is there and current')
    this.#up = true
    this.#wasUp = true
    this.#duplicates.outageOver()
    if (this.#ingress.isOpen) this.#parts.onState({ up: true })
    else void this.#openIngress()
    this.#sourceKeeper.tellRegistry()
    for (const resolve of this.#waitingForUp) resolve()
    this.#catchUp.onUp()
  }

  onDown(reason: string): void {
    this.#up = false
    this.#duplicates.outage()
    this.#downReason = reason
    this.#parts.onState({ up: false, reason })
  }

  onMessage(message: JournalMessage): void {
    const { recent } = this.#parts
    if (this.#gapAhead) this.#tellGap(this.#gapAhead, message)
    recent.add(message)
    this.#duplicates.see(message)
    if (message.mark) {
      this.#onMark(message)
      return
    }
    // Whoever listens from now on is not told of the past that a starting replica reads.
    if (!this.#present) return
    const label = this.sources.labelOf(message)
    if (label === undefined) this.#sayForeign(message.exchange)
    this.#parts.observer.messageReceived(label ?? 'none')
    if (message.redelivered) this.#parts.observer.messageRedelivered()
    const fate = this.#route(message)
    message.fates?.set(message.place ?? 0, fate)
    this.#parts.observer.messageRouted(fate)
  }

  onUnreadable(entries: readonly JournalMessage[]): void {
    const { recent } = this.#parts
    const [first] = entries
    const last = entries.at(-1)
    if (!first || !last) return
    if (this.#gapAhead) this.#tellGap(this.#gapAhead, first)
    for (const entry of entries) recent.add(entry)
    for (const entry of entries) this.#noteUnreadable(entry)
    if (this.#present) this.hub.publish('everyone', unreadableGap(this.#parts.cursors, this.#epoch ?? '', last))
  }

  /** As `Sessions.drain`; what else the gateway does goes on. */
  drain(overMs: number): Promise<void> {
    return this.#sessions.drain(overMs)
  }

  /** Ends everything that listens; the journal, the broker and the registry are closed by whoever opened them. */
  close(): void {
    this.#unsignedHint.close()
    this.revocations.close()
    this.bars.close()
    this.#quarantine.close()
    this.#catchUp.close()
    this.#sessions.close()
  }

  #route(message: JournalMessage): MessageFate {
    const audience = this.#audienceOf(message, false)
    if (!this.hub.hasListeners(audience)) {
      if (audience.length > 0) return 'unheard'
      if (this.#duplicates.isRepeat(message.offset)) return 'repeated'
      return this.#quarantine.met(message.offset) ? 'quarantined' : 'unmatched'
    }
    const event = this.#eventOf(message)
    if (!event) return 'quarantined'
    this.#publish(audience, event)
    // Whoever hears it has it by now, but for those who are behind; it would only grow old in the window.
    forgetBody(message)
    return 'heard'
  }

  /**
   * Once an exchange: an operator who made a source of an alternate exchange would otherwise wait
   * in vain.
   */
  #sayForeign(exchange: string): void {
    if (this.#foreignExchanges.has(exchange) || !this.sources.isForeign(exchange)) return
    this.#foreignExchanges.add(exchange)
    this.#parts.observer.log(
      'warn',
      `messages of exchange "${exchange}" come through another exchange (a binding, or as its alternate), and match no source: make "${exchange}" a source, or make the source that they come through with buffered: true`,
    )
  }

  #publish(audience: Audience, event: MessageEvent): void {
    const { tracing } = this.#parts
    const span = event.traceparent === undefined ? undefined : tracing?.begin(event.message, event.traceparent)
    if (span) event.traceparent = span.traceparent
    this.hub.publish(audience, event)
    span?.end()
  }

  #audienceOf(message: JournalMessage, again: boolean): Audience {
    // It is kept all the same, for a cursor may name it.
    if (this.#duplicates.isRepeat(message.offset)) return []
    // Each resume would pay again for a body that grows past its bound.
    if (this.#quarantine.hasJudged(message.offset)) return []
    try {
      return again ? this.sources.knownAudienceOf(message) : this.sources.audienceOf(message)
    } catch (error) {
      this.#quarantine.put(message, error)
      return []
    }
  }

  /** What the sources say, also of what is not delivered. */
  #statedAudienceOf(message: JournalMessage): Audience {
    try {
      return this.sources.audienceOf(message)
    } catch {
      return []
    }
  }

  #eventOf(message: JournalMessage): MessageEvent | undefined {
    try {
      const own = message.alone?.() ?? message
      decodeBody(own, this.#parts.limits.maxDecodedBytes)
      return new MessageEvent(this.#parts.cursors, this.#epoch ?? '', own)
    } catch (error) {
      this.#quarantine.put(message, error)
      return undefined
    }
  }

  #tellGap(reason: 'RETENTION' | 'JOURNAL_REPLACED', first: JournalMessage): void {
    this.#gapAhead = undefined
    const cursor = cursorBefore(this.#parts.cursors, this.#epoch ?? '', first)
    this.hub.publish('everyone', { kind: 'GAP', cursor, reason, oldest: cursor, receivedAt: Date.now() })
  }

  /** Once for each, whether the tail met it or a replay did. */
  #noteUnreadable({ offset }: JournalMessage): void {
    if (this.#unreadable.has(offset)) return
    this.#unreadable.add(offset)
    this.#parts.observer.messageUnreadable()
    this.#parts.observer.log(
      'error',
      'RabbitMQ ends every consumer that reaches this message of the journal with 541, so the gateway stepped over it: every subscription is told a gap (UNREADABLE)',
      { offset },
    )
  }

  #onMark(mark: JournalMessage): void {
    const note = noteOf(mark)
    if (note?.kind === 'poison') this.#quarantine.claimed(note)
    if (note?.kind === 'source-created') this.#sourceKeeper.created(reviveSource(note.source))
    if (note?.kind === 'source-deleted') this.#sourceKeeper.deleted(note.id)
    if (this.#up && !this.#ingress.isOpen) void this.#openIngress()
    if (this.#present) this.#checkpoints.tell(() => cursorOf(this.#parts.cursors, this.#epoch ?? '', mark))
  }

  async #onControl(message: ControlMessage): Promise<void> {
    switch (message.kind) {
      case 'sources-wanted':
      case 'source-known':
        await this.#sourceKeeper.onControl(message)
        return
      case 'client-deleted':
        // Its own would end what has been begun since.
        if (message.by !== this.replica) this.#sessions.endChannel(message.clientId)
        this.bars.refresh()
        return
      case 'client-barred':
        this.bars.refresh()
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
    const origin = this.bars.originOf(channel)
    return origin && { ...origin, codec: this.#parts.cursors }
  }

  #resync(): void {
    this.revocations.refresh()
    this.bars.refresh()
    this.#sourceKeeper.resync().catch((error: unknown) => this.#complain('reading the registry again', error))
  }

  #readRegistry(): void {
    this.revocations.refresh()
    this.bars.refresh()
    this.#sourceKeeper.readRegistry().catch((error: unknown) => this.#complain('reading the registry again', error))
  }

  /** Whether the journal has been there, by the end of that time. */
  async #firstUp(timeoutMs: number): Promise<boolean> {
    if (this.#up) return true
    let up: () => void = () => undefined
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      up = resolve
      this.#waitingForUp.add(up)
      timer = setTimeout(resolve, timeoutMs)
    })
    clearTimeout(timer)
    this.#waitingForUp.delete(up)
    return this.#wasUp
  }

  /** Once the default source is bound, the gateway serves; what stands in the way of that is told to probes, and tried again at each mark. */
  async #openIngress(): Promise<void> {
    try {
      await this.#ingress.open()
      if (this.#up) this.#parts.onState({ up: true })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#up) return
      this.#parts.onState({ up: false, reason })
    }
  }

  /** Resolves when it has been heard here, and so stands in the journal before whatever comes next. */
  async #say(note: MarkNote): Promise<void> {
    try {
      await this.#parts.journal.mark(note)
    } catch (error) {
      throw this.#up ? error : this.#unavailable(error)
    }
  }

  #unavailable(cause?: unknown): GatewayError {
    return new GatewayError('BROKER_UNAVAILABLE', `the journal cannot be reached: ${this.#downReason}`, { cause })
  }

  #complain(what: string, error: unknown): void {
    this.#parts.observer.log('warn', `${what} failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}
