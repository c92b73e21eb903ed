import { GatewayError } from '../../errors.ts'
import { SharedBytes } from '../limits/shared-bytes.ts'

export interface PageLimits {
  /** The most bytes that the pages of one operation may hold together. */
  readonly maxHistoryBytes: number
}

/**
 * The operations of one client id, or of one address without a client id, may together hold this
 * many times as much.
 */
const payerFactor = 4
/** The same for all operations together. */
const totalFactor = 16

/**
 * Limits the memory of history pages, from the first event that is read until the answer is sent. A
 * page ends early if its operation, its payer or all payers together reach their limit.
 */
export class PageLimit {
  readonly #limits: PageLimits
  readonly #shared: SharedBytes

  /** `limits`: read on each use, because they may change while the gateway runs. */
  constructor(limits: PageLimits) {
    this.#limits = limits
    this.#shared = new SharedBytes(() => ({
      each: limits.maxHistoryBytes * payerFactor,
      total: limits.maxHistoryBytes * totalFactor,
    }))
  }

  /** The bytes that all pages hold together. */
  get bytes(): number {
    return this.#shared.total
  }

  /**
   * Starts the account of one operation. The caller closes it when the answer has been sent or is
   * no longer wanted.
   */
  open(): OperationPages {
    return new OperationPages(this.#shared, () => this.#limits.maxHistoryBytes)
  }
}

/** The pages of one operation, which share its limit. */
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
   * Called for the first event of a page, which is accepted at any size: otherwise no client could
   * read past it. Throws `LIMIT_EXCEEDED` if there is no room at all.
   */
  begin(payer: string | undefined, bytes: number): void {
    if (!this.#hasRoom(payer, 1)) {
      throw new GatewayError(
        'LIMIT_EXCEEDED',
        'the history pages that are being read have reached their limit: request fewer at once, or try again later',
        { limit: 'WARREN_MAX_HISTORY_BYTES' },
      )
    }
    this.#hold(payer, bytes)
  }

  /** Called for each further event. False: the page ends before it. */
  take(payer: string | undefined, bytes: number): boolean {
    if (!this.#hasRoom(payer, bytes)) return false
    this.#hold(payer, bytes)
    return true
  }

  /** Called for an event that was taken and that the page does not contain after all. */
  release(payer: string | undefined, bytes: number): void {
    this.#hold(payer, -bytes)
  }

  /** Idempotent. Events that are read afterwards are not counted; the reader has to drop them. */
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
