import type { Delivery, DeliveryListener } from '../../../src/brokers/rabbitmq/message/delivery-reader.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'

/** The bytes of a body are others after the listener has returned. */
export function fromReadBuffer(onDelivery: DeliveryListener): DeliveryListener {
  return (delivery) => {
    const body = Buffer.from(delivery.body)
    onDelivery({ ...delivery, body })
    body.fill('?')
  }
}

/**
 * Takes the place of `src/brokers/rabbitmq/message/delivery-reader.ts`: there are no bytes to read.
 */
export class DeliveryReader {
  reads = 0
  readonly #consumers = new Map<string, DeliveryListener>()
  #watcher: ((properties: MessageProperties) => void) | undefined

  intercept(consumerTag: string, onDelivery: DeliveryListener, { inReadBuffer = false } = {}): () => void {
    this.#consumers.set(consumerTag, inReadBuffer ? fromReadBuffer(onDelivery) : onDelivery)
    return () => this.#consumers.delete(consumerTag)
  }

  callback(_consumerTag: string, onCancel: () => void): (message: unknown) => void {
    return (message) => {
      if (message === null) onCancel()
    }
  }

  watchProperties(watcher: (properties: MessageProperties) => void): void {
    this.#watcher = watcher
  }

  /** Called by the simulated connection. Returns whether a consumer took the message. */
  receive(consumerTag: string, delivery: Delivery): boolean {
    const onDelivery = this.#consumers.get(consumerTag)
    if (onDelivery) onDelivery(delivery)
    else this.#watcher?.(delivery.properties)
    return onDelivery !== undefined
  }
}
