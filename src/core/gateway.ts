import { type CloseReason, GatewayError } from '../errors.ts'
import { decodeBody, forgetBody } from './body.ts'
import type { Broker, ControlBus, ControlMessage } from './broker.ts'
import { CatchUp } from './catch-up.ts'
import { MessageEvent } from './channel.ts'
import { Checkpoints } from './checkpoints.ts'
import type { ClientRegistry } from './client-registry.ts'
import { type Cursor, cursorBefore, cursorOf } from './cursor.ts'
import { drain } from './drain.ts'
import { Duplicates } from './duplicates.ts'
import type { FeedKeeper } from './feed.ts'
import { Hub } from './hub.ts'
import type { Identity } from './identity.ts'
import { type Journal, type JournalTail, type MarkNote, noteOf } from './journal.ts'
import type { JournalMessage, Publication } from './message.ts'
import type { MessageFate, Observer, TransportName } from './observer.ts'
import { Quarantine } from './quarantine.ts'
import type { RecentMessages } from './recent.ts'
import { Revocations } from './revocations.ts'
import { Session, type SessionLimits } from './session.ts'
import { type Audience, reviveSource, type Source, type SourceDefinition, sourceId } from './source.ts'
import { SourceKeeper } from './source-keeper.ts'
import { Sources } from './sources.ts'
import { Tally } from './tally.ts'
import { Tracer } from './trace.ts'
import type { Tracing } from './trace-context.ts'

export interface GatewayParts {
  /** Names this replica among others. */
  readonly replica: string
  readonly namespace: string
  readonly journal: Journal
  readonly recent: RecentMessages
  readonly broker: Broker
  readonly control: ControlBus
  readonly registry: ClientRegistry
  readonly observer: Observer
  /** Undefined: tracing is off. */
  readonly tracing?: Tracing | undefined
  /** Looked at each time: limits may change while the gateway runs, and so may the next three. */
  readonly limits: SessionLimits & { readonly publishTimeoutMs: number }
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly maxClientSubscriptions: number
  /** Told of each change: whether the journal is there and current. */
  readonly onState: (state: { up: boolean; reason?: string }) => void
}

/** How often sessions are looked through for tokens that have expired, in milliseconds. */
const expiryMs = 1_000
/** How long a position is waited for while the broker has never been there, in milliseconds. */
const positionTimeoutMs = 5_000
/** What publications may hold that wait for the journal to be there for the first time; past it they are refused at once. */
const maxHeldBytes = 16 * 1024 * 1024
/** What one of them weighs beside its body. */
const envelopeBytes = 512

