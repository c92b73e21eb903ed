import { FairShares } from '../../core/limits/fair-shares.ts'
import { errorText } from '../../core/model/error-text.ts'
import { pause } from '../../core/timing/pause.ts'
import { GatewayError } from '../../errors.ts'
import type { RoomFrame } from './room-frame.ts'

/** How many frames are published at a time. */
const batch = 500
/** The pause before failed publications are repeated, in milliseconds. */
const retryMs = 250
/** Limits of all frames that wait for the broker. Above them frames are not accepted. */
const maxBytes = 16 * 1024 * 1024
const maxFrames = 10_000
/** The cost of a frame in addition to its body. */
const envelopeBytes = 512

export interface HeldFrame {
  readonly frame: RoomFrame
  readonly sender: object
  /** Accounts for what waits, over all connections of the client. */
  readonly payer: string | undefined
  readonly onConfirmed: () => void
}

/**
 * Accepted frames that the broker has not confirmed, in their order. While the broker is
 * unreachable they wait here, up to a limit. Each is published until it is confirmed: once, unless
 * a confirmation was lost.
 */
export class PublishBuffer {
  readonly #publish: (frame: RoomFrame) => Promise<void>
  readonly #maxClientBytes: number
  readonly #onRefused: (reason: string) => void
  readonly #onDropped: (reason: string) => void
  /** Whether `onRefused` was called since the last confirmation. */
  #refusalReported = false
  readonly #bytesOf = new WeakMap<object, number>()
  readonly #bytes = new FairShares(maxBytes)
  readonly #frames = new FairShares(maxFrames)
  #held: HeldFrame[] = []
  #running: Promise<void> | undefined
  #ended = false

  constructor(options: {
    publish: (frame: RoomFrame) => Promise<void>
    maxClientBytes: number
    /** Called at the first failure; again only after a confirmation. */
    onRefused: (reason: string) => void
    /** Called for a frame that the broker will never accept. */
    onDropped: (reason: string) => void
  }) {
    this.#publish = options.publish
    this.#onRefused = options.onRefused
    this.#onDropped = options.onDropped
    this.#maxClientBytes = options.maxClientBytes
  }

  get size(): number {
    return this.#held.length
  }

  /** False: there was no room for it, or the buffer is closed. */
  accept(held: HeldFrame): boolean {
    const bytes = costOf(held)
    const senderBytes = (this.#bytesOf.get(held.sender) ?? 0) + bytes
    const { payer } = held
    const isFull =
      !this.#frames.hasRoom(payer, 1) || !this.#bytes.hasRoom(payer, bytes) || senderBytes > this.#maxClientBytes
    if (this.#ended || (isFull && this.#held.length > 0)) return false
    this.#bytes.add(payer, bytes)
    this.#frames.add(payer, 1)
    this.#bytesOf.set(held.sender, senderBytes)
    this.#held.push(held)
    this.#running ??= this.#run()
    return true
  }

  /** Resolves when all frames are confirmed or `withinMs` is over, with how many are not. */
  async close(withinMs: number): Promise<number> {
    await Promise.race([this.#running, pause(withinMs, undefined, { ref: false })])
    this.#ended = true
    return this.#held.length
  }

  async #run(): Promise<void> {
    while (this.#held.length > 0 && !this.#ended) {
      const first = this.#held.slice(0, batch)
      const settled = await Promise.allSettled(first.map(({ frame }) => this.#publish(frame)))
      const refused: HeldFrame[] = []
      for (const [place, held] of first.entries()) {
        const outcome = settled[place]
        if (outcome?.status === 'rejected' && !this.#isPermanent(outcome.reason)) refused.push(held)
        else this.#settle(held, outcome?.status === 'fulfilled')
      }
      this.#held = [...refused, ...this.#held.slice(first.length)]
      if (refused.length > 0) await pause(retryMs)
    }
    this.#running = undefined
  }

  /** Whether publishing again would fail again. */
  #isPermanent(error: unknown): boolean {
    const { code, field } = error instanceof GatewayError ? error : {}
    const reason = errorText(error)
    const isPermanent = code === 'PAYLOAD_TOO_LARGE' || (code === 'BAD_USER_INPUT' && field !== 'exchange')
    if (isPermanent) this.#onDropped(reason)
    else if (!this.#refusalReported) this.#onRefused(reason)
    this.#refusalReported = !isPermanent
    return isPermanent
  }

  #settle(held: HeldFrame, confirmed: boolean): void {
    const bytes = costOf(held)
    this.#bytes.add(held.payer, -bytes)
    this.#frames.add(held.payer, -1)
    this.#bytesOf.set(held.sender, (this.#bytesOf.get(held.sender) ?? 0) - bytes)
    if (!confirmed) return
    this.#refusalReported = false
    held.onConfirmed()
  }
}

function costOf({ frame }: HeldFrame): number {
  return frame.body.length + envelopeBytes
}
