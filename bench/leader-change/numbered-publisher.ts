import type { ConfirmChannel } from 'amqplib'

/** Publishes the numbers from 0 on at a steady rate, and keeps the answer of RabbitMQ to each. */
export class NumberedPublisher {
  readonly #channel: ConfirmChannel
  readonly #exchange: string
  readonly #routingKey: string
  readonly #unanswered = new Set<number>()
  readonly confirmed = new Set<number>()
  #next = 0
  #timer: NodeJS.Timeout | undefined
  #lastAnswer = performance.now()
  #mostUnanswered = 0
  #newestConfirmed = -1

  constructor(channel: ConfirmChannel, exchange: string, routingKey: string) {
    this.#channel = channel
    this.#exchange = exchange
    this.#routingKey = routingKey
    // amqplib throws when a closed channel publishes.
    channel.once('close', () => this.stop())
  }

  /** The count of published numbers, which is also the next number. */
  get published(): number {
    return this.#next
  }

  /** The most unanswered numbers at any time. */
  get mostUnanswered(): number {
    return this.#mostUnanswered
  }

  /** The highest confirmed number; -1 before the first. */
  get newestConfirmed(): number {
    return this.#newestConfirmed
  }

  get oldestUnanswered(): number | undefined {
    return this.#unanswered.values().next().value
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => this.#publish(), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** True if everything is answered, or nothing was answered for `silentMs`. */
  isSettled(silentMs: number): boolean {
    return this.#unanswered.size === 0 || performance.now() - this.#lastAnswer > silentMs
  }

  #publish(): void {
    const number = this.#next
    this.#next += 1
    this.#unanswered.add(number)
    this.#mostUnanswered = Math.max(this.#mostUnanswered, this.#unanswered.size)
    this.#channel.publish(this.#exchange, this.#routingKey, Buffer.from(String(number)), {}, (error: unknown) => {
      this.#lastAnswer = performance.now()
      this.#unanswered.delete(number)
      // A nack is an answer too, but guarantees nothing.
      if (error !== null) return
      this.confirmed.add(number)
      this.#newestConfirmed = Math.max(this.#newestConfirmed, number)
    })
  }
}
