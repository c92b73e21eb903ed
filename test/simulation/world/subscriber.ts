import type { CloseReason } from '../../../src/close-reasons.ts'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import type { ChannelEvent, MessageEvent } from '../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { type Identity, isExpired, noScope, type Scope } from '../../../src/core/model/identity.ts'
import type { PositionKey } from '../../../src/core/positions/position-store.ts'
import type { Session } from '../../../src/core/sessions/session.ts'
import { GatewayError } from '../../../src/errors.ts'
import type { NamedSubscription } from '../../../src/events/serving/named-events.ts'
import { ClientAccount, type ReceivedEvent, type Violated } from '../oracle/client-account.ts'
import { isKnown } from '../oracle/grants.ts'
import { numberIn } from '../oracle/ground-truth.ts'
import { KeyedAccount, type KeyedEvent } from '../oracle/keyed-account.ts'
import type { Replica } from './replica.ts'
import type { ClientScript } from './script.ts'
import type { World } from './world.ts'

/** How long a gateway takes to notice a silent peer (keep-alive), in milliseconds. */
const keepAliveMs = { least: 10_000, most: 25_000 }
/** The wait before a client connects again, in milliseconds. */
const retryMs = { least: 5, most: 2_000 }
/** How long after its end a token may still be used: sessions are checked every second. */
const expiryToleranceMs = 1_200
const rememberedEvents = 40
const positionName = 'device'
/** A replica that is up for this long has read what was stored before, in milliseconds. */
const readMs = 2_000
/** How long a client waits for the answer to its connection, in milliseconds. */
const unansweredMs = 1_000

/** A client: subscribes to one channel, and resumes with its cursor on any replica. */
export class Subscriber {
  readonly script: ClientScript
  readonly channel: string
  readonly clientId: string
  readonly account: ClientAccount | KeyedAccount
  readonly #world: World
  #socket: Socket | undefined
  #last: ReceivedEvent | undefined
  readonly #received: ReceivedEvent[] = []
  #resumesInvalid = false
  /** It has received an event on its present connection. */
  #hasBegun = false
  #connecting = false
  #stalled = false
  /** When its present token was issued. */
  issuedAt: number
  delivered = 0
  /** Another device took its position. It stays away until it is cut. */
  isEvicted = false

  constructor(world: World, index: number, script: ClientScript) {
    this.#world = world
    this.script = script
    this.channel = `channel-${script.channel}`
    this.clientId = `client-${script.position?.deviceOf ?? index}`
    this.issuedAt = world.clock.now
    const subject = { channel: this.channel, typed: script.typed === true }
    const wanted = { overflow: script.policy, isPaced: script.everyMs !== undefined }
    const violated: Violated = (promise, details) => world.violated(promise, `${this.clientId}: ${details}`)
    this.account =
      subject.typed && world.script.settings.statePageEvents !== undefined
        ? new KeyedAccount(subject, wanted, world.truth, world.states, violated)
        : new ClientAccount(subject, wanted, world.truth, violated)
  }

  get isConnected(): boolean {
    return this.#socket !== undefined
  }

  /** Whether it has the same position. */
  isDeviceOf({ clientId, script }: Subscriber): boolean {
    return clientId === this.clientId && script.position !== undefined && this.script.position !== undefined
  }

  /** The replica that it is connected to. */
  get replica(): Replica | undefined {
    return this.#socket?.replica
  }

  get isStalled(): boolean {
    return this.#stalled
  }

