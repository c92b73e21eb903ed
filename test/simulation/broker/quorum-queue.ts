import type { SimulatedRabbit } from './rabbit.ts'
import type { PublishedMessage, ServerChannel } from './server-channel.ts'

export interface QuorumConsumer {
  readonly channel: ServerChannel
  readonly tag: string
  unacknowledged: number
}

interface Item {
  readonly message: PublishedMessage
  redelivered: boolean
}

/**
 * A quorum queue with a single active consumer. It keeps its messages while nodes restart; without
 * a leader it stores nothing, and its publishers' messages wait for the next one.
 */
export class QuorumQueue {
  readonly name: string
  readonly #rabbit: SimulatedRabbit
  #ready: Item[] = []
  readonly #unacknowledged = new Map<Item, QuorumConsumer>()
  /** The first one is active. */
  readonly #consumers: QuorumConsumer[] = []
  #uncommitted: { readonly message: PublishedMessage; readonly stored: () => void }[] = []
  #commitPending = false
  isDeleted = false

  constructor(rabbit: SimulatedRabbit, name: string) {
    this.#rabbit = rabbit
    this.name = name
  }

  /** As RabbitMQ counts: without those that wait for an acknowledgement. */
  get messageCount(): number {
    return this.#ready.length
  }

  get consumerCount(): number {
    return this.#consumers.length
  }

  get bodies(): readonly Buffer[] {
    return [...this.#ready, ...this.#unacknowledged.keys()].map(({ message }) => message.body)
  }

  publish(message: PublishedMessage, _isShared: () => boolean, stored: () => void): void {
    this.#uncommitted.push({ message, stored })
    this.commitSoon()
  }

  commitSoon(): void {
    if (this.#commitPending || this.#uncommitted.length === 0) return
    this.#commitPending = true
    const { clock, random } = this.#rabbit
    clock.at(random.scaled(0.1, 2), () => this.#commit(), 0)
  }

  leaderChanged(): void {
    this.commitSoon()
  }

  consume(channel: ServerChannel, tag: string): QuorumConsumer {
    const consumer = { channel, tag, unacknowledged: 0 }
    this.#consumers.push(consumer)
    // The answer to consume comes first.
    this.#rabbit.clock.at(0, () => this.pump(), 0)
    return consumer
  }

  /** What the consumer has not acknowledged goes to the next one, in its order and marked. */
  cancel(consumer: QuorumConsumer): void {
    const index = this.#consumers.indexOf(consumer)
    if (index >= 0) this.#consumers.splice(index, 1)
    const returned: Item[] = []
    for (const [item, owner] of this.#unacknowledged) {
      if (owner !== consumer) continue
      this.#unacknowledged.delete(item)
      item.redelivered = true
      returned.push(item)
    }
    this.#ready = [...returned, ...this.#ready]
    this.#rabbit.clock.at(0, () => this.pump(), 0)
  }

  delete(): void {
    this.isDeleted = true
    for (const { channel, tag } of this.#consumers) channel.cancelled(tag)
    this.#consumers.length = 0
  }

  pump(): void {
    const [active] = this.#consumers
    if (!active || this.isDeleted || !this.#rabbit.mayRead(active.channel.connection.node)) return
    const { channel, tag } = active
    while (active.unacknowledged < channel.prefetch) {
      const item = this.#ready.shift()
      if (!item) return
      active.unacknowledged += 1
      this.#unacknowledged.set(item, active)
      const acknowledged = (): void => {
        if (!this.#unacknowledged.delete(item)) return
        active.unacknowledged -= 1
        this.pump()
      }
      channel.deliver(tag, { ...item.message, redelivered: item.redelivered }, acknowledged)
    }
  }

  #commit(): void {
    this.#commitPending = false
    if (this.#rabbit.leaderless || this.#rabbit.isBooting || this.isDeleted) return
    const committed = this.#uncommitted
    this.#uncommitted = []
    for (const { message } of committed) this.#ready.push({ message, redelivered: false })
    this.pump()
    for (const { stored } of committed) stored()
  }
}
