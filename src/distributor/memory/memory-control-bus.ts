import type { ControlBus, ControlMessage } from '../../core/broker.ts'
import type { Message } from '../../core/message.ts'
import { readControlMessage } from '../control-message.ts'
import type { MemoryBroker } from './memory-broker.ts'
import { publishIn } from './publish.ts'

/** Control messages among the gateways of one process. */
export class MemoryControlBus implements ControlBus {
  readonly #broker: MemoryBroker
  readonly #exchange: string
  readonly #sink = { take: (message: Message) => this.#take(message) }
  #onMessage: (message: ControlMessage) => void = () => {}

  constructor(broker: MemoryBroker, exchange: string) {
    this.#broker = broker
    this.#exchange = exchange
    broker.declare(exchange, 'TOPIC')
    broker.bind({ exchange, key: '#' }, this.#sink)
  }

  listen(onMessage: (message: ControlMessage) => void, onResync: () => void): void {
    this.#onMessage = onMessage
    queueMicrotask(onResync)
  }

  async send(message: ControlMessage): Promise<void> {
    const body = Buffer.from(JSON.stringify(message))
    publishIn(this.#broker, this.#exchange, { routingKey: 'control', body, properties: {}, mandatory: false })
  }

  async close(): Promise<void> {
    this.#broker.unbind({ exchange: this.#exchange, key: '#' }, this.#sink)
  }

  #take({ body }: Message): void {
    const message = readControlMessage(JSON.parse(body.toString()))
    // Not within the call that sent it, as over a wire.
    if (message) queueMicrotask(() => this.#onMessage(message))
  }
}
