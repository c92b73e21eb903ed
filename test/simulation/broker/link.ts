import type { Choices } from '../time/seeded.ts'
import type { VirtualClock } from '../time/virtual-clock.ts'

/**
 * One direction of a TCP connection: what is sent arrives later and in order. While it is held
 * (a partition, a frozen peer), TCP keeps what was sent and delivers it afterwards.
 */
export class Direction {
  latencyMs: number
  readonly #clock: VirtualClock
  readonly #random: Choices
  /** The owner of the code that handles what arrives. */
  readonly #owner: number
  #holds = 0
  #period = 0
  #held: (() => void)[] = []
  #lastArrival = 0
  #closed = false

  constructor(clock: VirtualClock, random: Choices, owner: number, latencyMs: number) {
    this.#clock = clock
    this.#random = random
    this.#owner = owner
    this.latencyMs = latencyMs
  }

  get isHeld(): boolean {
    return this.#holds > 0
  }

  /** The number of the time in which it is held now. Undefined: it is not held. */
  get period(): number | undefined {
    return this.isHeld ? this.#period : undefined
  }

  send(arrive: () => void): void {
    if (this.#closed) return
    const { now } = this.#clock
    const at = Math.max(this.#lastArrival, now + this.latencyMs * (0.5 + this.#random.next()))
    this.#lastArrival = at
    this.#clock.at(at - now, () => this.#arrive(arrive), this.#owner)
  }

  hold(): void {
    if (this.#holds === 0) this.#period += 1
    this.#holds += 1
  }

  release(): void {
    this.#holds -= 1
    if (this.#holds > 0) return
    const held = this.#held
    this.#held = []
    for (const arrive of held) this.#clock.at(0, () => this.#arrive(arrive), this.#owner)
  }

  close(): void {
    this.#closed = true
    this.#held = []
  }

  #arrive(arrive: () => void): void {
    if (this.#closed) return
    if (this.#holds > 0) this.#held.push(arrive)
    else arrive()
  }
}
