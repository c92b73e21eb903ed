import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { SessionEnd } from '../../core/accounting/labels.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { Session } from '../../core/sessions/session.ts'
import { type CloseReason, closeReasons, type ErrorCode, GatewayError } from '../../errors.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import type { FrameLimits } from '../flow/frame-limits.ts'
import type { Outbox } from '../flow/outbox.ts'
import type { UnfinishedMessages } from '../flow/unfinished-messages.ts'
import { textFrameHeader } from '../websocket/frame-writer.ts'
import { MeteredSocket } from '../websocket/metered-socket.ts'
import { Answers } from './answers.ts'
import { type Answer, type Caller, type Command, type CommandParts, socketClusterCommands } from './commands.ts'
import type { Heartbeat } from './heartbeat.ts'
import { introductionOf } from './introduction.ts'
import { type CallId, decodeFrame, type Packet } from './packet.ts'
import type { PublishFrames } from './publish-frames.ts'
import { type SocketClusterSubscribeOptions, SocketClusterSubscription } from './subscription.ts'

export interface ConnectionParts extends CommandParts {
  readonly socket: WebSocket
  /** What the WebSocket is spoken on. */
  readonly stream: Duplex
  readonly unfinished: UnfinishedMessages
  readonly frameLimits: FrameLimits
  readonly outbox: Outbox
  readonly frames: PublishFrames
  readonly heartbeat: Heartbeat
  readonly address: string
  readonly nobody: Identity
  /** What the client is told: how long it may hear nothing from us before it gives us up. */
  readonly pingTimeoutMs: number
  readonly handshakeTimeoutMs: number
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

/** The codes that the protocol itself closes with. */
export const protocolCloses = {
  pongTimeout: { code: 4001, text: 'No pong' },
  handshakeTimeout: { code: 4005, text: 'No handshake' },
  handshakeExpected: { code: 4009, text: 'Expected #handshake' },
} as const

/**
 * Old clients subscribe before they shake hands; so many packets are kept for them, and so much of
 * their text.
 */
const maxEarlyPackets = 32
const maxEarlyBytes = 16 * 1024
/** What packets weigh that are kept as they were parsed, for each byte of their text. */
const parsedFactor = 16
/**
 * What a client may have published that the broker has not confirmed, in bytes; past it nothing is
 * read from it until it has.
 */
const maxUnconfirmedBytes = 1024 * 1024
/** How soon a client that is at the limit of its rate is looked at again, in milliseconds. */
const rateRetryMs = 250

/**
 * One client, from its first frame to its close. Commands are begun in their order, within the rate
 * of its session: one that is too fast is read more slowly, for its publications have nobody who
 * could be told that they were refused.
 */
export class SocketClusterConnection implements Caller {
  readonly parts: ConnectionParts
  readonly #answers: Answers
  readonly #meter: MeteredSocket
  /** Text of packets that came before the handshake. */
  #earlyBytes = 0
  readonly #openedAt = performance.now()
  readonly #subscriptions = new Map<string, SocketClusterSubscription>()
  readonly #waiting: Packet[] = []
  #session: Session | undefined
  /** A command that others wait for is under way. */
  #busy = false
  #unconfirmedBytes = 0
  #retry: NodeJS.Timeout | undefined

