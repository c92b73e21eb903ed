import { markIntervalMs } from '../../../hot-window/marks.ts'

/** The interval of the checks, in milliseconds. */
const checkMs = 250
const checksBeforeMark = markIntervalMs / checkMs
/**
 * The tail is stale after this many checks without a new entry: up to two seconds of silence,
 * during which a mark was published and had at least 0.75 s to arrive. Checks are counted and not
 * time, so that a blocked event loop does not count as a silent broker.
 */
const checksBeforeStale = 7
/**
 * A confirmed mark that has not arrived after this many checks (10 s) means that this consumer will
 * receive nothing any more.
 */
const checksBeforeStuck = 40
/**
 * The same if another node may deliver it: 5 s of silence, and 2 s since the first mark in it was
 * confirmed. While marks are not confirmed, the publisher moves first: it leaves a node that
 * confirms nothing, together with the tail if that is on the same node.
 */
const checksBeforeMove = { silent: 20, missing: 8 }
/** Silence without a confirmed mark (12 s): the publisher had time to move. */
const checksBeforeMoveAnyway = 48

/**
 * The callbacks must not throw. `onStuck` and `onSilent` may be called again while the silence
 * lasts.
 */
export interface TailLivenessListener {
  /** Publishes a mark; resolves when the broker has confirmed it. */
  mark(): Promise<void>
  /** Nothing was received for two seconds although marks are published. */
  onStale(): void
  /** An entry was received after `onStale`. */
  onFresh(): void
  /** Marks are confirmed but do not arrive, so the session is useless. */
  onStuck(): void
  /** Nothing was received for long, and no mark was confirmed either. */
  onSilent(): void
  /** Whether another node may serve better. */
  mayMove(): boolean
}

/**
 * Watches whether the tail of a journal receives entries. Marks are published to an idle journal,
 * so silence is a symptom of a half-open connection, a broker that is frozen or blocks publishes,
 * or a stream without its leader. Heartbeats detect only some of that, and later.
 */
export class TailLiveness {
  readonly #listener: TailLivenessListener
  #timer: NodeJS.Timeout | undefined
  #silentChecks = 0
  #stale = false
  #marking = false
  /** Checks since a mark was confirmed that has not arrived. */
  #missingChecks: number | undefined

  constructor(listener: TailLivenessListener) {
    this.#listener = listener
  }

  /** Called for each session that is up. */
  start(): void {
    this.stop()
    this.#silentChecks = 0
    this.#stale = false
    this.#missingChecks = undefined
    this.#timer = setInterval(() => this.#check(), checkMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Called for each entry. */
  onEntry(): void {
    this.#silentChecks = 0
    this.#missingChecks = undefined
    if (!this.#stale) return
    this.#stale = false
    if (this.#timer) this.#listener.onFresh()
  }

  #check(): void {
    this.#silentChecks += 1
    if (this.#missingChecks !== undefined) this.#missingChecks += 1
    if (this.#silentChecks >= checksBeforeMark) void this.#mark()
    if (this.#silentChecks >= checksBeforeStale && !this.#stale) {
      this.#stale = true
      this.#listener.onStale()
    }
    if (this.#isStuck) this.#listener.onStuck()
    else if (
      this.#missingChecks === undefined &&
      this.#silentChecks % checksBeforeMoveAnyway === 0 &&
      this.#listener.mayMove()
    ) {
      this.#listener.onSilent()
    }
  }

  get #isStuck(): boolean {
    if (this.#missingChecks === undefined) return false
    if (this.#missingChecks >= checksBeforeStuck) return true
    const { silent, missing } = checksBeforeMove
    return this.#silentChecks >= silent && this.#missingChecks >= missing && this.#listener.mayMove()
  }

  /** At most one mark in flight, so marks do not accumulate while RabbitMQ blocks publishes. */
  async #mark(): Promise<void> {
    // Once per interval while the silence lasts.
    if (this.#marking || this.#silentChecks % checksBeforeMark !== 0) return
    this.#marking = true
    try {
      await this.#listener.mark()
      if (this.#silentChecks > 0) this.#missingChecks ??= 0
    } catch {
      // The next interval publishes another mark.
    } finally {
      this.#marking = false
    }
  }
}
