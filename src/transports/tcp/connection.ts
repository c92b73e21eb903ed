import type { Socket } from 'node:net'
import type { SessionEnd } from '../../core/accounting/labels.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { Gateway } from '../../core/gateway.ts'
import { printJson } from '../../core/json/print-json.ts'
import { errorStack } from '../../core/model/error-text.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { Session } from '../../core/sessions/session.ts'
import { badInput, type CloseReason, closeReasons, type ErrorCode, GatewayError } from '../../errors.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import { eventJson } from '../flow/event-json.ts'
import type { FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { Outbox, type Outboxes } from '../flow/outbox.ts'
import { ReadThrottle } from '../flow/read-throttle.ts'
import type { Receiver, UnfinishedMessages, UnfinishedRefusal } from '../flow/unfinished-messages.ts'
import { type Desk, tcpCommands } from './commands.ts'
import { isJson, readJson } from './content.ts'
import { binaryFrame, jsonFrame, type TcpFrame, TcpFrameReader } from './framing.ts'
import type { ListenOptions } from './listen.ts'

export interface FramedTcpOptions extends ListenOptions, FrameLimitOptions {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly authenticate: (token: string) => Promise<Identity>
  /** Who a connection is that has not said it. */
  readonly anonymous: Identity
  /** Whether it may stay so. */
  readonly allowAnonymous: boolean
  readonly unfinished: UnfinishedMessages
  readonly authTimeoutMs: number
  /** How long a peer may take to send a frame. */
  readonly requestTimeoutMs: number
  /** How long it may be silent: it is pinged at half of it. */
  readonly idleTimeoutMs: number
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
  readonly log: (text: string, details: Record<string, unknown>) => void
}

/**
 * Requests that may be under way on a connection, and bytes of them; past either nothing is read
 * from it.
 */
const maxUnderWay = 64
const maxUnderWayBytes = 1024 * 1024
/** Of a request's id, as JSON. */
const maxIdBytes = 256
/** What a peer is given to take the last frame, in milliseconds. */
const lingerMs = 1_000

export interface FramedConnectionOptions extends FramedTcpOptions {
  readonly frameLimits: FrameLimits
}

/** One connection of the framed protocol, from its first byte to its last. */
export class FramedConnection implements Receiver {
  readonly address: string
  readonly #socket: Socket
  readonly #options: FramedConnectionOptions
  readonly #session: Session
  readonly #desk: Desk
  readonly #outbox: Outbox
  readonly #readThrottle: ReadThrottle
  readonly #reader: TcpFrameReader
  readonly #acceptedAt = performance.now()
  #heardAt = performance.now()
  /** When it was asked last whether it is still there: nobody is found silent who was not. */
  #pingedAt = 0
  #closing = false
  #underWay = 0
  #underWayBytes = 0
  /** A token is being looked at: what comes behind it may be larger than what came before. */
  #authenticating = false
  readonly #piped = new WeakSet<ChannelSubscription>()
  /** Commands begin one after another, but for a `publish`, which nothing behind it waits for. */
  #turn: Promise<void> = Promise.resolve()
  /** Answers leave in the order of their requests. */
  #answers: Promise<void> = Promise.resolve()

  /** Throws `LIMIT_EXCEEDED` where there are too many. */
  constructor(socket: Socket, options: FramedConnectionOptions, onClosed: (connection: FramedConnection) => void) {
    this.#socket = socket
    this.#options = options
    this.address = socket.remoteAddress ?? ''
    this.#session = options.gateway.openSession({
      identity: options.anonymous,
      transport: 'tcp',
      address: socket.remoteAddress,
      on: acceptedOn(socket),
      onClose: (reason) => this.#close(reason),
    })
    this.#desk = { ...options, session: this.#session, subscriptions: new Map() }
    this.#outbox = new Outbox({ socket, isOpen: () => socket.writable, outboxes: options.outboxes })
    this.#readThrottle = new ReadThrottle({ pause: () => socket.pause(), resume: () => this.#listenAgain() })
    this.#reader = new TcpFrameReader(
      () => options.frameLimits.of(this.#session.identity),
      () => this.isKnown,
    )
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    // Who has said all gets the answers that it waits for, and the end.
    socket.once('end', () => void this.#afterAnswers(() => this.#end('client')))
    socket.once('close', () => {
      this.#outbox.close()
      options.unfinished.hold(this, 0)
      this.#session.end('lost')
      onClosed(this)
    })
  }

  get isKnown(): boolean {
    return this.#options.frameLimits.isKnown(this.#session.identity)
  }

  get isPaused(): boolean {
    return this.#socket.isPaused()
  }

  refuseUnfinished(why: UnfinishedRefusal): void {
    if (this.#closing) return
    if (why.kind === 'late') return this.#refuse(badFrame(`the frame was not complete within ${why.afterMs} ms`))
    const message = `at most ${why.maxBytes} bytes of unfinished messages from one address`
    this.#outbox.push(
      errorFrame(this.#told(new GatewayError('LIMIT_EXCEEDED', message, { limit: 'WARREN_MAX_UNFINISHED_BYTES' }))),
    )
    this.#session.close('TOO_MANY')
  }

  /** Called every now and then. */
  tick(now: number): void {
    if (this.#closing) return
    const { authTimeoutMs, idleTimeoutMs, anonymous } = this.#options
    // It is we who don't listen.
    if (this.#isAhead) this.#heardAt = now
    const unansweredMs = this.#pingedAt > this.#heardAt ? now - this.#pingedAt : 0
    if (unansweredMs >= idleTimeoutMs / 2) {
      this.#session.end('lost')
      this.#socket.destroy()
      return
    }
    const unknown = this.#session.identity === anonymous && !this.#options.allowAnonymous
    if (unknown && now - this.#acceptedAt >= authTimeoutMs) return this.#session.close('UNAUTHORIZED')
    if (unansweredMs === 0 && now - this.#heardAt >= idleTimeoutMs / 2) {
      this.#pingedAt = now
      this.#outbox.push(jsonFrame('{"kind":"ping"}'))
    }
  }

  #receive(piece: Buffer): void {
    this.#heardAt = performance.now()
    if (this.#closing) return
    this.#reader.push(piece)
    this.#read()
  }

  #read(): void {
    try {
      while (!this.#closing && !this.#authenticating) {
        const frame = this.#reader.next()
        if (!frame) break
        this.#begin(frame)
      }
      if (!this.#closing) this.#options.unfinished.hold(this, this.#reader.unfinished, this.#reader.frames)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Nothing is read from a peer that is ahead of us: it is its own sending that stands still. */
  get #isAhead(): boolean {
    return this.#underWay >= maxUnderWay || this.#underWayBytes > maxUnderWayBytes || this.#authenticating
  }

  #ended(frame: TcpFrame): void {
    this.#underWay -= 1
    this.#underWayBytes -= frame.content.length
    this.#listenAgain()
  }

  #listenAgain(): void {
    if (!this.#isAhead && !this.#readThrottle.isFull && this.#socket.isPaused()) this.#socket.resume()
  }

  #begin(frame: TcpFrame): void {
    this.#underWay += 1
    this.#underWayBytes += frame.content.length
    const { request, unreadable } = requestOf(frame)
    const { action, id } = request
    const badId = id !== undefined && JSON.stringify(id).length > maxIdBytes
    const about = {
      ...(typeof action === 'string' ? { action: action.slice(0, maxIdBytes) } : {}),
      ...(id === undefined || badId ? {} : { id }),
    }
    this.#authenticating = action === 'authenticate'
    if (this.#isAhead) this.#socket.pause()
    const answered = this.#turn.then(async () => {
      // It asks for nothing: to be heard is what it is for.
      if (action === 'pong') return undefined
      this.#session.admit()
      if (unreadable !== undefined) throw unreadable
      if (badId) throw badInput('id', `expected at most ${maxIdBytes} characters as JSON`)
      if (!isJson(frame)) return binaryAnswer(frame)
      return textFrame({ ...about, result: await this.#run(request) })
    })
    if (action !== 'publish') this.#turn = settled(answered)
    if (action === 'authenticate') void this.#turn.then(() => this.#authenticated())
    this.#answerWith(
      frame,
      answered.catch((error: unknown) => textFrame({ ...about, error: this.#told(error) })),
      action === 'subscribe' ? () => this.#pipe(request['channel']) : undefined,
    )
  }

  async #run(request: Record<string, unknown>): Promise<unknown> {
    const { action } = request
    const command = typeof action === 'string' ? tcpCommands.get(action) : undefined
    if (!command) throw badInput('action', `expected one of ${[...tcpCommands.keys()].join(', ')}`)
    return this.#session.during(command(this.#desk, request))
  }

  #authenticated(): void {
    this.#authenticating = false
    this.#read()
    this.#listenAgain()
  }

  #answerWith(request: TcpFrame, answered: Promise<Buffer | undefined>, then?: () => void): void {
    this.#answers = this.#answers.then(async () => {
      const frame = await answered
      this.#ended(request)
      if (this.#closing) return
      if (frame && this.#socket.writable) {
        this.#outbox.flush()
        this.#socket.write(frame, this.#readThrottle.sending(frame.length))
      }
      then?.()
    })
  }

  /** Events flow behind the answer that says they will. */
  #pipe(channel: unknown): void {
    const subscription = typeof channel === 'string' ? this.#desk.subscriptions.get(channel) : undefined
    if (!subscription || this.#piped.has(subscription)) return
    this.#piped.add(subscription)
    const outbox = this.#outbox
    subscription.pipe({
      take: (event) => {
        if (!outbox.hasRoom) {
          outbox.whenRoom(subscription)
          return false
        }
        outbox.push(jsonFrame(eventJson(event, subscription.channel)))
        return true
      },
      end: (failure) => {
        if (!failure) return
        const { code, message } = failure
        outbox.push(
          jsonFrame(latin1Of(JSON.stringify({ channel: subscription.channel, kind: 'end', error: { code, message } }))),
        )
      },
    })
  }

  #told(error: unknown): object {
    if (!(error instanceof GatewayError)) {
      this.#options.log('a request over TCP failed in a way that was not foreseen', {
        error: errorStack(error),
      })
      return { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error' }
    }
    this.#options.onRefusal(error.code)
    const { code, message, field, limit } = error
    return { code, message, field, limit }
  }

  /** What came is no frame, or too much of one: nobody knows where the next begins. */
  #refuse(error: unknown): void {
    this.#outbox.push(errorFrame(this.#told(error)))
    this.#session.close('BAD_REQUEST')
  }

  #close(reason: CloseReason): void {
    const { text, comeBack, graphqlWs } = closeReasons[reason]
    this.#outbox.push(jsonFrame(JSON.stringify({ kind: 'close', reason, code: graphqlWs, comeBack, text })))
    this.#end()
  }

  /**
   * `why`: the peer's doing. What it still sends is read and dropped: a connection that is closed
   * on a peer which sends loses the last frame.
   */
  #end(why?: SessionEnd): void {
    if (this.#closing) return
    this.#closing = true
    this.#options.unfinished.hold(this, 0)
    if (why) this.#session.end(why)
    this.#outbox.flush()
    this.#socket.end()
    this.#socket.resume()
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs)
    this.#socket.once('close', () => clearTimeout(timer))
  }

  async #afterAnswers(then: () => void): Promise<void> {
    await this.#answers
    then()
  }
}

function errorFrame(error: object): string {
  return jsonFrame(latin1Of(JSON.stringify({ error })))
}

function badFrame(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message)
}

/** What cannot be read is answered in its turn, and says nothing about what comes behind it. */
function requestOf(frame: TcpFrame): { request: Record<string, unknown>; unreadable?: unknown } {
  if (!isJson(frame)) return { request: {} }
  try {
    return { request: readJson(frame) }
  } catch (unreadable) {
    return { request: {}, unreadable }
  }
}

/** As the old server answered whatever it did not know. */
function binaryAnswer({ content }: TcpFrame): Buffer {
  const answer = Buffer.concat([Buffer.from('First 10 bytes of request: '), content.subarray(0, 10)])
  return binaryFrame('binary/custom-server-binary-type', answer)
}

function textFrame(answer: object): Buffer {
  return Buffer.from(jsonFrame(latin1Of(printJson(answer) ?? '{}')), 'latin1')
}

async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined)
}
