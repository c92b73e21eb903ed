import { GatewayError } from '../../errors.ts'
import { SharedBytes } from '../limits/shared-bytes.ts'

export interface PageLimits {
  /** What the pages of one operation may hold together, in bytes. */
  readonly maxHistoryBytes: number
}

/**
 * The operations of one client id, or of one address without one, may hold so many times as much
 * together.
 */
const payerFactor = 4
/** All of them together. */
const totalFactor = 16

/**
 * What pages of history hold, from the first event that is read until their answers are sent. A
 * page ends early where its operation, its caller or all callers together hold as much as they may.
 */
export class PageLimit {
  readonly #limits: PageLimits
  readonly #shared: SharedBytes

  /** `limits`: looked at each time, because they may change while the gateway runs. */
  constructor(limits: PageLimits) {
    this.#limits = limits
    this.#shared = new SharedBytes(() => ({
      each: limits.maxHistoryBytes * payerFactor,
      total: limits.maxHistoryBytes * totalFactor,
    }))
  }

  /** What all of them hold, in bytes. */
  get bytes(): number {
    return this.#shared.total
  }

  /**
   * For one operation; whoever opens it closes it when the answer is sent, or is not wanted any
   * more.
   */
  open(): OperationPages {
    return new OperationPages(this.#shared, () => this.#limits.maxHistoryBytes)
  }
}

/** The pages of one operation, which share what it may hold. */
export class OperationPages {
  readonly #shared: SharedBytes
  readonly #maxBytes: () => number
  readonly #held = new Map<string | undefined, number>()
  #bytes = 0
  #closed = false

  constructor(shared: SharedBytes, maxBytes: () => number) {
    this.#shared = shared
    this.#maxBytes = maxBytes
  }

  /**
   * Called for the first event of a page, which is taken however large it is: else nobody could
   * read past it. Throws `LIMIT_EXCEEDED` where there is no room for anything.
   */
  begin(payer: string | undefined, bytes: number): void {
    if (!this.#hasRoom(payer, 1)) {
      throw new GatewayError(
        'LIMIT_EXCEEDED',
        'the pages of history that are being read hold as much as they may: ask for fewer at once, or again later',
        { limit: 'WARREN_MAX_HISTORY_BYTES' },
      )
    }
    this.#hold(payer, bytes)
  }

  /** Called for each further event; false: the page ends before it. */
  take(payer: string | undefined, bytes: number): boolean {
    if (!this.#hasRoom(payer, bytes)) return false
    this.#hold(payer, bytes)
    return true
  }

  /**
   * Idempotent. What is read afterwards is held by nobody, and is to be dropped by whoever reads
   * it.
   */
  close(): void {
    this.#closed = true
    for (const [payer, bytes] of this.#held) this.#shared.hold(payer, -bytes)
    this.#held.clear()
  }

  #hasRoom(payer: string | undefined, bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes() && this.#shared.hasRoom(payer, bytes)
  }

  #hold(payer: string | undefined, bytes: number): void {
    this.#bytes += bytes
    if (this.#closed) return
    this.#held.set(payer, (this.#held.get(payer) ?? 0) + bytes)
    this.#shared.hold(payer, bytes)
  }
}
