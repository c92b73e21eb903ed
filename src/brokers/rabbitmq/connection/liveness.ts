import type { ChannelModel } from 'amqplib'
import { ReusableChannel } from '../channel/reusable-channel.ts'
import type { DeliveryReader } from '../message/delivery-reader.ts'

/** In milliseconds. */
export const livenessTimings = {
  checkMs: 250,
  /** After this much silence, a probe is sent. */
  probeMs: 2_000,
  /** After this much silence despite the probe, the peer counts as frozen. */
  silentMs: 5_000,
}

/**
 * Detects a frozen peer, because heartbeats need 20 to 30 s for that. Silence is counted in checks
 * and not in time, so that a blocked event loop does not count as a silent broker.
 */
export class Liveness {
  readonly #deliveries: DeliveryReader
  readonly #isBlocked: () => boolean
  readonly #onSilent: () => void
  readonly #channel: ReusableChannel
  readonly #timings: typeof livenessTimings
  readonly #timer: NodeJS.Timeout
  #reads: number
  #silentChecks = 0
  #probing = false

  /**
   * `isBlocked` returns true while RabbitMQ has announced that it does not read from this
   * connection. `onSilent` is called once.
   */
  constructor(
    connection: ChannelModel,
    deliveries: DeliveryReader,
    isBlocked: () => boolean,
    onSilent: () => void,
    timings: Partial<typeof livenessTimings> = {},
  ) {
    this.#deliveries = deliveries
    this.#isBlocked = isBlocked
    this.#onSilent = onSilent
    this.#channel = new ReusableChannel(connection)
    this.#timings = { ...livenessTimings, ...timings }
    this.#reads = deliveries.reads
    this.#timer = setInterval(() => this.#check(), this.#timings.checkMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #check(): void {
    const { checkMs, probeMs, silentMs } = this.#timings
    const { reads } = this.#deliveries
    if (reads !== this.#reads || this.#isBlocked()) {
      this.#reads = reads
      this.#silentChecks = 0
      return
    }
    this.#silentChecks += 1
    if (this.#silentChecks * checkMs >= silentMs) {
      this.stop()
      this.#onSilent()
    } else if (this.#silentChecks * checkMs >= probeMs && !this.#probing) {
      this.#probing = true
      // Changes nothing and needs no permission. An error ends the session elsewhere.
      this.#channel
        .do((channel) => channel.prefetch(1))
        .catch(() => undefined)
        .finally(() => {
          this.#probing = false
        })
    }
  }
}
