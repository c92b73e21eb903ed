import type { Socket } from 'node:net'
import { type CloseReason, closeReasons } from '../../close-reasons.ts'
import type { SessionEnd } from '../../core/accounting/labels.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { Gateway } from '../../core/gateway.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { Session } from '../../core/sessions/session.ts'
import { badInput, type ErrorCode, GatewayError } from '../../errors.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import { type ErrorFields, errorFieldsOf } from '../encoding/error-fields.ts'
import { eventJson } from '../encoding/event-json.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import type { FrameLimitOptions, FrameLimits } from '../flow/frame-limits.ts'
import { Outbox, type Outboxes } from '../flow/outbox.ts'
import { ReadThrottle } from '../flow/read-throttle.ts'
import type { Receiver, UnfinishedMessages, UnfinishedRefusal } from '../flow/unfinished-messages.ts'
import { type CommandContext, tcpCommands } from './commands.ts'
import { isJson, readJson } from './content.ts'
import { binaryFrame, jsonFrame, type TcpFrame, TcpFrameReader } from './framing.ts'
import type { ListenOptions } from './listen.ts'
import { Silence } from './silence.ts'

export interface FramedTcpOptions extends ListenOptions, FrameLimitOptions {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly served: ServedSchema
  readonly authenticate: (token: string) => Promise<Identity>
  /** Identity of a connection that has not authenticated. */
  readonly anonymous: Identity
  /** Whether a connection may stay unauthenticated. */
  readonly allowAnonymous: boolean
  readonly unfinished: UnfinishedMessages
  readonly authTimeoutMs: number
  /** How long a peer may take to send a frame, in milliseconds. */
  readonly requestTimeoutMs: number
  /** How long a peer may be silent, in milliseconds. It is pinged after half of this time. */
  readonly idleTimeoutMs: number
  readonly outboxes: Outboxes
  readonly onRefusal: (code: ErrorCode) => void
  readonly log: (text: string, details: Record<string, unknown>) => void
}

/**
 * Requests, and bytes of requests, that may be in progress on a connection. Beyond either, the
 * gateway stops reading from it.
 */
const maxInProgress = 64
const maxInProgressBytes = 1024 * 1024
/** Limit of a request's id, in characters of JSON. */
const maxIdBytes = 256
/** How long a peer may take to read the last frame, in milliseconds. */
const lingerMs = 1_000
/** How long after its answer a client of the old server may be silent, in milliseconds. */
const oldClientSilenceMs = 1_000

export interface FramedConnectionOptions extends FramedTcpOptions {
  readonly frameLimits: FrameLimits
}

/** One connection of the framed protocol, from its first byte to its last. */
export class FramedConnection implements Receiver {
  readonly address: string
  readonly #socket: Socket
  readonly #options: FramedConnectionOptions
  readonly #session: Session
  readonly #commandContext: CommandContext
  readonly #outbox: Outbox
  readonly #readThrottle: ReadThrottle
  readonly #reader: TcpFrameReader
  readonly #acceptedAt = performance.now()
  #receivedAt = performance.now()
  /** When the last ping was sent. A peer is timed out only after an unanswered ping. */
  #pingedAt = 0
  #closing = false
  #hasSentPong = false
  #inProgress = 0
  #inProgressBytes = 0
  /** Clients of the old server read until the end of the stream, which followed each answer. */
  readonly #silence = new Silence(oldClientSilenceMs, () => this.#end('client'))
  /**
   * A token is being verified. The frames behind it are read afterwards, because they may be
   * larger.
   */
  #authenticating = false
  readonly #piped = new WeakSet<ChannelSubscription>()
  /** Commands begin one after another. Only `publish` does not delay the commands behind it. */
  #lastCommand: Promise<void> = Promise.resolve()
  /** Answers are written in the order of their requests. */
  #answers: Promise<void> = Promise.resolve()

