import type { Duplex } from 'node:stream'
import { latin1Of } from '../../core/body/latin1.ts'
import type { Deadlines } from '../flow/deadlines.ts'
import { type KeepAlive, type Line, Peer } from '../flow/keep-alive.ts'
import type { ReadThrottle } from '../flow/read-throttle.ts'
import type { Receiver, UnfinishedMessages, UnfinishedRefusal } from '../flow/unfinished-messages.ts'
import { BrokenFrame, type FrameHandler, FrameReader } from './frame-reader.ts'
import { closeFrame, pingFrame, pongFrame } from './frame-writer.ts'

/** The application protocol on one WebSocket. */
export interface WebSocketUser {
  /** Of the client; it accounts for unfinished messages. */
  readonly address: string
  /** Whether the client has authenticated. */
  readonly isKnown: boolean
  /** Of one message from this client, in bytes. */
  readonly maxMessageBytes: number
  /** A whole message. Not called after a close frame was sent. */
  onMessage(data: Buffer, isBinary: boolean): void
  /**
   * Answers a ping in the user's own queue of answers. If it is missing, the connection answers at
   * once.
   */
  onPing?(data: Buffer): void
  onPong?(): void
  /**
   * Writes the frames that wait for the end of this turn of the event loop. Called before a close
   * frame is written, after which nothing may be written.
   */
  flush(): void
  /**
   * The connection is cut off. `bad-request`: the client sent something invalid or too large; the
   * close frame was sent. `slow-consumer`: the client reads nothing; no close frame follows.
   */
  onCutOff(end: 'bad-request' | 'slow-consumer'): void
  /**
   * Called once, last. `code`: the client's close code; 1005 if it sent none, 1006 if it sent no
   * close frame.
   */
  onClosed(code: number): void
}

/** What all connections of a server share. */
export interface WebSocketHost {
  readonly unfinished: UnfinishedMessages
  /** Undefined: the users ping by themselves. */
  readonly keepAlive: KeepAlive | undefined
  /** Connections that wait for the client to close its side. Late ones are terminated. */
  readonly closing: Deadlines<WebSocketConnection>
  /** All connections that are served. */
  readonly open: Set<WebSocketConnection>
  /** Whether the close frame that refuses an unfinished message has a reason text. */
  readonly explainsRefusals: boolean
}

const refusals = {
  late: { code: 1008, reason: 'The message took too long' },
  'too-much': { code: 1013, reason: 'Too many unfinished messages' },
} as const satisfies Record<UnfinishedRefusal['kind'], { code: number; reason: string }>

/** The server's end of one WebSocket, from its handshake to its close. */
export class WebSocketConnection implements FrameHandler, Line, Receiver {
  /** Users write whole frames to it, while `isOpen`. */
  readonly stream: Duplex
  readonly #host: WebSocketHost
  readonly #reader: FrameReader
  readonly #peer: Peer
  #user: WebSocketUser | undefined
  #readThrottle: ReadThrottle | undefined
  #isOpen = true
  /** Everything that arrives is dropped. */
  #readClosed = false
  /** The client's close code. */
  #code = 1006
  /** What the user holds for an anonymous client, in bytes. */
  #heldByUser = 0
  /** Whether the client's address accounts for any bytes of this connection. */
  #isHolding = false

  /** The handshake has been answered. */
  constructor(stream: Duplex, host: WebSocketHost) {
    this.stream = stream
    this.#host = host
    this.#reader = new FrameReader(this)
    this.#peer = new Peer(this, stream)
  }

  /**
   * Starts to read. `readThrottle` bounds the answers to pings that wait for the client to read
   * them.
   */
  serve(user: WebSocketUser, readThrottle?: ReadThrottle): void {
    this.#user = user
    this.#readThrottle = readThrottle
    this.#host.open.add(this)
    this.#host.keepAlive?.add(this.#peer)
    ;(this.stream as Carrier)[webSocket] = this
    this.stream.on('data', onData).on('end', onEnd).on('close', onClose)
  }

  get address(): string {
    return this.#user?.address ?? ''
  }

  get isKnown(): boolean {
    return this.#user?.isKnown ?? false
  }

  get maxMessageBytes(): number {
    return this.#user?.maxMessageBytes ?? 0
  }

