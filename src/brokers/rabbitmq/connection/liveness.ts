import type { ChannelModel } from 'amqplib'
import { ReusableChannel } from '../channel/reusable-channel.ts'
import type { DeliveryReader } from '../message/delivery-reader.ts'

/** In milliseconds. */
export const livenessTimings = {
  lookMs: 250,
  /** A connection that was silent for so long is asked something. */
  askMs: 2_000,
  /** A connection that was silent for so long although it was asked has a frozen peer. */
  silentMs: 5_000,
}

/**
 * Watches whether a connection answers, because heartbeats notice a frozen node only after 20 to
 * 30 s. Silence is counted in looks and not in time, so that a process that was held up itself does
 * not suspect the broker.
 */
export class Liveness {
  readonly #deliveries: DeliveryReader
  readonly #isBlocked: () => boolean
  readonly #onSilent: () => void
  readonly #kept: ReusableChannel
  readonly #timings: typeof livenessTimings
  readonly #timer: NodeJS.Timeout
  #reads: number
  #looks = 0
  #asking = false

  /**
   * `isBlocked`: RabbitMQ does not read from this connection, and says so. `onSilent` is called
   * once.
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
    this.#kept = new ReusableChannel(connection)
    this.#timings = { ...livenessTimings, ...timings }
    this.#reads = deliveries.reads
    this.#timer = setInterval(() => this.#look(), this.#timings.lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { lookMs, askMs, silentMs } = this.#timings
    const { reads } = this.#deliveries
    if (reads !== this.#reads || this.#isBlocked()) {
      this.#reads = reads
      this.#looks = 0
      return
    }
    this.#looks += 1
    if (this.#looks * lookMs >= silentMs) {
      this.stop()
      this.#onSilent()
    } else if (this.#looks * lookMs >= askMs && !this.#asking) {
      this.#asking = true
      // Changes nothing and needs no right. What goes wrong ends the session elsewhere.
      this.#kept
        .do((channel) => channel.prefetch(1))
        .catch(() => undefined)
        .finally(() => {
          this.#asking = false
        })
    }
  }
}