  constructor(parts: ConnectionParts) {
    this.parts = parts
    const { socket, outbox, log, onRefusal } = parts
    this.#meter = MeteredSocket.watch({
      ...parts,
      isKnown: () => parts.frameLimits.isKnown(this.#session?.identity),
      maxBytes: () => parts.frameLimits.of(this.#session?.identity),
      onRefused: () => this.#session?.end('bad-request'),
    })
    this.#answers = new Answers({ outbox, log, onRefusal, onChange: () => this.#listenOrNot() })
    socket.on('message', (data: Buffer) => this.#receive(data.toString()))
    socket.on('pong', () => parts.heartbeat.heard())
    socket.on('ping', (data) => {
      parts.heartbeat.heard()
      this.#answers.pong(data)
    })
    socket.once('close', (code) => {
      clearTimeout(this.#retry)
      this.#waiting.length = 0
      outbox.close()
      this.#session?.end(endOf(code))
    })
  }

  get session(): Session {
    if (!this.#session) throw new GatewayError('UNAUTHENTICATED', 'the connection has not shaken hands')
    return this.#session
  }

  get nobody(): Identity {
    return this.parts.nobody
  }

  isSubscribed(channel: string): boolean {
    return this.#subscriptions.has(channel)
  }

  subscribe(channel: string, options: SocketClusterSubscribeOptions): () => void {
    const { outbox, frames } = this.parts
    const entry: SocketClusterSubscription = new SocketClusterSubscription({
      subscription: this.session.subscribe({ clientId: channel, ...options }),
      cursors: options.cursors,
      tellsGaps: options.cursors || options.after !== undefined,
      outbox,
      frames,
      transmit: this.transmit,
      onEnd: (failure) => {
        if (this.#subscriptions.get(channel) === entry) this.#subscriptions.delete(channel)
        if (failure) this.transmit('#kickOut', { channel, message: failure.message })
      },
    })
    this.#subscriptions.set(channel, entry)
    return () => entry.begin()
  }

  unsubscribe(channel: string): void {
    const subscription = this.#subscriptions.get(channel)
    this.#subscriptions.delete(channel)
    subscription?.cancel()
  }

  readonly transmit = (event: string, data?: unknown): void => {
    this.#answers.transmit(event, data)
  }

  readonly unconfirmed = (change: number): void => {
    this.#unconfirmedBytes += change
    if (change < 0) this.#work()
  }

  readonly close = (code = 1000, text = ''): void => {
    const { socket, outbox } = this.parts
    this.#waiting.length = 0
    outbox.flush()
    socket.close(code, text)
    // Else the answer to the close frame would not be read either.
    if (socket.isPaused) socket.resume()
  }

  /** The gateway ends the session. */
  closeFor(reason: CloseReason): void {
    if (reason === 'REVOKED') {
      for (const channel of this.#subscriptions.keys())
        this.transmit('#kickOut', { channel, message: closeReasons.REVOKED.text })
      this.transmit('#removeAuthToken')
    }
    this.close(closeReasons[reason].socketCluster, closeReasons[reason].text)
  }

  /** Called again and again: sends the pings that are due, and lets go of a peer that is gone. */
  tick(now: number): void {
    const { socket, heartbeat, outbox, handshakeTimeoutMs } = this.parts
    if (socket.readyState !== socket.OPEN) return
    const { pongTimeout, handshakeTimeout } = protocolCloses
    if (!this.#session) {
      if (now - this.#openedAt > handshakeTimeoutMs) this.close(handshakeTimeout.code, handshakeTimeout.text)
      return
    }
    if (heartbeat.isSilent(now)) {
      this.#session.end('lost')
      this.close(pongTimeout.code, pongTimeout.text)
      return
    }
    const ping = heartbeat.due(now)
    if (ping === 'control') outbox.push('\x89\x00')
    else if (ping !== undefined) outbox.push(`${textFrameHeader(ping.length)}${ping}`)
  }

  #receive(text: string): void {
    const { heartbeat, socket } = this.parts
    if (socket.readyState !== socket.OPEN) return
    heartbeat.heard()
    const frame = decodeFrame(text)
    switch (frame.kind) {
      case 'pong':
        heartbeat.answered(frame.protocol)
        return
      case 'oversized-batch':
        this.closeFor('BAD_REQUEST')
        return
      case 'raw':
        if (!this.#session && !this.#busy) this.#refuseEarly()
        return
      case 'packets':
        if (!this.#session && !this.#keepEarly(text)) return
        for (const packet of frame.packets) this.#queue(packet)
        this.#work()
    }
  }

  /**
   * False: it is too much, and the connection is closed. Its address pays for what is kept until
   * the handshake.
   */
  #keepEarly(text: string): boolean {
    this.#earlyBytes += Buffer.byteLength(text)
    if (this.#earlyBytes > maxEarlyBytes) {
      this.#refuseEarly()
      return false
    }
    this.#meter.keepsBeside(this.#earlyBytes * parsedFactor)
    return true
  }

  #queue(packet: Packet): void {
    if (this.#session || this.#busy || packet.event !== '#handshake') {
      this.#waiting.push(packet)
      return
    }
    this.#busy = true
    void this.#shakeHands(packet)
  }

  #work(): void {
    if (!this.#session) {
      if (!this.#busy && this.#waiting.length > maxEarlyPackets) this.#refuseEarly()
    } else {
      while (this.#mayBegin()) {
        const packet = this.#waiting.shift()
        if (packet) this.#begin(packet)
      }
    }
    this.#listenOrNot()
  }

  #mayBegin(): boolean {
    const { socket } = this.parts
    if (this.#waiting.length === 0 || this.#busy || this.#retry || socket.readyState !== socket.OPEN) return false
    if (this.#unconfirmedBytes > maxUnconfirmedBytes) return false
    try {
      this.#session?.admit()
      return true
    } catch {
      this.#retry = setTimeout(() => {
        this.#retry = undefined
        this.#work()
      }, rateRetryMs)
      return false
    }
  }

  #begin({ event, data, cid }: Packet): void {
    const command = socketClusterCommands.get(event)
    if (!command) {
      // A transmission that nobody listens for is passed over, as the stock server does; a call
      // would wait in vain.
      if (cid !== undefined) this.#answers.refuse(cid, unknownCall(event))
      return
    }
    this.#busy = command.inTurn
    const running = this.#run(command, data, cid)
    if (!command.inTurn) return
    void running.finally(() => {
      this.#busy = false
      this.#work()
    })
  }

  /** Begins at once; what needs no waiting is done when this returns. Never rejects. */
  #run(command: Command, data: unknown, cid: CallId | undefined): Promise<void> {
    try {
      const answer = this.session.during(command.run(this, data))
      if (answer instanceof Promise) {
        return answer.then(
          (given) => this.#answer(cid, given),
          (error: unknown) => this.#answers.refuse(cid, error),
        )
      }
      this.#answer(cid, answer)
    } catch (error) {
      this.#answers.refuse(cid, error)
    }
    return Promise.resolve()
  }

  async #shakeHands({ data, cid, text }: Packet): Promise<void> {
    const { socket, stream, gateway, heartbeat, address, nobody, pingTimeoutMs, onRefusal } = this.parts
    try {
      const { identity, refused } = await introductionOf(data, this.parts)
      if (socket.readyState !== socket.OPEN) return
      const onClose = (reason: CloseReason) => this.closeFor(reason)
      this.#session = gateway.openSession({
        identity,
        transport: 'socketcluster',
        address,
        on: acceptedOn(stream),
        onClose,
      })
      this.#earlyBytes = 0
      this.#meter.keepsBeside(0)
      heartbeat.shaken(text)
      const status = { id: randomUUID(), pingTimeout: pingTimeoutMs }
      const authError = refused ? { authError: refused.refusal } : {}
      this.#answers.give(cid, { ...status, ...authError, isAuthenticated: identity !== nobody })
      if (refused?.refusal.code) onRefusal(refused.refusal.code)
      if (refused?.refusal.isBadToken) this.transmit('#removeAuthToken')
      this.#busy = false
      this.#work()
    } catch (error) {
      this.#answers.refuse(cid, error)
      this.closeFor(error instanceof GatewayError && error.code === 'DRAINING' ? 'RESTART' : 'TOO_MANY')
    }
  }

  #refuseEarly(): void {
    this.close(protocolCloses.handshakeExpected.code, protocolCloses.handshakeExpected.text)
  }

  #answer(cid: CallId | undefined, { data, afterwards }: Answer): void {
    this.#answers.give(cid, data)
    afterwards?.()
  }

  /** Nothing is read from a client that is ahead of us: its own sending stands still. */
  #listenOrNot(): void {
    const { socket } = this.parts
    if (socket.readyState !== socket.OPEN) return
    const isAhead = this.#busy || (this.#session && this.#waiting.length > 0) || this.#answers.areUnread
    if (isAhead && !socket.isPaused) socket.pause()
    else if (!isAhead && socket.isPaused) socket.resume()
  }
}

function unknownCall(event: string): GatewayError {
  const sentence =
    event === '#handshake'
      ? 'this connection has shaken hands already'
      : `expected one of ${[...socketClusterCommands.keys()].join(', ')}`
  return new GatewayError('BAD_USER_INPUT', `event: ${sentence}`, { field: 'event' })
}

function endOf(code: number): SessionEnd {
  if (code === 1006 || code === 4000) return 'lost'
  return code === 1000 || code === 1001 || code === 1005 ? 'client' : 'bad-request'
}