  /** Whether frames may be written: neither side has sent a close frame or has gone. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  get isPaused(): boolean {
    return this.stream.isPaused()
  }

  /**
   * Reads nothing more from the network. Messages of the piece that is being read still follow. A
   * connection that is closing is never paused: it has to read the client's close frame.
   */
  pause(): void {
    if (this.#isOpen) this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  /**
   * What the user keeps in memory for a client that has not authenticated. It counts as part of an
   * unfinished message.
   */
  holdForUser(bytes: number): void {
    if (this.#readClosed || bytes === this.#heldByUser) return
    this.#heldByUser = bytes
    this.#hold(this.#reader.unfinished + bytes)
  }

  ping(): void {
    if (this.#isOpen) this.stream.write(pingFrame, 'latin1')
  }

  /**
   * Sends a close frame and waits for the client's. Later calls do nothing. `reason`: at most 123
   * bytes.
   */
  close(code: number, reason: string): void {
    if (this.#isOpen) this.#sendClose(payloadOf(code, latin1Of(reason)))
  }

  stalled(): void {
    this.#user?.onCutOff('slow-consumer')
  }

  /** Ends the connection without a close frame. */
  terminate(): void {
    this.#isOpen = false
    this.stream.destroy()
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#isOpen) this.#user?.onMessage(data, isBinary)
  }

  onPing(data: Buffer): void {
    if (!this.#isOpen || !this.#user) return
    if (this.#user.onPing) return this.#user.onPing(data)
    const frame = pongFrame(data)
    const isBehind = this.stream.writableLength > 0
    this.stream.write(frame, 'latin1', isBehind ? this.#readThrottle?.sending(frame.length) : undefined)
  }

  onPong(): void {
    this.#user?.onPong?.()
  }

  onCloseFrame(code: number, reason: Buffer): void {
    this.#code = code
    this.#closeRead()
    // RFC 6455 §5.5.1: the answer has the same code.
    if (this.#isOpen) this.#sendClose(code === 1005 ? '' : payloadOf(code, reason.toString('latin1')))
    // RFC 6455 §7.1.1: the server closes the TCP connection first.
    this.stream.end()
  }

  refuseUnfinished({ kind }: UnfinishedRefusal): void {
    // The caller has already forgotten what was held.
    this.#isHolding = false
    const { code, reason } = refusals[kind]
    this.#cutOff(code, this.#host.explainsRefusals ? reason : '')
  }

  /** For the stream's listeners, as are `end` and `gone`. */
  receive(chunk: Buffer): void {
    if (this.#readClosed) return
    this.#peer.silent = false
    try {
      this.#reader.read(chunk)
    } catch (error) {
      if (!(error instanceof BrokenFrame)) throw error
      this.#cutOff(error.code)
      return
    }
    this.#hold(this.#reader.unfinished + this.#heldByUser)
  }

  /** The client has closed its side of the TCP connection. */
  end(): void {
    this.#isOpen = false
    this.#host.closing.add(this)
    this.stream.end()
  }

  gone(): void {
    this.#isOpen = false
    this.#readClosed = true
    this.#host.closing.delete(this)
    this.#host.keepAlive?.delete(this.#peer)
    this.#host.open.delete(this)
    this.#hold(0)
    this.#user?.onClosed(this.#code)
    this.#user = undefined
  }

  #sendClose(payload: string): void {
    this.#user?.flush()
    this.#isOpen = false
    this.stream.write(closeFrame(payload), 'latin1')
    this.#host.closing.add(this)
    // Even if it was paused: the client's close frame has to be read.
    this.stream.resume()
  }

  #cutOff(code: number, reason = ''): void {
    this.#closeRead()
    this.close(code, reason)
    this.#user?.onCutOff('bad-request')
    this.stream.end()
  }

  #hold(bytes: number): void {
    if (bytes === 0 && !this.#isHolding) return
    this.#isHolding = bytes > 0
    this.#host.unfinished.hold(this, bytes, this.#reader.messages)
  }

  #closeRead(): void {
    this.#readClosed = true
    this.#heldByUser = 0
    this.#reader.drop()
    this.#hold(0)
    this.stream.resume()
  }
}

/** Of a close frame (RFC 6455 §5.5.1). */
function payloadOf(code: number, reason: string): string {
  return String.fromCharCode(code >> 8, code & 0xff) + reason
}

const webSocket = Symbol('websocket')
type Carrier = Duplex & { [webSocket]?: WebSocketConnection }

// The streams share these functions: a closure for each listener costs memory per connection.
function onData(this: Carrier, chunk: Buffer): void {
  this[webSocket]?.receive(chunk)
}

function onEnd(this: Carrier): void {
  this[webSocket]?.end()
}

function onClose(this: Carrier): void {
  this[webSocket]?.gone()
}
