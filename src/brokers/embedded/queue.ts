import type { Message } from '../../core/model/message.ts'
import { type Receive, type SubscribeOptions, Undeliverable } from '../driver.ts'
import { maxRedeliveries, redeliveryDelayMs } from '../redeliveries.ts'

/** Where routed messages go. */
export interface Sink {
  /** Why it can take no more, or undefined. */
  refusal?(bytes: number): string | undefined
  /** Must not throw. */
  take(message: Message): void
}

/** What a queue may hold; then publications to it are refused. */
const maxBytes = 64 * 1024 * 1024

interface Held {
  readonly message: Message
  redeliveries: number
}

interface Member {
  readonly receive: Receive
  readonly options: SubscribeOptions
  running: number
  leaving: (() => void) | undefined
}

/** First in, first out, to one of the members at a time: those that have room, in turn. */
export class EmbeddedQueue implements Sink {
  readonly #name: string
  readonly #held: Held[] = []
  readonly #members: Member[] = []
  #bytes = 0

  constructor(name: string) {
    this.#name = name
  }

  refusal(bytes: number): string | undefined {
    return this.#bytes > 0 && this.#bytes + bytes > maxBytes
      ? `the queue of ${this.#name} is full (${maxBytes} bytes)`
      : undefined
  }

  take(message: Message): void {
    this.#bytes += message.body.length
    this.#held.push({ message, redeliveries: 0 })
    // The publisher has its answer before a callback runs.
    queueMicrotask(() => this.#handOver())
  }

  /** Returns how to leave, which resolves when the member's running callbacks have ended. */
  join(receive: Receive, options: SubscribeOptions): () => Promise<void> {
    const member: Member = { receive, options, running: 0, leaving: undefined }
    this.#members.push(member)
    queueMicrotask(() => this.#handOver())
    return () => {
      const place = this.#members.indexOf(member)
      if (place >= 0) this.#members.splice(place, 1)
      if (member.running === 0) return Promise.resolve()
      return new Promise((resolve) => {
        member.leaving = resolve
      })
    }
  }

  #handOver(): void {
    while (this.#held.length > 0) {
      const place = this.#members.findIndex(({ running, options }) => running < options.prefetch)
      const [member] = place >= 0 ? this.#members.splice(place, 1) : []
      const held = member && this.#held.shift()
      if (!held) return
      this.#members.push(member)
      void this.#deliver(member, held)
    }
  }

  async #deliver(member: Member, held: Held): Promise<void> {
    const { message, redeliveries } = held
    member.running += 1
    try {
      await member.receive(redeliveries === 0 ? message : { ...message, redelivered: true })
      this.#bytes -= message.body.length
    } catch (error) {
      if (error instanceof Undeliverable || redeliveries >= maxRedeliveries) {
        this.#bytes -= message.body.length
        member.options.onPoison(message, error)
      } else {
        held.redeliveries += 1
        setTimeout(() => {
          this.#held.unshift(held)
          this.#handOver()
        }, redeliveryDelayMs(redeliveries))
      }
    }
    member.running -= 1
    if (member.running === 0) member.leaving?.()
    this.#handOver()
  }
}
