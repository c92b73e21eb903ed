import { idempotencyHeader } from '../../../core/delivery/deduplicator.ts'
import type { Publication } from '../../../core/model/message.ts'
import { pause } from '../../../core/timing/pause.ts'

/** The customer of the shop's page. */
export const customer = { id: 'grace', name: 'Grace' } as const

/** The time between two changes of the customer's orders, in milliseconds. */
const changeMs = 250
/** The pause before an unconfirmed message is published again, in milliseconds. */
const againMs = 100
/** How many changes may wait for the gateway. Then the shop makes no more. */
const maxWaiting = 1_000
/** This many orders are in work at the same time. */
const atATime = 3
const statuses = ['created', 'paid', 'shipped'] as const
const items = ['teapot', 'lantern', 'notebook', 'kettle', 'umbrella', 'globe', 'clock', 'chess set', 'lamp'] as const

/**
 * Publishes the changes of one customer's orders, numbered from 1, as a careful publisher does: one
 * at a time, each until the gateway has confirmed it, with an idempotency key. So a change that is
 * stored while its confirmation is lost is delivered once.
 */
export class CustomerOrders {
  readonly #publish: (publication: Publication) => Promise<boolean>
  readonly #run = `${Date.now()}`
  #made = 0
  #confirmed = 0

  constructor(publish: (publication: Publication) => Promise<boolean>) {
    this.#publish = publish
  }

  /** The number of the last change. */
  get made(): number {
    return this.#made
  }

  /** The number of the last change that the gateway has confirmed. */
  get confirmed(): number {
    return this.#confirmed
  }

  async publishUntil(signal: AbortSignal): Promise<void> {
    const timer = setInterval(() => {
      if (this.#made - this.#confirmed < maxWaiting) this.#made += 1
    }, changeMs)
    while (!signal.aborted) {
      const next = this.#confirmed + 1
      if (next > this.#made) await pause(againMs, signal)
      else if (await this.#publish(this.#changeOf(next))) this.#confirmed = next
      else await pause(againMs, signal)
    }
    clearInterval(timer)
  }

  #changeOf(number: number): Publication {
    const round = Math.floor((number - 1) / (atATime * statuses.length))
    const order = round * atATime + ((number - 1) % atATime) + 1
    const status = statuses[Math.floor((number - 1) / atATime) % statuses.length] ?? 'created'
    const item = items[order % items.length]
    const body = {
      change: number,
      id: `g-${order}`,
      customer,
      item,
      status: status.toUpperCase(),
      total: 9 + (order % 40) / 2,
    }
    return {
      exchange: 'shop.orders',
      routingKey: `orders.eu.${status}`,
      body: Buffer.from(JSON.stringify({ ...body, placedAt: new Date().toISOString() })),
      properties: {
        contentType: 'application/json',
        type: `order.${status}`,
        messageId: `change-${number}`,
        headers: { [idempotencyHeader]: `${customer.id} ${this.#run} ${number}` },
      },
    }
  }
}