/** Where the journal's tail, the sources, the hub and the sessions meet. Knows no transport and no broker by name. */
export class Gateway implements JournalTail {
  readonly hub = new Hub()
  readonly sources = new Sources()
  readonly sessions = new Set<Session>()
  readonly revocations: Revocations
  readonly tracer: Tracer
  readonly #parts: GatewayParts
  readonly #catchUp: CatchUp
  readonly #fromAddress: Tally
  readonly #ofClient: Tally
  readonly #quarantine: Quarantine
  #epoch: string | undefined
  #up = false
  #wasUp = false
  #present = false
  #flows = false
  #flowing: Promise<void> | undefined
  /** What the log was told last about why they don't. */
  #obstacle: string | undefined
  #defaultSource: Source | undefined
  #heldBytes = 0
  #downReason = 'it is not connected yet'
  #gapAhead: 'RETENTION' | 'JOURNAL_REPLACED' | undefined
  readonly #checkpoints = new Checkpoints()
  readonly #duplicates: Duplicates
  readonly #waitingForUp = new Set<() => void>()
  readonly #sourceKeeper: SourceKeeper
  #expiry: NodeJS.Timeout | undefined
  #draining = false

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.#duplicates = new Duplicates(parts.journal.repeats)
    this.#fromAddress = new Tally(
      () => parts.maxConnectionsPerAddress,
      'WARREN_MAX_CONNECTIONS_PER_ADDRESS',
      'connections from one address',
    )
    this.#ofClient = new Tally(
      () => parts.maxClientSubscriptions,
      'WARREN_MAX_CLIENT_SUBSCRIPTIONS',
      'subscriptions of one client',
    )
    this.revocations = new Revocations({
      registry: parts.registry,
      control: parts.control,
      sessions: this.sessions,
      complain: (error) => this.#complain('reading revocations', error),
    })
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
    })
    this.#quarantine = new Quarantine(parts.journal, parts.broker, parts.observer, `${parts.namespace}.quarantine`)
    this.#catchUp = new CatchUp({
      journal: parts.journal,
      recent: parts.recent,
      hub: this.hub,
      checkpoints: this.#checkpoints,
      observer: parts.observer,
      epoch: () => (this.#up ? this.#epoch : undefined),
      audienceOf: (message, inWindow) => this.#audienceOf(message, inWindow),
      eventOf: (message) => this.#eventOf(message),
    })
  }

  get replica(): string {
    return this.#parts.replica
  }

  /** Serves what the registry knows and begins to tail; resolves before the broker is there. */
  async open(defaultSource: SourceDefinition): Promise<void> {
    const { registry, journal, control } = this.#parts
    const { source } = await registry.addSource({
      ...defaultSource,
      id: sourceId(defaultSource),
      createdAt: new Date(),
      ownsExchange: true,
    })
    this.#defaultSource = source
    for (const known of await registry.listSources()) this.#sourceKeeper.serve(known)
    await this.revocations.open()
    this.#expiry = setInterval(() => {
      const now = Date.now()
      for (const session of this.sessions) session.expire(now)
    }, expiryMs)
    control.listen(
      (message) => void this.#onControl(message).catch((error: unknown) => this.#complain('a control message', error)),
      () => {
        this.revocations.refresh()
        this.#sourceKeeper.resync().catch((error: unknown) => this.#complain('reading the registry again', error))
      },
    )
    journal.open(this)
  }

  /** Whether the journal is there and current, and the default source flows into it. */
  get up(): boolean {
    return this.#up && this.#flows
  }

  /** What its bounded buffers hold now, in bytes; what waits for a client is counted by its session. */
  get held(): { readonly window: number; readonly publications: number } {
    const { recent, broker } = this.#parts
    return { window: recent.bytes, publications: this.#heldBytes + broker.unansweredBytes }
  }

  /** How many subscriptions are not live yet, or not any more: on their way through the journal. */
  get catchingUp(): number {
    return this.#catchUp.size
  }

  /** Throws `LIMIT_EXCEEDED` where there are too many, `UNAUTHENTICATED` where the identity has been revoked, `DRAINING`. */
  openSession(options: {
    identity: Identity
    transport: TransportName
    /** Where the peer is; undefined where that means nothing. */
    address?: string | undefined
    onClose: (reason: CloseReason) => void
  }): Session {
    if (this.#draining) throw new GatewayError('DRAINING', 'this replica is being shut down: connect to another')
    this.revocations.check(options.identity)
    if (this.sessions.size >= this.#parts.maxConnections) {
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${this.#parts.maxConnections} connections`, {
        limit: 'WARREN_MAX_CONNECTIONS',
      })
    }
    const release = this.#fromAddress.take(options.address)
    const session = new Session({
      identity: options.identity,
      transport: options.transport,
      address: options.address ?? '',
      keeper: this.#catchUp,
      observer: this.#parts.observer,
      limits: this.#parts.limits,
      ofClient: this.#ofClient,
      onClose: options.onClose,
      onEnd: (ended) => {
        release()
        this.sessions.delete(ended)
      },
    })
    this.sessions.add(session)
    return session
  }

  /**
   * Resolves once the broker has confirmed. Rejects as `Broker.publish` does. Until the journal has been there for the first time and the sources
   * flow into it, a confirmation would promise nothing, and a refusal would blame the caller.
   */
  async publish(publication: Publication): Promise<void> {
    if (!this.#flows) await this.#holdBack(publication.body.length)
    await this.#parts.broker.publish(publication)
  }

  /**
   * The position of now: behind everything that the broker had confirmed at the call. While the broker is away, the last one
   * known, which is older and so loses nothing; `BROKER_UNAVAILABLE` where there never was one.
   */
  async position(): Promise<Cursor> {
    if (this.#up) await this.#parts.journal.mark().catch(() => undefined)
    if (!this.#parts.recent.last) await this.#firstUp(positionTimeoutMs)
    const { last } = this.#parts.recent
    if (!last || this.#epoch === undefined) {
      throw new GatewayError(
        'BROKER_UNAVAILABLE',
        'the journal cannot be reached yet, so there is no position to give; try again',
      )
    }
    return cursorOf(this.#epoch, last)
  }

  /** Makes a source that every replica serves from here on: none misses a message that is published after this resolves. */
  createSource(definition: SourceDefinition): Promise<Source> {
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
  oldest(): Promise<Cursor | null> {
    return this.#catchUp.oldestCursor()
  }

  /** Ends the subscriptions of a channel that is no more, here and on the other replicas. */
  async endChannel(clientId: string): Promise<void> {
    this.#endChannel(clientId)
    await this.#parts.control.send({ kind: 'client-deleted', clientId }).catch(() => undefined)
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
    this.#up = true
    this.#wasUp = true
    this.#duplicates.outageOver()
    this.#parts.observer.log('info', 'the journal is there and current')
    if (this.#flows) this.#parts.onState({ up: true })
    else void this.#letSourcesFlow()
    this.#sourceKeeper.tellRegistry()
    for (const resolve of this.#waitingForUp) resolve()
    this.#catchUp.onUp()
  }

  onDown(reason: string): void {
    this.#up = false
    this.#duplicates.outage()
    this.#downReason = reason
    this.#parts.onState({ up: false, reason })
    this.#parts.observer.log('warn', `the journal cannot be reached: ${reason}`)
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
    this.#parts.observer.messageReceived(this.sources.labelOf(message) ?? 'none')
    message.fate = this.#route(message)
    this.#parts.observer.messageRouted(message.fate)
  }

  /** Begins no more sessions, and ends those that there are, evenly over the window; resolves when none is left. What else it does goes on. */
  async drain(overMs: number): Promise<void> {
    this.#draining = true
    const { observer } = this.#parts
    const { size } = this.sessions
    const since = performance.now()
    observer.log('info', `draining: ${size} sessions over ${overMs / 1000} s; a second signal ends them at once`)
    await drain(this.sessions, overMs)
    observer.log('info', 'drained', { sessions: size, seconds: Math.round(performance.now() - since) / 1000 })
  }

  /** Ends everything that listens; the journal, the broker and the registry are closed by whoever opened them. */
  close(): void {
    clearInterval(this.#expiry)
    this.revocations.close()
    this.#catchUp.close()
    for (const session of this.sessions) session.close('RESTART')
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
      decodeBody(message)
      return new MessageEvent(this.#epoch ?? '', message)
    } catch (error) {
      this.#quarantine.put(message, error)
      return undefined
    }
  }

  #tellGap(reason: 'RETENTION' | 'JOURNAL_REPLACED', first: JournalMessage): void {
    this.#gapAhead = undefined
    const cursor = cursorBefore(this.#epoch ?? '', first)
    this.hub.publish('everyone', { kind: 'GAP', cursor, reason, oldest: cursor, receivedAt: Date.now() })
  }

  #onMark(mark: JournalMessage): void {
    const note = noteOf(mark)
    if (note?.kind === 'poison') this.#quarantine.claimed(note)
    if (note?.kind === 'source-created') this.#sourceKeeper.created(reviveSource(note.source))
    if (note?.kind === 'source-deleted') this.#sourceKeeper.deleted(note.id)
    if (this.#up && !this.#flows) void this.#letSourcesFlow()
    if (this.#present) this.#checkpoints.tell(() => cursorOf(this.#epoch ?? '', mark))
  }

  async #onControl(message: ControlMessage): Promise<void> {
    switch (message.kind) {
      case 'sources-wanted':
      case 'source-known':
        await this.#sourceKeeper.onControl(message)
        return
      case 'client-deleted':
        this.#endChannel(message.clientId)
        return
      case 'client-revoked':
        await this.revocations.heard({ clientId: message.clientId, at: new Date(message.at) })
        return
      case 'trace-wanted':
      case 'trace-known':
        await this.tracer.onControl(message)
    }
  }

  #endChannel(clientId: string): void {
    for (const session of this.sessions) session.endChannel(clientId)
  }

  async #firstUp(timeoutMs: number): Promise<void> {
    if (this.#up) return
    let up: () => void = () => undefined
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      up = resolve
      this.#waitingForUp.add(up)
      timer = setTimeout(resolve, timeoutMs)
    })
    clearTimeout(timer)
    this.#waitingForUp.delete(up)
  }

  async #holdBack(bytes: number): Promise<void> {
    if (this.#heldBytes > 0 && this.#heldBytes + bytes > maxHeldBytes) throw this.#unavailable()
    const weight = bytes + envelopeBytes
    this.#heldBytes += weight
    try {
      if (!this.#wasUp) await this.#firstUp(this.#parts.limits.publishTimeoutMs)
      if (!this.#wasUp) throw this.#unavailable()
      await this.#untilSourcesFlow()
    } finally {
      this.#heldBytes -= weight
    }
  }

  /** Once the default source is bound, the gateway serves; what stands in the way of that is told to probes, and tried again at each mark. */
  async #letSourcesFlow(): Promise<void> {
    try {
      await this.#untilSourcesFlow()
      if (this.#up) this.#parts.onState({ up: true })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#up) return
      this.#parts.onState({ up: false, reason })
      if (this.#obstacle !== reason) this.#parts.observer.log('warn', reason)
      this.#obstacle = reason
    }
  }

  /** The broker binds in the order of the calls: when this one has been served, those of the start have been. One for all who wait. */
  #untilSourcesFlow(): Promise<void> {
    const bind = async (): Promise<void> => {
      if (this.#defaultSource) await this.#parts.broker.bind(this.#defaultSource).catch(defaultSourceRefused)
      this.#flows = true
    }
    this.#flowing ??= bind().finally(() => {
      this.#flowing = undefined
    })
    return this.#flowing
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

function defaultSourceRefused(error: unknown): never {
  if (!(error instanceof GatewayError) || error.code !== 'SOURCE_CONFLICT') throw error
  const text = `the default source cannot be served; mend what is in its place, or set another WARREN_NAMESPACE: ${error.message}`
  throw new GatewayError('SOURCE_CONFLICT', text, { cause: error })
}