  /** Throws `LIMIT_EXCEEDED` if there are too many connections. */
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
    this.#commandContext = { ...options, session: this.#session, subscriptions: new Map() }
    this.#outbox = new Outbox({ socket, isOpen: () => socket.writable, outboxes: options.outboxes })
    this.#readThrottle = new ReadThrottle({ pause: () => socket.pause(), resume: () => this.#resumeReading() })
    this.#reader = new TcpFrameReader(
      () => options.frameLimits.of(this.#session.identity),
      () => this.isKnown,
    )
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    // A peer that closes its half first gets the answers that it waits for.
    socket.once('end', () => void this.#afterAnswers(() => this.#end('client')))
    socket.once('close', () => {
      this.#silence.stop()
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

  #receive(piece: Buffer): void {
    this.#receivedAt = performance.now()
    this.#silence.stop()
    if (this.#closing) return
    this.#reader.push(piece)
    this.#read()
  }

  #read(): void {
    try {
      while (!this.#closing && !this.#authenticating) {
        const frame = this.#reader.next()
        if (!frame) break
        this.#serve(frame)
      }
      if (!this.#closing) this.#options.unfinished.hold(this, this.#reader.unfinished, this.#reader.frames)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /**
   * Whether the peer has sent more requests than may be in progress. Nothing is read from it then,
   * so its own sending stalls.
   */
  get #hasTooManyRequests(): boolean {
    return this.#inProgress >= maxInProgress || this.#inProgressBytes > maxInProgressBytes || this.#authenticating
  }

  #finish(frame: TcpFrame): void {
    this.#inProgress -= 1
    this.#inProgressBytes -= frame.content.length
    this.#resumeReading()
  }

  #resumeReading(): void {
    if (!this.#hasTooManyRequests && !this.#readThrottle.isFull && this.#socket.isPaused()) this.#socket.resume()
  }

  #serve(frame: TcpFrame): void {
    this.#inProgress += 1
    this.#inProgressBytes += frame.content.length
    const { request, parseError } = requestOf(frame)
    const { action, id } = request
    const badId = id !== undefined && JSON.stringify(id).length > maxIdBytes
    const echoed = {
      ...(typeof action === 'string' ? { action: action.slice(0, maxIdBytes) } : {}),
      ...(id === undefined || badId ? {} : { id }),
    }
    this.#authenticating = action === 'authenticate'
    if (action === 'pong') this.#hasSentPong = true
    if (this.#hasTooManyRequests) this.#socket.pause()
    const answered = this.#lastCommand.then(async () => {
      // A pong only shows that the peer is alive, and no client of the old server.
      if (action === 'pong') return undefined
      this.#session.admit()
      if (parseError !== undefined) throw parseError
      if (badId) throw badInput('id', `expected at most ${maxIdBytes} characters as JSON`)
      if (!isJson(frame)) return binaryAnswer(frame)
      return textFrame({ ...echoed, result: await this.#runCommand(request) })
    })
    if (action !== 'publish') this.#lastCommand = settled(answered)
    if (action === 'authenticate') void this.#lastCommand.then(() => this.#authenticated())
    this.#answerWith(
      frame,
      answered.catch((error: unknown) => textFrame({ ...echoed, error: this.#errorFields(error) })),
      action === 'subscribe'
        ? () => this.#deliver(request['channel'])
        : action === 'search' || !isJson(frame)
          ? () => this.#endAfterSilence()
          : undefined,
    )
  }

  /**
   * Called after the answer to one of the two requests of the old server. Its clients have neither
   * token nor subscription, and do not know `pong`.
   */
  #endAfterSilence(): void {
    const isUnknown = this.#session.identity === this.#options.anonymous
    const isOld = isUnknown && this.#commandContext.subscriptions.size === 0 && !this.#hasSentPong
    if (isOld && this.#inProgress === 0) this.#silence.watch()
  }

  async #runCommand(request: Record<string, unknown>): Promise<unknown> {
    const { action } = request
    const command = typeof action === 'string' ? tcpCommands.get(action) : undefined
    if (!command) throw badInput('action', `expected one of ${[...tcpCommands.keys()].join(', ')}`)
    return this.#session.during(command(this.#commandContext, request))
  }

  #authenticated(): void {
    this.#authenticating = false
    this.#read()
    this.#resumeReading()
  }

  #answerWith(request: TcpFrame, answered: Promise<Buffer | undefined>, then?: () => void): void {
    this.#answers = this.#answers.then(async () => {
      const frame = await answered
      this.#finish(request)
      if (this.#closing) return
      if (frame && this.#socket.writable) {
        this.#outbox.flush()
        this.#socket.write(frame, this.#readThrottle.sending(frame.length))
      }
      then?.()
    })
  }

  /** Starts the delivery after the answer of `subscribe` has been written. */
  #deliver(channel: unknown): void {
    const subscribed = typeof channel === 'string' ? this.#commandContext.subscriptions.get(channel) : undefined
    if (!subscribed || this.#piped.has(subscribed.subscription)) return
    const { subscription, typed } = subscribed
    this.#piped.add(subscription)
    const outbox = this.#outbox
    subscription.pipe({
      take: (event) => {
        if (!outbox.hasRoom) {
          outbox.whenRoom(subscription)
          return false
        }
        const json = eventJson(event, subscription.channel, typed)
        if (json !== undefined) outbox.push(jsonFrame(json))
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

  #errorFields(error: unknown): ErrorFields {
    const { onRefusal, log } = this.#options
    const onUnexpected = (stack: string): void => log('unexpected error in a TCP request', { error: stack })
    return errorFieldsOf(error, { onRefusal, onUnexpected })
  }

  /** Checks the time limits. `openFramedTcp` calls it at an interval. */
  tick(now: number): void {
    if (this.#closing) return
    const { authTimeoutMs, idleTimeoutMs, anonymous } = this.#options
    // The gateway does not read from this peer, so its silence does not count.
    if (this.#hasTooManyRequests) this.#receivedAt = now
    const unansweredMs = this.#pingedAt > this.#receivedAt ? now - this.#pingedAt : 0
    if (unansweredMs >= idleTimeoutMs / 2) {
      this.#session.end('lost')
      this.#socket.destroy()
      return
    }
    const isUnauthenticated = this.#session.identity === anonymous && !this.#options.allowAnonymous
    if (isUnauthenticated && now - this.#acceptedAt >= authTimeoutMs) return this.#session.close('UNAUTHORIZED')
    if (unansweredMs === 0 && now - this.#receivedAt >= idleTimeoutMs / 2) {
      this.#pingedAt = now
      this.#outbox.push(jsonFrame('{"kind":"ping"}'))
    }
  }

  refuseUnfinished(why: UnfinishedRefusal): void {
    if (this.#closing) return
    if (why.kind === 'late') return this.#refuse(invalidFrame(`the frame was not complete within ${why.afterMs} ms`))
    const message = `at most ${why.maxBytes} bytes of unfinished messages from one address`
    this.#outbox.push(
      errorFrame(
        this.#errorFields(new GatewayError('LIMIT_EXCEEDED', message, { limit: 'WARREN_MAX_UNFINISHED_BYTES' })),
      ),
    )
    this.#session.close('TOO_MANY')
  }

  /**
   * The input is not a valid frame or is too large. The start of the next frame is unknown, so the
   * connection closes.
   */
  #refuse(error: unknown): void {
    this.#outbox.push(errorFrame(this.#errorFields(error)))
    this.#session.close('BAD_REQUEST')
  }

  #close(reason: CloseReason): void {
    const { text, comeBack, graphqlWs } = closeReasons[reason]
    this.#outbox.push(jsonFrame(JSON.stringify({ kind: 'close', reason, code: graphqlWs, comeBack, text })))
    this.#end()
  }

  /**
   * `reason`: set if the peer ended the connection. Input is read and dropped: if the socket closed
   * while the peer still sends, the peer would lose the last frame.
   */
  #end(reason?: SessionEnd): void {
    if (this.#closing) return
    this.#closing = true
    this.#silence.stop()
    this.#options.unfinished.hold(this, 0)
    if (reason) this.#session.end(reason)
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

function invalidFrame(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message)
}

/**
 * A request that cannot be parsed is answered in its turn. The requests behind it are not affected.
 */
function requestOf(frame: TcpFrame): { request: Record<string, unknown>; parseError?: unknown } {
  if (!isJson(frame)) return { request: {} }
  try {
    return { request: readJson(frame) }
  } catch (parseError) {
    return { request: {}, parseError }
  }
}

/** The old server answered unknown content like this. */
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
