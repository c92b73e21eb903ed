import type { Duplex } from 'node:stream'

/** What one connection may hold for the system to send, in bytes; past it, whoever has more keeps it until there is room. */
const maxBytes = 64 * 1024

/** Whoever waits for room. A feed is one. */
export interface Waiting {
  flush(): void
}

export interface OutboxOptions {
  readonly socket: Duplex
  /** Whether frames may still be written: not behind a close frame. */
  readonly isOpen: () => boolean
  /** Told of each change of what waits for the socket, in bytes. */
  readonly onBytes: (change: number) => void
}

/**
 * The bounded send queue of one connection. Everything that is pushed in one turn of the event loop goes out in one write, in order. It never drops:
 * when it is full, whoever pushes is told to come back (`hasRoom`, `whenRoom`), and a feed that waits so for long lets go of its live end.
 */
export class Outbox {
  readonly #socket: Duplex
  readonly #isOpen: () => boolean
  readonly #onBytes: (change: number) => void
  #pending = ''
  #told = 0
  #waiting: Set<Waiting> | undefined

  constructor({ socket, isOpen, onBytes }: OutboxOptions) {
    this.#socket = socket
    this.#isOpen = isOpen
    this.#onBytes = onBytes
  }

  get hasRoom(): boolean {
    return this.#pending.length + this.#socket.writableLength < maxBytes
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

  /** Writes what was pushed, for instance before somebody else writes to the socket. Nothing is written behind a close. */
  flush(): void {
    if (this.#pending === '') return
    const bytes = this.#pending
    this.#pending = ''
    if (!this.#isOpen()) return
    const more = this.#socket.write(bytes, 'latin1', this.#written)
    this.#tell()
    // No `drain` follows a write that the system took whole.
    if (more && this.#waiting) setImmediate(() => this.#wake())
  }

  /** The connection is gone, and what waited for it. */
  close(): void {
    this.#pending = ''
    this.#waiting = undefined
    if (this.#told !== 0) this.#onBytes(-this.#told)
    this.#told = 0
  }

  readonly #written = (): void => this.#tell()

  #tell(): void {
    const { writableLength, destroyed } = this.#socket
    const now = destroyed ? 0 : writableLength
    if (now === this.#told) return
    this.#onBytes(now - this.#told)
    this.#told = now
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) for (const each of waiting) each.flush()
  }
}

let scheduled: Outbox[] = []

/** RabbitMQ's client hands over what came in one piece from the network in one turn: by its end each socket has all of its frames. */
function schedule(outbox: Outbox): void {
  if (scheduled.push(outbox) > 1) return
  process.nextTick(() => {
    const outboxes = scheduled
    scheduled = []
    for (const each of outboxes) each.flush()
  })
}
