import { type Message, withOwnBody } from '../../core/model/message.ts'
import { type Receive, type SubscribeOptions, Undeliverable } from '../driver.ts'
import { maxRedeliveries, redeliveryDelayMs } from '../redeliveries.ts'

/** The destination of a binding. */
export interface Destination {
  /** Why the message cannot be accepted, or undefined if it can. */
  refusal?(bytes: number): string | undefined
  /** Copies the body if it keeps it. Must not throw. */
  deliver(message: Message): void
}

/** The maximum size of a queue in bytes. Beyond it, publishes to the queue are refused. */
const maxBytes = 64 * 1024 * 1024

interface QueuedMessage {
  readonly message: Message
  redeliveries: number
}

interface Consumer {
  readonly receive: Receive
  readonly options: SubscribeOptions
  running: number
  onIdle: (() => void) | undefined
}

/**
 * A first-in, first-out queue. Each message goes to one consumer with free prefetch, in round-robin
 * order.
 */
export class EmbeddedQueue implements Destination {
  readonly #name: string
  readonly #messages: QueuedMessage[] = []
  readonly #consumers: Consumer[] = []
  #bytes = 0

  constructor(name: string) {
    this.#name = name
  }

  refusal(bytes: number): string | undefined {
    return this.#bytes > 0 && this.#bytes + bytes > maxBytes
      ? `the queue of ${this.#name} is full (${maxBytes} bytes)`
      : undefined
  }

  deliver(message: Message): void {
    this.#bytes += message.body.length
    this.#messages.push({ message: withOwnBody(message), redeliveries: 0 })
    // Deferred, so that `publish` returns before a callback runs.
    queueMicrotask(() => this.#dispatch())
  }

  /**
   * Returns a function that cancels the consumer. It resolves when the consumer's running callbacks
   * have ended.
   */
  consume(receive: Receive, options: SubscribeOptions): () => Promise<void> {
    const consumer: Consumer = { receive, options, running: 0, onIdle: undefined }
    this.#consumers.push(consumer)
    queueMicrotask(() => this.#dispatch())
    return () => {
      const index = this.#consumers.indexOf(consumer)
      if (index >= 0) this.#consumers.splice(index, 1)
      if (consumer.running === 0) return Promise.resolve()
      return new Promise((resolve) => {
        consumer.onIdle = resolve
      })
    }
  }

  #dispatch(): void {
    while (this.#messages.length > 0) {
      const index = this.#consumers.findIndex(({ running, options }) => running < options.prefetch)
      const [consumer] = index >= 0 ? this.#consumers.splice(index, 1) : []
      const queued = consumer && this.#messages.shift()
      if (!queued) return
      this.#consumers.push(consumer)
      void this.#deliverTo(consumer, queued)
    }
  }

  async #deliverTo(consumer: Consumer, queued: QueuedMessage): Promise<void> {
    const { message, redeliveries } = queued
    consumer.running += 1
    try {
      await consumer.receive(redeliveries === 0 ? message : { ...message, redelivered: true })
      this.#bytes -= message.body.length
    } catch (error) {
      if (error instanceof Undeliverable || redeliveries >= maxRedeliveries) {
        this.#bytes -= message.body.length
        consumer.options.onPoison(message, error)
      } else {
        queued.redeliveries += 1
        setTimeout(() => {
          this.#messages.unshift(queued)
          this.#dispatch()
        }, redeliveryDelayMs(redeliveries))
      }
    }
    consumer.running -= 1
    if (consumer.running === 0) consumer.onIdle?.()
    this.#dispatch()
  }
}
