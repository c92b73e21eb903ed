import { randomUUID } from 'node:crypto'
import { type CloseReason, closeReasons } from '../../close-reasons.ts'
import type { SessionEnd } from '../../core/accounting/labels.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { Session } from '../../core/sessions/session.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import { acceptedOn } from '../flow/accepted-sockets.ts'
import type { FrameLimits } from '../flow/frame-limits.ts'
import type { Outbox } from '../flow/outbox.ts'
import { subscribeByName } from '../flow/subscribe-by-name.ts'
import { textFrameHeader } from '../websocket/frame-writer.ts'
import type { WebSocketConnection, WebSocketUser } from '../websocket/websocket-connection.ts'
import { Answers } from './answers.ts'
import { type Answer, type Caller, type Command, type CommandParts, socketClusterCommands } from './commands.ts'
import type { DeliveryFrames } from './delivery-frames.ts'
import type { Heartbeat } from './heartbeat.ts'
import { introductionOf } from './introduction.ts'
import { type CallId, decodeFrame, type Packet } from './packet.ts'
import { type SocketClusterSubscribeOptions, SocketClusterSubscription } from './subscription.ts'

export interface ConnectionParts extends CommandParts {
  readonly socket: WebSocketConnection
  readonly frameLimits: FrameLimits
  readonly outbox: Outbox
  readonly frames: DeliveryFrames
  readonly served: ServedSchema
  readonly heartbeat: Heartbeat
  readonly address: string
  /** The identity of a client without a token. */
  readonly anonymous: Identity
  /** Sent to the client: it reconnects if it receives nothing for so long. */
  readonly pingTimeoutMs: number
  readonly handshakeTimeoutMs: number
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
  /** All connections of the endpoint. */
  readonly connections: Set<SocketClusterConnection>
}

/** The close codes of the protocol itself. */
export const protocolCloses = {
  pongTimeout: { code: 4001, text: 'No pong' },
  handshakeTimeout: { code: 4005, text: 'No handshake' },
  handshakeExpected: { code: 4009, text: 'Expected #handshake' },
} as const

/**
 * Old clients subscribe before their handshake. Their packets are kept until then, up to this
 * number and this much text.
 */
const maxEarlyPackets = 32
const maxEarlyBytes = 16 * 1024
/** The memory of a parsed packet for each byte of its text. */
const parsedFactor = 16
/**
 * Above so many published and unconfirmed bytes, nothing is read from the client until the broker
 * has confirmed some.
 */
const maxUnconfirmedBytes = 1024 * 1024
/** The pause of a client that has reached its rate limit, in milliseconds. */
const rateRetryMs = 250

/**
 * One client, from its first frame to its close. Commands start in their order, within the rate of
 * the session. A client that is too fast is read more slowly instead of refused, because a
 * publication without a call id has no answer.
 */
export class SocketClusterConnection implements Caller, WebSocketUser {
  readonly parts: ConnectionParts
  readonly #answers: Answers
  /** The text of packets that arrived before the handshake. */
  #earlyBytes = 0
  readonly #openedAt = performance.now()
  readonly #subscriptions = new Map<string, SocketClusterSubscription>()
  readonly #waiting: Packet[] = []
  #session: Session | undefined
  /** A command is running that the next ones wait for. */
  #busy = false
  #unconfirmedBytes = 0
  #retry: NodeJS.Timeout | undefined

  constructor(parts: ConnectionParts) {
    this.parts = parts
    const { outbox, log, onRefusal } = parts
    this.#answers = new Answers({ outbox, log, onRefusal, onChange: () => this.#readOrPause() })
  }

  /** Starts to read. */
  begin(): void {
    this.parts.connections.add(this)
    this.parts.socket.serve(this)
  }

  get address(): string {
    return this.parts.address
  }

