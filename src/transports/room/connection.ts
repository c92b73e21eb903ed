import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Credentials } from '../../auth/authenticate.ts'
import type { Gateway } from '../../core/gateway.ts'
import { errorStack } from '../../core/model/error-text.ts'
import { type Identity, isKnown } from '../../core/model/identity.ts'
import { demand, mayJoinRoom } from '../../core/sessions/authorizer.ts'
import type { Session } from '../../core/sessions/session.ts'
import { closeReasonOf, type ErrorCode, GatewayError } from '../../errors.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import type { FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { Outbox, type Outboxes } from '../flow/outbox.ts'
import { ReadThrottle } from '../flow/read-throttle.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { answerPings, closeSocket, endOf } from '../websocket/close.ts'
import { MeteredSocket } from '../websocket/metered-socket.ts'
import { type ChannelParts, listenToChannel, publishOn } from './channel-mode.ts'
import { RoomMember } from './member.ts'
import type { Room, RoomOptions } from './room.ts'
import { type Envelope, jsonTextFrame, RoomFrame } from './room-frame.ts'
import { tokenIn } from './token-frame.ts'

export interface WebSocketManagerOptions extends RoomOptions, FrameLimitOptions {
  readonly gateway: Gateway
  readonly authenticate: (credentials: Credentials) => Promise<Identity>
  /** Who a connection is that brings no token. */
  readonly anonymous: Identity
  /** Whether it may stay so. */
  readonly allowAnonymous: boolean
  readonly proxyHops: number
  readonly unfinished: UnfinishedMessages
  readonly authTimeoutMs: number
  readonly keepAliveMs: number
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
}

/** How long frames beyond the rate of a connection are held, in milliseconds. */
const holdMs = 100

interface ConnectionOptions extends WebSocketManagerOptions {
  readonly room: Room
  readonly frameLimits: FrameLimits
  readonly socket: WebSocket
  readonly stream: Duplex
  readonly request: IncomingMessage
  readonly address: string
}

interface Incoming {
  readonly body: Buffer
  readonly binary: boolean
}

/** One client of `/ws`: who it is, then what it sends and hears. */
export class RoomConnection {
  readonly #options: Omit<ConnectionOptions, 'request'>
  readonly #socket: WebSocket
  readonly #outbox: Outbox
  readonly #query: URLSearchParams
  /** The token that came with the request, until it has been looked at. */
  #authorization: string | undefined
  readonly #envelope: Envelope
  /** What takes the client's frames once it is known who it is. */
  #take: ((frame: Incoming) => void) | undefined
  /** The same, behind the first frame. */
  #taker: (frame: Incoming) => void = () => {}
  #session: Session | undefined
  /**
   * Frames beyond the rate, and those that came while the token was looked at. Nothing is read
   * while there are any.
   */
  #held: Incoming[] = []
  #holding: NodeJS.Timeout | undefined
  #authTimer: NodeJS.Timeout | undefined

