import type { Duplex } from 'node:stream'
import { latin1Of } from '../../core/body/latin1.ts'
import type { Deadlines } from '../flow/deadlines.ts'
import { type KeepAlive, type Line, Peer } from '../flow/keep-alive.ts'
import type { ReadThrottle } from '../flow/read-throttle.ts'
import type { Receiver, UnfinishedMessages, UnfinishedRefusal } from '../flow/unfinished-messages.ts'
import { BrokenFrame, type FrameHandler, FrameReader } from './frame-reader.ts'
import { closeFrameHeader, pingFrame, pongFrameHeader } from './frame-writer.ts'

/** Whoever speaks over a WebSocket. */
export interface WebSocketUser {
  /** Where the peer is. */
  readonly address: string
  /** Whether it has said who it is. */
  readonly isKnown: boolean
  /** How large a message of it may be. */
  readonly maxMessageBytes: number
  /** A whole message. */
  onMessage(data: Buffer): void
  /** The peer takes nothing of what waits for it, and is about to be cut off. */
  onStalled(): void
  /**
   * The connection is no more, with the code that the peer closed it with (1006 without). Called
   * once, last.
   */
  onClosed(code: number): void
}

/** What the sockets of a server have in common. */
export interface WebSocketHost {
  readonly unfinished: UnfinishedMessages
  readonly keepAlive: KeepAlive
  /** Those that wait for the peer to close its side too: past it they are cut off. */
  readonly closing: Deadlines<WebSocketConnection>
  /** All that are being used. */
  readonly used: Set<WebSocketConnection>
}

/**
 * A server's end of a WebSocket whose frames are written as they are, uncompressed. In place of
 * ws's, which brings a stream of its own, a sender and a dozen listeners to each connection: most
 * of what a connection costs until it is asked for something.
 */
export class WebSocketConnection implements FrameHandler, Line, Receiver {
  readonly stream: Duplex
  readonly #host: WebSocketHost
  readonly #reader: FrameReader
  readonly #peer: Peer
  #user: WebSocketUser | undefined
  #readThrottle: ReadThrottle | undefined
  #open = true
  /** Nothing that comes is read any more. */
  #readClosed = false
  /** What the peer closed it with. */
  #code = 1006
  /** Part of a message is counted among what its address holds. */
  #holds = false

  /** The handshake has been answered. */
  constructor(stream: Duplex, host: WebSocketHost) {
    this.stream = stream
    this.#host = host
    this.#reader = new FrameReader(this)
    this.#peer = new Peer(this, stream)
  }

  /**
   * From here on it is read. Answers to pings count as what the peer asked for and may not take.
   */
  serve(user: WebSocketUser, readThrottle: ReadThrottle): void {
    this.#user = user
    this.#readThrottle = readThrottle
    this.#host.used.add(this)
    this.#host.keepAlive.add(this.#peer)
    ;(this.stream as Carrier)[webSocket] = this
    this.stream.on('data', onData).on('end', onEnd).on('close', onClose)
  }

  get address(): string {
    return this.#user?.address ?? ''
  }

  get isKnown(): boolean {
    return this.#user?.isKnown ?? false
  }

  get isPaused(): boolean {
    return this.stream.isPaused()
  }

  get maxMessageBytes(): number {
    return this.#user?.maxMessageBytes ?? 0
  }

  /** Frames may be written: no close frame has been. */
  get isOpen(): boolean {
    return this.#open
  }

  ping(): void {
    if (this.#open) this.stream.write(pingFrame, 'latin1')
  }

  /**
   * Says why, and waits for the peer to say goodbye too. Idempotent. `reason`: at most 123 bytes.
   */
  close(code: number, reason: string): void {
    if (this.#open) this.#sayClose(String.fromCharCode(code >> 8, code & 0xff) + latin1Of(reason))
  }

  stalled(): void {
    this.#user?.onStalled()
  }

  /** Without a word. */
  terminate(): void {
    this.#open = false
    this.stream.destroy()
  }

  onMessage(data: Buffer): void {
    // Behind a close frame of ours nothing is answered.
    if (this.#open) this.#user?.onMessage(data)
  }

  onPing(data: Buffer): void {
    if (!this.#open) return
    const waits = this.stream.writableLength > 0
    const frame = pongFrameHeader(data.length) + data.toString('latin1')
    this.stream.write(frame, 'latin1', waits ? this.#readThrottle?.sending(frame.length) : undefined)
  }

  onPong(): void {}

  onCloseFrame(code: number, reason: Buffer): void {
    this.#code = code
    this.#ignoreInput()
    if (this.#open)
      this.#sayClose(code === 1005 ? '' : String.fromCharCode(code >> 8, code & 0xff) + reason.toString('latin1'))
    // RFC 6455 §7.1.1: the server closes the connection of TCP first.
    this.stream.end()
  }

  /** What follows is called by the stream's listeners. */
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
    this.#hold(this.#reader.unfinished)
  }

  refuseUnfinished({ kind }: UnfinishedRefusal): void {
    this.#holds = false
    this.#cutOff(kind === 'late' ? 1008 : 1013)
  }

  /** The peer sends nothing more. */
  end(): void {
    this.#open = false
    this.#host.closing.add(this)
    this.stream.end()
  }

  gone(): void {
    this.#open = false
    this.#host.closing.delete(this)
    this.#host.keepAlive.delete(this.#peer)
    this.#host.used.delete(this)
    this.#hold(0)
    this.#user?.onClosed(this.#code)
    this.#user = undefined
  }

  #sayClose(payload: string): void {
    this.#open = false
    this.stream.write(closeFrameHeader(payload.length) + payload, 'latin1')
    this.#host.closing.add(this)
    // However little it was listened to: its goodbye is to be heard.
    this.stream.resume()
  }

  #cutOff(code: number): void {
    this.#ignoreInput()
    this.close(code, '')
    this.stream.end()
  }

  #hold(bytes: number): void {
    if (bytes === 0 && !this.#holds) return
    this.#holds = bytes > 0
    this.#host.unfinished.hold(this, bytes, this.#reader.messages)
  }

  #ignoreInput(): void {
    this.#readClosed = true
    this.#reader.drop()
    this.#hold(0)
    this.stream.resume()
  }
}

const webSocket = Symbol('websocket')
type Carrier = Duplex & { [webSocket]?: WebSocketConnection }

// One function for all streams.
function onData(this: Carrier, chunk: Buffer): void {
  this[webSocket]?.receive(chunk)
}

function onEnd(this: Carrier): void {
  this[webSocket]?.end()
}

function onClose(this: Carrier): void {
  this[webSocket]?.gone()
}