  identity(): Identity {
    const { tokenMs } = this.script
    return {
      clientId: this.clientId,
      scope: grantOf(this.channel),
      issuedAt: new Date(this.issuedAt),
      expiresAt: tokenMs === 0 ? undefined : new Date(this.#world.clock.now + tokenMs),
    }
  }

  /** Connects to a replica, now or when one can be reached. */
  connect(afterMs: number): void {
    if (this.#connecting || this.#socket || this.isEvicted || this.#world.isOver) return
    this.#connecting = true
    this.#world.at(afterMs, () => {
      this.#connecting = false
      if (this.#socket) return
      const replica = this.#world.pickReplica()
      if (!replica?.gateway) return this.retry()
      this.#world.at(this.#world.latency(), () => this.#accept(replica), replica.owner)
      // A replica that is killed meanwhile does not answer.
      this.#world.at(unansweredMs, () => this.retry())
    })
  }

  retry(): void {
    this.connect(this.#world.random.scaled(retryMs.least, retryMs.most))
  }

  cut(halfOpen: boolean, awayMs: number): void {
    this.isEvicted = false
    const socket = this.#socket
    this.#socket = undefined
    const { random } = this.#world
    socket?.lost(halfOpen ? random.between(keepAliveMs.least, keepAliveMs.most) : this.#world.latency())
    this.connect(awayMs)
  }

  stall(): void {
    this.#stalled = true
  }

  resumeReading(): void {
    this.#stalled = false
    this.#socket?.drainSoon()
  }

  /** The client comes back with an older cursor, or with an invalid one. */
  rewind(share: number, invalid: boolean): void {
    if (this.script.position) return this.cut(false, 1)
    this.#resumesInvalid = invalid
    if (!invalid) {
      this.#last = this.#received[Math.floor(share * this.#received.length)]
      this.account.rewind(this.#last)
    }
    this.cut(false, 1)
  }

  /** What changed in a gap is not known, so it asks for the whole state. */
  #beginAgain(): void {
    if (this.script.position) return
    this.#last = undefined
    this.cut(false, 1)
  }

  renew(narrow: boolean): void {
    const socket = this.#socket
    if (!socket || this.#world.clock.isKilled(socket.replica.owner)) return
    this.#world.at(this.#world.latency(), () => socket.renew(this.identity(), narrow), socket.replica.owner)
  }

  has(socket: Socket): boolean {
    return this.#socket === socket
  }

  evicted(socket: Socket): void {
    if (socket !== this.#socket) return
    this.isEvicted = true
    this.#world.note(`${this.clientId} is evicted`)
  }

  receive(socket: Socket, event: KeyedEvent): void {
    if (socket !== this.#socket) return
    this.delivered += event.kind === 'MESSAGE' ? 1 : 0
    this.account.receive(event)
    socket.ack(event)
    this.#last = event
    this.#received.push(event)
    if (this.#received.length > rememberedEvents) this.#received.shift()
    const state = event.state ? ` ${event.state.phase}${event.state.reset ? ' reset' : ''}` : ''
    this.#world.note(`${this.clientId} ${event.kind} ${event.reason ?? event.number ?? ''} ${event.offset}${state}`)
    // The history that `last` asks for may begin with a gap, however often it is asked for.
    const isOfHistory = this.script.last !== undefined && !this.#hasBegun
    this.#hasBegun = true
    if (event.kind === 'GAP' && this.account instanceof KeyedAccount && !isOfHistory) this.#beginAgain()
  }

  /** The gateway closed the connection. */
  closed(socket: Socket): void {
    if (socket !== this.#socket) return
    this.#socket = undefined
    this.issuedAt = Math.max(this.issuedAt, this.#world.clock.now)
    if (!this.isEvicted) this.retry()
  }

  /** Runs as the replica. */
  #accept(replica: Replica): void {
    const { gateway } = replica
    const world = this.#world
    const again = (): void => void world.at(world.latency(), () => this.retry(), 0)
    if (!gateway || this.#socket || world.isOver) return again()
    const resumesInvalid = this.#resumesInvalid
    const cursor = this.script.position ? undefined : this.#last?.cursor
    const after = resumesInvalid ? 'this is not a cursor' : cursor
    const socket = new Socket(world, this, replica)
    try {
      socket.open(after)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      world.note(`${this.clientId} refused ${error.code}`)
      if (error.code === 'UNAUTHENTICATED') this.issuedAt = Math.max(this.issuedAt + 1_000, world.clock.now)
      return again()
    }
    this.#socket = socket
    this.#hasBegun = false
    this.#resumesInvalid = false
    const floor = world.truth.origins.findLast(
      (origin) => !this.script.typed && origin.channel === this.channel && isKnown(world, replica, origin),
    )
    const resumedWith = resumesInvalid ? 'invalid' : after === undefined ? 'nothing' : 'cursor'
    this.account.connected(
      resumedWith,
      this.script.last === undefined ? undefined : { last: this.script.last, end: readUpTo(world, replica) },
      floor,
      (epoch, { offset, storedAt }, removedAt) =>
        replica.hasRead(epoch, offset) || replica.wasUp(storedAt, removedAt, readMs),
    )
    world.note(
      `${this.clientId} on ${replica.owner} after ${resumesInvalid ? 'invalid' : (this.#last?.offset ?? 'nothing')}`,
    )
    socket.pipe()
  }
}

/** One connection of a client: what its gateway wrote and the client has not read yet. */
class Socket {
  readonly replica: Replica
  readonly #world: World
  readonly #client: Subscriber
  readonly #frames: KeyedEvent[] = []
  session: Session | undefined
  #subscription: ChannelSubscription | undefined
  /** Prints the events of the typed field. */
  #typed: NamedSubscription | undefined
  #identity: Identity
  /** Where the journal ended when the token lost its grant, and the token before. */
  #narrowed: { readonly epoch: string; readonly next: number; readonly before: Identity } | undefined
  #isClosed = false
  #isLost = false
  #isDraining = false
  #refusedFrame = false
  #wrote = false

  constructor(world: World, client: Subscriber, replica: Replica) {
    this.#world = world
    this.#client = client
    this.replica = replica
    this.#identity = client.identity()
  }

  /** Runs as the replica. Throws what the gateway refuses with. */
  open(after: string | undefined): void {
    const { gateway } = this.replica
    const { channel, script } = this.#client
    if (!gateway) throw new GatewayError('DRAINING', 'closed')
    // `src/auth` refuses an expired token before a session is opened.
    if (isExpired(this.#identity)) throw new GatewayError('UNAUTHENTICATED', 'expired')
    const session = gateway.openSession({
      identity: this.#identity,
      transport: 'graphql-ws',
      address: '10.0.0.1',
      onClose: (reason) => this.#onClose(reason),
    })
    this.session = session
    try {
      session.admit()
      const { policy: overflow, checkpoints } = script
      const last = after === undefined ? script.last : undefined
      const every = script.everyMs === undefined ? undefined : `${script.everyMs}ms`
      const position = script.position && positionName
      const autoAck = script.position?.moves === 'delivered' ? ('DELIVERED' as const) : undefined
      const options = { after, last, every, checkpoints, overflow, position, autoAck }
      this.#typed = script.typed && this.replica.typed?.open(channel)
      this.#subscription = this.#typed
        ? session.subscribeEvent({ ...options, access: this.#typed })
        : session.subscribe({ ...options, clientId: channel })
      if (position) this.#watchBegin(this.#subscription)
    } catch (error) {
      session.close('BAD_REQUEST')
      throw error
    }
  }

  pipe(): void {
    const end = (failure: GatewayError | undefined): void => {
      if (failure?.code === 'POSITION_TAKEN') this.#client.evicted(this)
      // The client ends a connection that has no subscription any more.
      if (!this.#isClosed) this.session?.close('NORMAL')
    }
    this.#subscription?.pipe({ take: (event) => this.#take(event), end })
  }

  /** A client acks a share of what it has received. */
  ack({ cursor, epoch, offset, before }: ReceivedEvent): void {
    const { moves } = this.#client.script.position ?? {}
    if (typeof moves !== 'number' || !this.#world.random.chance(moves)) return
    this.#world.positions.mayMoveTo(this.#key, { epoch, offset, before, fingerprint: 0 })
    const identity = this.#identity
    const send = (): void =>
      void this.replica.gateway?.positions.ack(identity, positionName, cursor).catch(() => undefined)
    this.#world.at(this.#world.latency(), send, this.replica.owner)
  }

  get #key(): PositionKey {
    return { clientId: this.#client.clientId, name: positionName }
  }

  #watchBegin(subscription: ChannelSubscription): void {
    const begin = subscription.begin.bind(subscription)
    subscription.begin = (place) => {
      this.#world.positions.begun(this.#key, place, this.replica)
      if (place && this.#client.has(this)) this.#client.account.continuesAt(place)
      begin(place)
    }
  }

  renew(identity: Identity, narrow: boolean): void {
    if (this.#isClosed || !this.session || this.session.ended || isExpired(identity)) return
    const renewed = narrow ? { ...identity, scope: grantOf('another') } : identity
    try {
      const { epoch, next } = this.#world.truth.end
      const before = this.#identity
      this.session.renew(renewed)
      this.#identity = renewed
      if (narrow) this.#narrowed = { epoch, next, before }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
    }
  }

  /** The client is gone; its gateway learns of it after `afterMs`. */
  lost(afterMs: number): void {
    this.#isLost = true
    this.#world.at(
      afterMs,
      () => {
        this.session?.end('lost')
        void this.#subscription?.return()
      },
      this.replica.owner,
    )
  }

  drainSoon(): void {
    if (this.#isDraining || this.#isLost || this.#client.isStalled || this.#frames.length === 0) return
    this.#isDraining = true
    this.#world.at(this.#client.script.frameMs, () => this.#drain(), 0)
  }

  /** Runs as the replica. */
  #take(event: ChannelEvent): boolean {
    // What waited for the client when its token lost the grant is still delivered.
    const { epoch, offset } = event.cursor
    const narrowed = this.#narrowed
    const isEarlier = narrowed && epoch === narrowed.epoch && offset < narrowed.next
    const identity = isEarlier ? narrowed.before : this.#identity
    this.#world.checkDelivery(this.#client, this.replica, identity, event, expiryToleranceMs)
    if (this.#isClosed) return true
    if (this.#frames.length >= this.#client.script.socketEvents) {
      this.#refusedFrame = true
      return false
    }
    this.#frames.push(frameOf(event, !this.#wrote))
    if (this.#client.script.position?.moves === 'delivered')
      this.#world.positions.mayMoveTo(this.#key, event.cursor, this.replica)
    if (event.kind === 'MESSAGE' && this.#typed) this.#checkValue(this.#typed, event)
    this.#wrote = true
    this.drainSoon()
    return true
  }

  /** What a typed client is sent is the value of the message that the cursor names. */
  #checkValue(typed: NamedSubscription, event: MessageEvent): void {
    const result = typed.resultOf(event)
    const sent = result?.kind === 'value' ? (JSON.parse(result.json) as { number: number }).number : result?.kind
    const { clientId } = this.#client
    if (sent !== numberIn(event.message.body)) this.#world.violated('a typed value', `${clientId} was sent ${sent}`)
  }

  #drain(): void {
    this.#isDraining = false
    if (this.#isLost || this.#client.isStalled) return
    const frame = this.#frames.shift()
    if (frame) this.#client.receive(this, frame)
    if (this.#refusedFrame && !this.#world.clock.isKilled(this.replica.owner)) {
      this.#refusedFrame = false
      this.#world.at(this.#world.latency(), () => this.#subscription?.flush(), this.replica.owner)
    }
    if (this.#frames.length > 0) this.drainSoon()
    else if (this.#isClosed) this.#client.closed(this)
  }

  #onClose(reason: CloseReason): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#world.note(`${this.#client.clientId} closed ${reason}`)
    void this.#subscription?.return()
    if (this.#frames.length === 0) this.#world.at(this.#world.latency(), () => this.#client.closed(this), 0)
    else this.drainSoon()
  }
}

/** The end of what a replica has read of the present journal. */
function readUpTo({ truth }: World, replica: Replica): number {
  let { next } = truth.end
  while (next > 0 && !replica.hasRead(truth.end.epoch, next - 1)) next -= 1
  return next
}

function grantOf(channel: string): Scope {
  return { ...noScope, channels: [channel], words: [`channel:${channel}`] }
}

function frameOf(event: ChannelEvent, isFirst: boolean): KeyedEvent {
  const { epoch, offset, before } = event.cursor
  const place = { cursor: printCursor(event.cursor), epoch, offset, before, isFirst }
  switch (event.kind) {
    case 'MESSAGE':
      return {
        kind: 'MESSAGE',
        ...place,
        number: numberIn(event.message.body),
        messageOffset: event.message.offset,
        redelivered: event.message.redelivered,
        state: event.state,
      }
    case 'GAP':
      return {
        kind: 'GAP',
        ...place,
        reason: event.reason,
        ...(event.dropped === undefined ? {} : { dropped: event.dropped }),
      }
    default:
      return { kind: 'CHECKPOINT', ...place, state: event.state }
  }
}