  constructor(options: ConnectionOptions) {
    const { request, ...others } = options
    const { socket, stream, outboxes, unfinished, address, frameLimits } = others
    // Without the request: its headers would be held as long as the connection.
    this.#options = others
    this.#socket = socket
    const isOpen = () => socket.readyState === socket.OPEN
    this.#outbox = new Outbox({ socket: stream, isOpen, outboxes })
    this.#query = new URL(request.url ?? '/', 'ws://localhost').searchParams
    this.#envelope = envelopeOf(this.#query)
    const token = this.#query.get('token')
    this.#authorization = token === null ? request.headers.authorization : `Bearer ${token}`
    MeteredSocket.watch({
      socket,
      stream,
      address,
      unfinished,
      isKnown: () => frameLimits.isKnown(this.#session?.identity),
      maxBytes: () => frameLimits.of(this.#session?.identity),
      onRefused: () => this.#session?.end('bad-request'),
    })
    // Without a listener an oversized or broken frame would be an uncaught error; ws closes the
    // socket itself.
    socket.on('error', () => undefined)
    answerPings(socket, new ReadThrottle(socket))
    socket.on('message', (data: Buffer, binary: boolean) => this.#receive({ body: data, binary }))
    socket.once('close', (code) => {
      clearTimeout(this.#authTimer)
      clearTimeout(this.#holding)
      this.#held = []
      this.#outbox.close()
      this.#session?.end(endOf(code))
    })
  }

  /**
   * A token in the URL or the header, or none where strangers may stay; otherwise the first frame
   * brings it.
   */
  async begin(): Promise<void> {
    const authorization = this.#authorization
    this.#authorization = undefined
    if (authorization !== undefined) return this.#introduce(authorization)
    this.#take = (frame) => this.#takeFirst(frame)
    if (this.#options.allowAnonymous) return this.#enter(this.#options.anonymous, (frame) => this.#takeFirst(frame))
    this.#authTimer = setTimeout(() => closeSocket(this.#socket, 'UNAUTHORIZED'), this.#options.authTimeoutMs)
  }

  /** It takes nothing of what waits for it, and is about to be cut off. */
  stalled(): void {
    this.#session?.end('slow-consumer')
  }

  #takeFirst(frame: Incoming): void {
    const token = frame.binary ? undefined : tokenIn(frame.body.toString())
    if (token !== undefined) {
      this.#take = undefined
      void this.#introduce(`Bearer ${token}`)
      return
    }
    if (!this.#session) return closeSocket(this.#socket, 'UNAUTHORIZED')
    this.#take = this.#taker
    this.#taker(frame)
  }

  /** Nothing is read meanwhile: what it may send depends on who it is. */
  async #introduce(authorization: string): Promise<void> {
    this.#socket.pause()
    await this.#authenticate(authorization)
    this.#takeHeld()
  }

  async #authenticate(authorization: string): Promise<void> {
    try {
      const identity = await this.#options.authenticate({ authorization })
      if (!isKnown(identity)) throw new GatewayError('UNAUTHENTICATED', 'The token grants nothing.')
      if (this.#socket.readyState !== this.#socket.OPEN) return
      if (this.#session) this.#session.renew(identity)
      else this.#enter(identity)
      this.#take = this.#taker
    } catch (error) {
      this.#refuse(error)
    }
  }

  #enter(identity: Identity, take?: (frame: Incoming) => void): void {
    const { gateway, address, stream } = this.#options
    clearTimeout(this.#authTimer)
    try {
      this.#session = gateway.openSession({
        identity,
        transport: 'websocket',
        address,
        on: acceptedOn(stream),
        onClose: (reason) => {
          this.#outbox.flush()
          closeSocket(this.#socket, reason)
        },
      })
      this.#taker = this.#query.has('channel') ? this.#joinChannel(this.#session) : this.#joinRoom(this.#session)
      this.#take = take ?? this.#taker
    } catch (error) {
      this.#refuse(error)
    }
  }

  #joinRoom(session: Session): (frame: Incoming) => void {
    const { room, maxBufferedBytes, allowAnonymous } = this.#options
    // Where anybody may be in the room without a token, one with a token may too.
    if (!allowAnonymous)
      demand(mayJoinRoom(session.identity), session.identity, 'join the room; that takes the scope room')
    const member = new RoomMember({ envelope: this.#envelope, session, outbox: this.#outbox, maxBufferedBytes })
    room.join(member)
    session.joinRoom()
    if (this.#envelope === 'json') member.tell(jsonTextFrame({ kind: 'joined' }))
    this.#socket.once('close', () => room.leave(member))
    return ({ body, binary }) => {
      if (room.accept(member, new RoomFrame(body, binary))) return
      const message = 'too many frames wait for the broker; this one was not taken, nor is any behind it'
      this.#refuse(new GatewayError('BROKER_UNAVAILABLE', message))
    }
  }

  #joinChannel(session: Session): (frame: Incoming) => void {
    const parts: ChannelParts = {
      ...this.#options,
      session,
      outbox: this.#outbox,
      envelope: this.#envelope,
      channel: this.#query.get('channel') ?? '',
      after: this.#query.get('after'),
      checkpoints: this.#query.get('checkpoints') === 'true',
      overflow: this.#query.get('overflow'),
      onEnd: (failure) => failure && this.#refuse(failure),
    }
    listenToChannel(parts)
    let last: Promise<void> = Promise.resolve()
    return ({ body, binary }) => {
      if (binary) return this.#tell(new GatewayError('BAD_USER_INPUT', 'a channel takes text frames'))
      const text = body.toString()
      last = Promise.all([session.during(publishOn(parts, text)), last]).then(
        () => {},
        (error: unknown) => this.#tell(error),
      )
    }
  }

  #receive(frame: Incoming): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    if (this.#held.length > 0 || !this.#take || !this.#mayTake()) return this.#hold(frame)
    this.#take(frame)
  }

  /** The first frame may be what makes a session. */
  #mayTake(): boolean {
    try {
      this.#session?.admit()
      return true
    } catch {
      return false
    }
  }

  /**
   * A client that sends faster than it may is read from more slowly: nothing is lost, and the limit
   * holds.
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
    // Refused or ended: nothing is taken any more, but the peer's close frame is still to be read.
    if (this.#socket.readyState !== this.#socket.OPEN) this.#held = []
    let place = 0
    for (; place < this.#held.length && this.#take && this.#mayTake(); place += 1) {
      const frame = this.#held[place]
      if (frame) this.#take(frame)
    }
    this.#held = this.#held.slice(place)
    if (this.#held.length > 0) this.#takeHeldLater()
    else if (this.#socket.isPaused) this.#socket.resume()
  }

  /** An error that the session survives. Who has no envelope can't be told it, and is let go. */
  #tell(error: unknown): void {
    if (this.#envelope === 'none') return this.#refuse(error)
    this.#outbox.push(jsonTextFrame({ kind: 'error', error: this.#toldOf(error) }))
  }

  #refuse(error: unknown): void {
    const told = this.#toldOf(error)
    if (this.#envelope === 'json') this.#outbox.push(jsonTextFrame({ kind: 'error', error: told }))
    this.#outbox.flush()
    const reason = closeReasonOf(told.code)
    if (this.#session) this.#session.close(reason)
    else closeSocket(this.#socket, reason)
  }

  #toldOf(error: unknown): {
    code: ErrorCode | 'INTERNAL_SERVER_ERROR'
    message: string
    field?: string
    limit?: string
  } {
    if (!(error instanceof GatewayError)) {
      const what = errorStack(error)
      this.#options.log('error', 'a plain WebSocket failed in a way that was not foreseen', { error: what })
      return { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error' }
    }
    this.#options.onRefusal(error.code)
    const { code, message, field, limit } = error
    return { code, message, field, limit }
  }
}

/** What cannot be answered ends the session: with which reason. */
/**
 * The old manager's clients get bare frames; a channel is new, and without the envelope its cursors
 * and gaps are not to be had.
 */
function envelopeOf(query: URLSearchParams): Envelope {
  const asked = query.get('envelope')
  if (asked === 'json' || asked === 'none') return asked
  return query.has('channel') ? 'json' : 'none'
}