  get isKnown(): boolean {
    return this.parts.frameLimits.isKnown(this.#session?.identity)
  }

  get maxMessageBytes(): number {
    return this.parts.frameLimits.of(this.#session?.identity)
  }

  /** Clients may send JSON in binary frames too. */
  onMessage(data: Buffer): void {
    this.#receive(data.toString())
  }

  onPing(data: Buffer): void {
    this.parts.heartbeat.received()
    this.#answers.pong(data)
  }

  onPong(): void {
    this.parts.heartbeat.received()
  }

  flush(): void {
    this.parts.outbox.flush()
  }

  onCutOff(end: 'bad-request' | 'slow-consumer'): void {
    this.#session?.end(end)
  }

  onClosed(code: number): void {
    clearTimeout(this.#retry)
    this.#waiting.length = 0
    this.parts.outbox.close()
    this.#session?.end(endOf(code))
    this.parts.connections.delete(this)
  }

  get session(): Session {
    if (!this.#session) throw new GatewayError('UNAUTHENTICATED', 'the connection has not shaken hands')
    return this.#session
  }

  get anonymous(): Identity {
    return this.parts.anonymous
  }

  isSubscribed(channel: string): boolean {
    return this.#subscriptions.has(channel)
  }

  subscribe(channel: string, options: SocketClusterSubscribeOptions): () => void {
    const { outbox, frames, served } = this.parts
    const entry: SocketClusterSubscription = new SocketClusterSubscription({
      ...subscribeByName(this.session, served, channel, options),
      cursors: options.cursors,
      sendsGaps:
        options.cursors || [options.after, options.last, options.position].some((given) => given !== undefined),
      outbox,
      frames,
      transmit: this.transmit,
      onEnd: (failure) => {
        if (this.#subscriptions.get(channel) === entry) this.#subscriptions.delete(channel)
        if (failure) this.transmit('#kickOut', { channel, message: failure.message, code: failure.code })
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
    this.#waiting.length = 0
    this.parts.socket.close(code, text)
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

  /** Called at intervals: sends pings that are due, and closes clients that are silent or late. */
  tick(now: number): void {
    const { socket, heartbeat, outbox, handshakeTimeoutMs } = this.parts
    if (!socket.isOpen) return
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
    if (ping === 'control') socket.ping()
    else if (ping !== undefined) outbox.push(`${textFrameHeader(ping.length)}${ping}`)
  }

  #receive(text: string): void {
    const { heartbeat } = this.parts
    heartbeat.received()
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
   * Accounts for a packet that is kept until the handshake. False: it is above the limit, and the
   * connection is closed.
   */
  #keepEarly(text: string): boolean {
    this.#earlyBytes += Buffer.byteLength(text)
    if (this.#earlyBytes > maxEarlyBytes) {
      this.#refuseEarly()
      return false
    }
    this.parts.socket.holdForUser(this.#earlyBytes * parsedFactor)
    return true
  }

  #queue(packet: Packet): void {
    if (this.#session || this.#busy || packet.event !== '#handshake') {
      this.#waiting.push(packet)
      return
    }
    this.#busy = true
    void this.#answerHandshake(packet)
  }

  #work(): void {
    if (!this.#session) {
      if (!this.#busy && this.#waiting.length > maxEarlyPackets) this.#refuseEarly()
    } else {
      while (this.#mayStart()) {
        const packet = this.#waiting.shift()
        if (packet) this.#start(packet)
      }
    }
    this.#readOrPause()
  }

  #mayStart(): boolean {
    if (this.#waiting.length === 0 || this.#busy || this.#retry || !this.parts.socket.isOpen) return false
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

  #start({ event, data, cid }: Packet): void {
    const command = socketClusterCommands.get(event)
    if (!command) {
      // As on the stock server, an unknown event without a call id is ignored. A call gets an
      // error, because its client waits for an answer.
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

  /** Starts at once. A command that waits for nothing is done when this returns. Never rejects. */
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

  async #answerHandshake({ data, cid, text }: Packet): Promise<void> {
    const { socket, gateway, heartbeat, address, anonymous, pingTimeoutMs, onRefusal } = this.parts
    try {
      const { identity, refused } = await introductionOf(data, this.parts)
      if (!socket.isOpen) return
      const onClose = (reason: CloseReason) => this.closeFor(reason)
      this.#session = gateway.openSession({
        identity,
        transport: 'socketcluster',
        address,
        on: acceptedOn(socket.stream),
        onClose,
      })
      this.#earlyBytes = 0
      socket.holdForUser(0)
      heartbeat.handshakeReceived(text)
      const status = { id: randomUUID(), pingTimeout: pingTimeoutMs }
      const authError = refused ? { authError: refused.refusal } : {}
      this.#answers.answer(cid, { ...status, ...authError, isAuthenticated: identity !== anonymous })
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
    this.#answers.answer(cid, data)
    afterwards?.()
  }

  /** While packets or answers wait, nothing is read from the client, so that its sending stops. */
  #readOrPause(): void {
    const { socket } = this.parts
    if (!socket.isOpen) return
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
