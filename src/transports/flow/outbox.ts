import type { Duplex } from 'node:stream'

/**
 * What one connection may hold for the system to send, in bytes; past it, whoever has more keeps it
 * until there is room.
 */
const maxBytes = 64 * 1024

/** Whoever waits for room. A feed is one. */
export interface Waiting {
  flush(): void
}

export interface OutboxOptions {
  readonly socket: Duplex
  /** Whether frames may still be written: not behind a close frame. */
  readonly isOpen: () => boolean
  readonly outboxes: Outboxes
}

/**
 * All outboxes of a gateway. What waits in them is added up when somebody asks: to keep count at
 * each write would cost more than the frame.
 */
export class Outboxes {
  readonly #waiting = new Set<Outbox>()
  readonly #onFailure: ((error: unknown) => void) | undefined

  /** `onFailure`: told what stood in the way of writing to one socket, which is destroyed. */
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

  /** A socket did not take everything at once. */
  add(outbox: Outbox): void {
    this.#waiting.add(outbox)
  }

  delete(outbox: Outbox): void {
    this.#waiting.delete(outbox)
  }
}

/**
 * The bounded send queue of one connection. Everything that is pushed in one turn of the event loop
 * goes out in one write, in order. It never drops: when it is full, whoever pushes is told to come
 * back (`hasRoom`, `whenRoom`), and a feed that waits so for long lets go of its live end.
 */
export class Outbox {
  readonly #socket: Duplex
  readonly #isOpen: () => boolean
  readonly #outboxes: Outboxes
  #pending = ''
  /** Whether the socket had not taken everything at the last write. */
  #isBehind = false
  #waiting: Set<Waiting> | undefined

  constructor({ socket, isOpen, outboxes }: OutboxOptions) {
    this.#socket = socket
    this.#isOpen = isOpen
    this.#outboxes = outboxes
  }

  /** What waits for the socket. */
  get bytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength
  }

  get hasRoom(): boolean {
    // The socket is far from the processor's caches: it is asked where it had not taken everything.
    return this.#pending.length + (this.#isBehind ? this.#socket.writableLength : 0) < maxBytes
  }

  /** Flushed once, as soon as there is room again. */
  whenRoom(waiting: Waiting): void {
    if (!this.#waiting) {
      this.#waiting = new Set()
      this.#socket.once('drain', () => this.#wake())
    }
    this.#waiting.add(waiting)
  }

  /** Whole frames, as the bytes of a latin1 string: the cheapest thing that node:net can write. */
  push(bytes: string): void {
    if (this.#pending === '') schedule(this)
    this.#pending += bytes
    if (this.#pending.length >= maxBytes) this.flush()
  }

  /**
   * Writes what was pushed, for instance before somebody else writes to the socket. Nothing is
   * written behind a close.
   */
  flush(): void {
    if (this.#pending === '') return
    const bytes = this.#pending
    this.#pending = ''
    if (!this.#isOpen()) return
    const more = this.#socket.write(bytes, 'latin1')
    this.#isBehind = this.#socket.writableLength > 0
    if (this.#isBehind) this.#outboxes.add(this)
    // No `drain` follows a write that the system took whole.
    if (more && this.#waiting) setImmediate(() => this.#wake())
  }

  /** As `flush`, for a caller who serves other connections too: what throws ends this one alone. */
  tryFlush(): void {
    try {
      this.flush()
    } catch (error) {
      this.#socket.destroy()
      this.#outboxes.failed(error)
    }
  }

  /** The connection is gone, and what waited for it. */
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
 * RabbitMQ's client hands over what came in one piece from the network in one turn: by its end each
 * socket has all of its frames.
 */
function schedule(outbox: Outbox): void {
  if (scheduled.push(outbox) > 1) return
  process.nextTick(() => {
    const outboxes = scheduled
    scheduled = []
    for (const each of outboxes) each.tryFlush()
  })
}
