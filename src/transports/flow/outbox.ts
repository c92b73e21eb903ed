import type { Writable } from 'node:stream'

/**
 * How much one connection may buffer for the system to send, in bytes. Beyond it, senders keep what
 * they have until there is room.
 */
const maxBytes = 64 * 1024

/** A sender that waits for room, for example a `ChannelSubscription`. */
export interface Waiting {
  flush(): void
}

export interface OutboxOptions {
  readonly socket: Writable
  /** Whether frames may still be written: false after a close frame. */
  readonly isOpen: () => boolean
  readonly outboxes: Outboxes
}

/**
 * All outboxes of a gateway. Their bytes are added up on request: to keep a count at each write
 * would cost more than the frame.
 */
export class Outboxes {
  readonly #waiting = new Set<Outbox>()
  readonly #onFailure: ((error: unknown) => void) | undefined

  /**
   * `onFailure`: called with the error when a write to one socket failed. That socket is destroyed.
   */
  constructor(onFailure?: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  failed(error: unknown): void {
    this.#onFailure?.(error)
  }

  /** What waits for sockets, in bytes. */
  get bytes(): number {
    let sum = 0
    for (const outbox of this.#waiting) {
      const { bytes } = outbox
      if (bytes === 0) this.#waiting.delete(outbox)
      sum += bytes
    }
    return sum
  }

  /** Called when a socket did not take everything at once. */
  add(outbox: Outbox): void {
    this.#waiting.add(outbox)
  }

  delete(outbox: Outbox): void {
    this.#waiting.delete(outbox)
  }
}

/**
 * The bounded send queue of one connection. Everything that is pushed in one turn of the event loop
 * goes out in one write, in order. It never drops: when it is full (`hasRoom`), the sender keeps
 * what it has until `whenRoom` calls it. A subscription that waits too long leaves the live end.
 */
export class Outbox {
  readonly #socket: Writable
  readonly #isOpen: () => boolean
  readonly #outboxes: Outboxes
  #pending = ''
  /** Whether the socket still held bytes after the last write. */
  #isBehind = false
  #waiting: Set<Waiting> | undefined

  constructor({ socket, isOpen, outboxes }: OutboxOptions) {
    this.#socket = socket
    this.#isOpen = isOpen
    this.#outboxes = outboxes
  }

  /** Bytes that wait in the socket. */
  get bytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength
  }

  get hasRoom(): boolean {
    // Reading `writableLength` misses the processor's caches, so it is read only if the socket
    // still held bytes after the last write.
    return this.#pending.length + (this.#isBehind ? this.#socket.writableLength : 0) < maxBytes
  }

  /** Calls `flush` of `waiting` once, as soon as there is room again. */
  whenRoom(waiting: Waiting): void {
    if (!this.#waiting) {
      this.#waiting = new Set()
      this.#socket.once('drain', () => this.#wake())
    }
    this.#waiting.add(waiting)
  }

  /** Takes whole frames as the bytes of a latin1 string, because node:net writes those fastest. */
  push(bytes: string): void {
    if (this.#pending === '') schedule(this)
    this.#pending += bytes
    if (this.#pending.length >= maxBytes) this.flush()
  }

  /**
   * Writes what was pushed. Call it before other code writes to the socket. Writes nothing after a
   * close frame.
   */
  flush(): void {
    if (this.#pending === '') return
    const bytes = this.#pending
    this.#pending = ''
    if (!this.#isOpen()) return
    const more = this.#socket.write(bytes, 'latin1')
    this.#isBehind = this.#socket.writableLength > 0
    if (this.#isBehind) this.#outboxes.add(this)
    // No `drain` event follows a write that the system took whole.
    if (more && this.#waiting) setImmediate(() => this.#wake())
  }

  /**
   * Like `flush`, for a caller that also serves other connections: an error destroys this socket
   * only.
   */
  tryFlush(): void {
    try {
      this.flush()
    } catch (error) {
      this.#socket.destroy()
      this.#outboxes.failed(error)
    }
  }

  /** Call it when the connection is closed. Waiting senders are forgotten. */
  close(): void {
    this.#pending = ''
    this.#waiting = undefined
    this.#outboxes.delete(this)
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) for (const each of waiting) each.flush()
  }
}

let scheduled: Outbox[] = []

/**
 * The RabbitMQ client delivers everything of one network read in the same turn of the event loop.
 * At its end each socket has all of its frames.
 */
function schedule(outbox: Outbox): void {
  if (scheduled.push(outbox) > 1) return
  process.nextTick(() => {
    const outboxes = scheduled
    scheduled = []
    for (const each of outboxes) each.tryFlush()
  })
}
