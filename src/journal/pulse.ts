import { markIntervalMs } from './marks.ts'

/** How often the tail is looked at, in milliseconds. */
const lookMs = 250
const looksBeforeMark = markIntervalMs / lookMs
/**
 * After so many looks in a row that saw nothing new, the tail is called stale: up to two seconds of silence, in which a mark was sent and had at
 * least 0.75 s to come back. Looks are counted and not time, so that a process that was held up itself doesn't suspect the broker.
 */
const looksBeforeStale = 7
/** A mark that RabbitMQ has confirmed and that is not back after so many looks (10 s): this consumer will bring nothing any more. */
const looksBeforeStuck = 40

/** Who is told by a pulse. None of these may throw. */
export interface PulseListener {
  /** Publishes a mark; resolves when the broker has confirmed it. */
  mark(): Promise<void>
  /** Nothing came for two seconds although marks are sent. */
  onStale(): void
  /** An entry came after all. */
  onFresh(): void
  /** Marks are confirmed and none comes back: the session is worth nothing. */
  onStuck(): void
}

/**
 * Watches whether the tail of a journal moves. A silent journal is given marks, so silence has a meaning: a half-open connection, a broker that has
 * frozen or takes no publications, a stream without its leader. Heartbeats would tell some of that, later.
 */
export class Pulse {
  readonly #listener: PulseListener
  #timer: NodeJS.Timeout | undefined
  #silent = 0
  #stale = false
  #marking = false
  /** Looks since a mark was confirmed that has not come back. */
  #missing: number | undefined

  constructor(listener: PulseListener) {
    this.#listener = listener
  }

  /** With each session that is up. */
  start(): void {
    this.stop()
    this.#silent = 0
    this.#stale = false
    this.#missing = undefined
    this.#timer = setInterval(() => this.#look(), lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** An entry came. */
  beat(): void {
    this.#silent = 0
    this.#missing = undefined
    if (!this.#stale) return
    this.#stale = false
    if (this.#timer) this.#listener.onFresh()
  }

  #look(): void {
    this.#silent += 1
    if (this.#missing !== undefined) this.#missing += 1
    if (this.#silent >= looksBeforeMark) void this.#mark()
    if (this.#silent >= looksBeforeStale && !this.#stale) {
      this.#stale = true
      this.#listener.onStale()
    }
    if (this.#missing === looksBeforeStuck) this.#listener.onStuck()
  }

  /** One at a time: while RabbitMQ takes no publications they must not pile up. */
  async #mark(): Promise<void> {
    // Once in an interval, for the rest of the silence.
    if (this.#marking || this.#silent % looksBeforeMark !== 0) return
    this.#marking = true
    try {
      await this.#listener.mark()
      if (this.#silent > 0) this.#missing ??= 0
    } catch {
      // The next interval brings another.
    } finally {
      this.#marking = false
    }
  }
}
