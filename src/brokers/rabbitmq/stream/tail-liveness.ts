import { markIntervalMs } from '../../../hot-window/marks.ts'

/** How often the tail is looked at, in milliseconds. */
const lookMs = 250
const looksBeforeMark = markIntervalMs / lookMs
/**
 * After so many looks in a row that saw nothing new, the tail is called stale: up to two seconds of
 * silence, in which a mark was sent and had at least 0.75 s to come back. Looks are counted and not
 * time, so that a process that was held up itself doesn't suspect the broker.
 */
const looksBeforeStale = 7
/**
 * A mark that RabbitMQ has confirmed and that is not back after so many looks (10 s): this consumer
 * will bring nothing any more.
 */
const looksBeforeStuck = 40
/**
 * The same where another node may bring it: 5 s of silence, and 2 s after the first mark in it was
 * confirmed. While marks are not confirmed it is the publisher's turn to move: it leaves a node
 * that confirms nothing, together with the tail where that is on the same node.
 */
const looksBeforeMove = { silent: 20, missing: 8 }
/** Silence without a confirmed mark (12 s): the publisher has had its time. */
const looksBeforeMoveAnyway = 48

/** None of these may throw; the last three may be called again as long as the silence lasts. */
export interface PulseListener {
  /** Publishes a mark; resolves when the broker has confirmed it. */
  mark(): Promise<void>
  /** Nothing came for two seconds although marks are sent. */
  onStale(): void
  /** An entry came after all. */
  onFresh(): void
  /** Marks are confirmed and none comes back: the session is worth nothing. */
  onStuck(): void
  /**
   * Nothing came for long, and no mark was confirmed either. Called again as long as that lasts.
   */
  onSilent(): void
  /** Whether another node may serve better. */
  mayMove(): boolean
}

/**
 * Watches whether the tail of a journal moves. A silent journal is given marks, so silence has a
 * meaning: a half-open connection, a broker that has frozen or takes no publications, a stream
 * without its leader. Heartbeats would tell some of that, later.
 */
export class TailLiveness {
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
    if (this.#isStuck) this.#listener.onStuck()
    else if (this.#missing === undefined && this.#silent % looksBeforeMoveAnyway === 0 && this.#listener.mayMove()) {
      this.#listener.onSilent()
    }
  }

  get #isStuck(): boolean {
    if (this.#missing === undefined) return false
    if (this.#missing >= looksBeforeStuck) return true
    const { silent, missing } = looksBeforeMove
    return this.#silent >= silent && this.#missing >= missing && this.#listener.mayMove()
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
