import type { IncomingMessage } from 'node:http'
import { type Credentials, mayBearToken } from '../../auth/authenticate.ts'
import type { Gateway } from '../../core/gateway.ts'
import { hasToken, type Identity } from '../../core/model/identity.ts'
import { demand, mayJoinRoom } from '../../core/sessions/authorizer.ts'
import { closeReasonOf } from '../../core/sessions/close-reason-of.ts'
import type { Session } from '../../core/sessions/session.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import { type ErrorFields, errorFieldsOf } from '../encoding/error-fields.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import type { FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { Outbox, type Outboxes } from '../flow/outbox.ts'
import { ReadThrottle } from '../flow/read-throttle.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { closeSocket, endOf } from '../websocket/close.ts'
import type { WebSocketConnection, WebSocketUser } from '../websocket/websocket-connection.ts'
import { ackOn, type ChannelParts, publishOn, subscribeToChannel } from './channel-mode.ts'
import { RoomMember } from './member.ts'
import type { Room, RoomOptions } from './room.ts'
import { type Envelope, jsonTextFrame, RoomFrame } from './room-frame.ts'
import { ackIn, tokenIn } from './token-frame.ts'

export interface RoomEndpointOptions extends RoomOptions, FrameLimitOptions {
  readonly gateway: Gateway
  readonly served: ServedSchema
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
  /** The identity of a connection without a token. */
  readonly anonymous: Identity
  /** Whether a connection may stay without a token. */
  readonly allowAnonymous: boolean
  readonly proxyHops: number
  readonly unfinished: UnfinishedMessages
  readonly authTimeoutMs: number
  readonly keepAliveMs: number
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
}

/** How long frames above the rate of a connection are held, in milliseconds. */
const holdMs = 100

interface ConnectionOptions extends RoomEndpointOptions {
  readonly room: Room
  readonly frameLimits: FrameLimits
  readonly socket: WebSocketConnection
  readonly request: IncomingMessage
  readonly address: string
}

interface Incoming {
  readonly body: Buffer
  readonly binary: boolean
}

type FrameTaker = (frame: Incoming) => void

/** One client of `/ws`: authenticates it, then handles its frames in the room or on its channel. */
export class RoomConnection implements WebSocketUser {
  readonly #options: Omit<ConnectionOptions, 'request'>
  readonly #socket: WebSocketConnection
  readonly #outbox: Outbox
  readonly #query: URLSearchParams
  /** The token of the upgrade request, until `begin` has read it. */
  #authorization: string | undefined
  readonly #envelope: Envelope
  /** Handles the next frame. Undefined: a token is being checked, and frames are held. */
  #take: FrameTaker | undefined
  /** Handles all frames after the first one. */
  #taker: FrameTaker = () => {}
  #session: Session | undefined
  /** The client's place in the room. Undefined on a channel. */
  #member: RoomMember | undefined
  /**
   * Frames above the rate, and those that arrived while the token was checked. While there are any,
   * nothing is read.
   */
  #held: Incoming[] = []
  #holding: NodeJS.Timeout | undefined
  #authTimer: NodeJS.Timeout | undefined

  constructor(options: ConnectionOptions) {
    const { request, ...others } = options
    const { socket, outboxes } = others
    // Without the request: its headers would stay in memory as long as the connection.
    this.#options = others
    this.#socket = socket
    this.#outbox = new Outbox({ socket: socket.stream, isOpen: () => socket.isOpen, outboxes })
    this.#query = new URL(request.url ?? '/', 'ws://localhost').searchParams
    this.#envelope = envelopeOf(this.#query)
    const token = this.#query.get('token')
    const { authorization } = request.headers
    if (token !== null) this.#authorization = `Bearer ${token}`
    else if (mayBearToken(authorization)) this.#authorization = authorization
  }

  get address(): string {
    return this.#options.address
  }

  get isKnown(): boolean {
    return this.#options.frameLimits.isKnown(this.#session?.identity)
  }

  get maxMessageBytes(): number {
    return this.#options.frameLimits.of(this.#session?.identity)
  }

  /**
   * Starts to read. The token is in the URL, in the header or in the first frame. If anonymous
   * clients are allowed, here or by the typed field that is asked for, the first frame need not
   * have one.
   */
  begin(): void {
    this.#socket.serve(this, new ReadThrottle(this.#socket))
    const authorization = this.#authorization
    this.#authorization = undefined
    if (authorization !== undefined) return void this.#authenticateWith(authorization)
    const { allowAnonymous, anonymous, authTimeoutMs } = this.#options
    this.#take = (frame) => this.#takeFirst(frame)
    if (allowAnonymous || this.#isPublicField()) return this.#enter(anonymous, (frame) => this.#takeFirst(frame))
    this.#authTimer = setTimeout(() => closeSocket(this.#socket, 'UNAUTHORIZED'), authTimeoutMs)
  }

  onMessage(body: Buffer, binary: boolean): void {
    const frame = { body, binary }
    if (this.#held.length > 0 || !this.#take || !this.#isAdmitted()) return this.#hold(frame)
    this.#take(frame)
  }

  flush(): void {
    this.#outbox.flush()
  }

  onCutOff(end: 'bad-request' | 'slow-consumer'): void {
    this.#session?.end(end)
  }

  onClosed(code: number): void {
    clearTimeout(this.#authTimer)
    clearTimeout(this.#holding)
    this.#held = []
    this.#outbox.close()
    this.#session?.end(endOf(code))
    if (this.#member) this.#options.room.leave(this.#member)
  }

  #takeFirst(frame: Incoming): void {
    const token = frame.binary ? undefined : tokenIn(frame.body.toString())
    if (token !== undefined) {
      this.#take = undefined
      void this.#authenticateWith(`Bearer ${token}`)
      return
    }
    if (!this.#session) return closeSocket(this.#socket, 'UNAUTHORIZED')
    this.#take = this.#taker
    this.#taker(frame)
  }

  /** Nothing is read meanwhile, because the identity decides what the client may send. */
  async #authenticateWith(authorization: string): Promise<void> {
    this.#socket.pause()
    try {
      const identity = await this.#options.authenticate({ authorization })
      if (!hasToken(identity)) throw new GatewayError('UNAUTHENTICATED', 'The token grants nothing.')
      if (this.#socket.isOpen) this.#enterAs(identity)
    } catch (error) {
      this.#refuse(error)
    }
    this.#takeHeld()
  }

  #enterAs(identity: Identity): void {
    if (this.#session) this.#session.renew(identity)
    else this.#enter(identity)
    this.#take = this.#taker
  }

  #enter(identity: Identity, take?: FrameTaker): void {
    const { gateway, address, socket } = this.#options
    clearTimeout(this.#authTimer)
    try {
      this.#session = gateway.openSession({
        identity,
        transport: 'websocket',
        address,
        on: acceptedOn(socket.stream),
        onClose: (reason) => closeSocket(this.#socket, reason),
      })
      this.#taker = this.#query.has('channel') ? this.#joinChannel(this.#session) : this.#joinRoom(this.#session)
      this.#take = take ?? this.#taker
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Whether the channel is a typed field that callers without a token may subscribe to. */
  #isPublicField(): boolean {
    const { served, anonymous } = this.#options
    try {
      return served.current.named?.open(this.#query.get('channel') ?? '')?.topicFor(anonymous) !== undefined
    } catch {
      // The error is for clients with a token.
      return false
    }
  }

  #joinRoom(session: Session): FrameTaker {
    const { room, maxBufferedBytes, allowAnonymous } = this.#options
    // If anonymous clients may be in the room, so may every client with a token.
    if (!allowAnonymous)
      demand(mayJoinRoom(session.identity), session.identity, 'join the room; that takes the scope room')
    const member = new RoomMember({ envelope: this.#envelope, session, outbox: this.#outbox, maxBufferedBytes })
    this.#member = member
    room.join(member)
    session.joinRoom()
    if (this.#envelope === 'json') member.send(jsonTextFrame({ kind: 'joined' }))
    return ({ body, binary }) => {
      if (room.accept(member, new RoomFrame(body, binary))) return
      const message = 'too many frames wait for the broker; this one was not taken, nor is any behind it'
      this.#refuse(new GatewayError('BROKER_UNAVAILABLE', message))
    }
  }

  #joinChannel(session: Session): FrameTaker {
    const parts: ChannelParts = {
      ...this.#options,
      session,
      outbox: this.#outbox,
      envelope: this.#envelope,
      channel: this.#query.get('channel') ?? '',
      after: this.#query.get('after'),
      last: this.#query.get('last'),
      every: this.#query.get('every'),
      position: this.#query.get('position'),
      autoAck: this.#query.get('autoAck'),
      checkpoints: this.#query.get('checkpoints') === 'true',
      overflow: this.#query.get('overflow'),
      onEnd: (failure) => failure && this.#refuse(failure),
    }
    subscribeToChannel(parts)
    let last: Promise<void> = Promise.resolve()
    return ({ body, binary }) => {
      if (binary) return this.#sendError(new GatewayError('BAD_USER_INPUT', 'a channel takes text frames'))
      const text = body.toString()
      const cursor = parts.position === null ? undefined : ackIn(text)
      const handled = cursor === undefined ? publishOn(parts, text) : ackOn(parts, cursor)
      last = Promise.all([session.during(handled), last]).then(
        () => {},
        (error: unknown) => this.#sendError(error),
      )
    }
  }

  /** Whether the rate of the session allows a frame. Before there is a session, it always does. */
  #isAdmitted(): boolean {
    try {
      this.#session?.admit()
      return true
    } catch {
      return false
    }
  }

  /**
   * A client that sends too fast is read more slowly: no frame is lost, and the rate limit holds.
   */
  #hold(frame: Incoming): void {
    this.#held.push(frame)
    this.#socket.pause()
    if (this.#take) this.#takeHeldLater()
  }

  #takeHeldLater(): void {
    this.#holding ??= setTimeout(() => {
      this.#holding = undefined
      this.#takeHeld()
    }, holdMs)
  }

  #takeHeld(): void {
    // After a close nothing is handled any more.
    if (!this.#socket.isOpen) this.#held = []
    let place = 0
    for (; place < this.#held.length && this.#take && this.#isAdmitted(); place += 1) {
      const frame = this.#held[place]
      if (frame) this.#take(frame)
    }
    this.#held = this.#held.slice(place)
    if (this.#held.length > 0) this.#takeHeldLater()
    else if (this.#socket.isPaused) this.#socket.resume()
  }

  /**
   * An error that does not end the session. Without the envelope the client cannot be sent an
   * error, so its connection is closed.
   */
  #sendError(error: unknown): void {
    if (this.#envelope === 'none') return this.#refuse(error)
    this.#outbox.push(jsonTextFrame({ kind: 'error', error: this.#shown(error) }))
  }

  #refuse(error: unknown): void {
    const shown = this.#shown(error)
    if (this.#envelope === 'json') this.#outbox.push(jsonTextFrame({ kind: 'error', error: shown }))
    const reason = closeReasonOf({
      code: shown.code,
      newToken: error instanceof GatewayError ? error.newToken : undefined,
    })
    if (this.#session) this.#session.close(reason)
    else closeSocket(this.#socket, reason)
  }

  #shown(error: unknown): ErrorFields {
    const { onRefusal, log } = this.#options
    const onUnexpected = (stack: string): void =>
      log('error', 'a plain WebSocket failed in a way that was not foreseen', { error: stack })
    return errorFieldsOf(error, { onRefusal, onUnexpected })
  }
}

/**
 * The default is bare frames in the room, as the clients of the old manager expect, and JSON on a
 * channel, because only JSON has cursors and gaps.
 */
function envelopeOf(query: URLSearchParams): Envelope {
  const asked = query.get('envelope')
  if (asked === 'json' || asked === 'none') return asked
  return query.has('channel') ? 'json' : 'none'
}
