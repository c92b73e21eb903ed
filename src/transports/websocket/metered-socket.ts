import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Receiver, UnfinishedMessages, UnfinishedRefusal } from '../flow/unfinished-messages.ts'
import { FrameMeter } from './frame-meter.ts'
import { BrokenFrame } from './frame-reader.ts'

export interface MeteredSocketOptions {
  readonly socket: WebSocket
  /** What the WebSocket is spoken on. */
  readonly stream: Duplex
  readonly address: string
  readonly unfinished: UnfinishedMessages
  readonly isKnown: () => boolean
  /** How large a message may be; asked as each frame of it begins. */
  readonly maxBytes: () => number
  /** The socket is about to be closed because of what its peer sends. */
  readonly onRefused: () => void
}

/**
 * A socket of ws whose frames are limited by who sends them, and whose unfinished messages its
 * address pays for.
 */
export class MeteredSocket implements Receiver {
  readonly address: string
  readonly #options: MeteredSocketOptions
  readonly #meter: FrameMeter
  /** Held beside the message under way. */
  #beside = 0
  #holds = false
  #over = false

  /** From here to its close. */
  static watch(options: MeteredSocketOptions): MeteredSocket {
    return new MeteredSocket(options)
  }

  private constructor(options: MeteredSocketOptions) {
    this.#options = options
    this.address = options.address
    this.#meter = new FrameMeter(options.maxBytes)
    // Before ws reads it.
    options.stream.prependListener('data', (chunk: Buffer) => this.#read(chunk))
    options.socket.once('close', () => {
      this.#over = true
      this.#hold(0)
    })
  }

  get isKnown(): boolean {
    return this.#options.isKnown()
  }

  get isPaused(): boolean {
    return this.#options.stream.isPaused()
  }

  /**
   * What the transport keeps for a peer that has not said who it is: it is counted as if it were
   * unfinished.
   */
  keepsBeside(bytes: number): void {
    if (this.#over || bytes === this.#beside) return
    this.#beside = bytes
    this.#hold(this.#meter.unfinished + bytes)
  }

  refuseUnfinished({ kind }: UnfinishedRefusal): void {
    this.#holds = false
    if (kind === 'late') this.#cutOff(1008, 'The message took too long')
    else this.#cutOff(1013, 'Too many unfinished messages')
  }

  #read(chunk: Buffer): void {
    if (this.#over) return
    try {
      this.#meter.read(chunk)
      this.#hold(this.#meter.unfinished + this.#beside)
    } catch (error) {
      if (!(error instanceof BrokenFrame)) throw error
      this.#cutOff(error.code, '')
    }
  }

  #hold(bytes: number): void {
    if (bytes === 0 && !this.#holds) return
    this.#holds = bytes > 0
    this.#options.unfinished.hold(this, bytes, this.#meter.messages)
  }

  /** As ws does with a frame that it refuses: what still comes is read and dropped. */
  #cutOff(code: number, reason: string): void {
    const { socket, stream, onRefused } = this.#options
    this.#over = true
    this.#hold(0)
    onRefused()
    stream.removeAllListeners('data')
    socket.close(code, reason)
    stream.on('data', () => undefined)
    stream.resume()
    stream.end()
  }
}
