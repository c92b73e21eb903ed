import { FairShares } from '../../core/limits/fair-shares.ts'
import { errorText } from '../../core/model/error-text.ts'
import { pause } from '../../core/timing/pause.ts'
import { GatewayError } from '../../errors.ts'
import type { RoomFrame } from './room-frame.ts'

/** Frames that are given to the broker at a time. */
const batch = 500
/** Before what was refused is tried again, in milliseconds. */
const retryMs = 250
/**
 * What may wait for the broker in all, and of one client. Past it a client's next frame is not
 * accepted.
 */
const maxBytes = 16 * 1024 * 1024
const maxFrames = 10_000
/** What a frame weighs beside its body. */
const envelopeBytes = 512

export interface HeldFrame {
  readonly frame: RoomFrame
  readonly sender: object
  /** Who pays for what waits, over all of its connections. */
  readonly payer: string | undefined
  readonly onConfirmed: () => void
}

/**
 * Frames that were accepted and that the broker has not confirmed yet. While it is away they wait
 * here, bounded, in their order; they are published until it has confirmed each of them: once,
 * unless a confirmation was lost.
 */
export class PublishBuffer {
  readonly #publish: (frame: RoomFrame) => Promise<void>
  readonly #maxBytesOfOne: number
  readonly #onRefused: (reason: string) => void
  readonly #onDropped: (reason: string) => void
  #told = false
  readonly #bytesOf = new WeakMap<object, number>()
  readonly #bytes = new FairShares(maxBytes)
  readonly #frames = new FairShares(maxFrames)
  #held: HeldFrame[] = []
  #running: Promise<void> | undefined
  #ended = false

  constructor(options: {
    publish: (frame: RoomFrame) => Promise<void>
    maxBytesOfOne: number
    /** Once, until something is confirmed. */
    onRefused: (reason: string) => void
    /** The broker will never take it. */
    onDropped: (reason: string) => void
  }) {
    this.#publish = options.publish
    this.#onRefused = options.onRefused
    this.#onDropped = options.onDropped
    this.#maxBytesOfOne = options.maxBytesOfOne
  }

  get size(): number {
    return this.#held.length
  }

  /** Whether there was room for it. */
  accept(held: HeldFrame): boolean {
    const bytes = weightOf(held)
    const ofSender = (this.#bytesOf.get(held.sender) ?? 0) + bytes
    const { payer } = held
    const isFull =
      !this.#frames.hasRoom(payer, 1) || !this.#bytes.hasRoom(payer, bytes) || ofSender > this.#maxBytesOfOne
    if (this.#ended || (isFull && this.#held.length > 0)) return false
    this.#bytes.add(payer, bytes)
    this.#frames.add(payer, 1)
    this.#bytesOf.set(held.sender, ofSender)
    this.#held.push(held)
    this.#running ??= this.#run()
    return true
  }

  /** Resolves when everything is confirmed, or the time is up: then with how many were not. */
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
        if (outcome?.status === 'rejected' && !this.#isHopeless(outcome.reason)) refused.push(held)
        else this.#leaves(held, outcome?.status === 'fulfilled')
      }
      this.#held = [...refused, ...this.#held.slice(first.length)]
      if (refused.length > 0) await pause(retryMs)
    }
    this.#running = undefined
  }

  /** Trying again would not mend it. */
  #isHopeless(error: unknown): boolean {
    const { code, field } = error instanceof GatewayError ? error : {}
    const reason = errorText(error)
    const hopeless = code === 'PAYLOAD_TOO_LARGE' || (code === 'BAD_USER_INPUT' && field !== 'exchange')
    if (hopeless) this.#onDropped(reason)
    else if (!this.#told) this.#onRefused(reason)
    this.#told = !hopeless
    return hopeless
  }

  #leaves(held: HeldFrame, confirmed: boolean): void {
    const bytes = weightOf(held)
    this.#bytes.add(held.payer, -bytes)
    this.#frames.add(held.payer, -1)
    this.#bytesOf.set(held.sender, (this.#bytesOf.get(held.sender) ?? 0) - bytes)
    if (!confirmed) return
    this.#told = false
    held.onConfirmed()
  }
}

function weightOf({ frame }: HeldFrame): number {
  return frame.body.length + envelopeBytes
}
