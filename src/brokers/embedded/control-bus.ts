import type { Message } from '../../core/model/message.ts'
import type { ControlBus, ControlMessage } from '../../core/ports/control-bus.ts'
import type { ControlSignature } from '../control-signature.ts'
import type { EmbeddedBroker } from './broker.ts'
import { publishTo } from './publish.ts'

/** Carries control messages between the gateways of one process. */
export class EmbeddedControlBus implements ControlBus {
  readonly #broker: EmbeddedBroker
  readonly #exchange: string
  readonly #signature: ControlSignature
  readonly #destination = { deliver: (message: Message) => this.#receive(message) }
  #onMessage: (message: ControlMessage) => void = () => {}
  #onUnsigned: () => void = () => {}

  constructor(broker: EmbeddedBroker, exchange: string, signature: ControlSignature) {
    this.#broker = broker
    this.#exchange = exchange
    this.#signature = signature
    broker.declare(exchange, 'TOPIC')
    broker.bind({ exchange, key: '#' }, this.#destination)
  }

  listen(onMessage: (message: ControlMessage) => void, onResync: () => void, onUnsigned: () => void = () => {}): void {
    this.#onMessage = onMessage
    this.#onUnsigned = onUnsigned
    queueMicrotask(onResync)
  }

  async send(message: ControlMessage): Promise<void> {
    const body = Buffer.from(JSON.stringify(this.#signature.write(message)))
    publishTo(this.#broker, this.#exchange, { routingKey: 'control', body, properties: {}, mandatory: false })
  }

  async close(): Promise<void> {
    this.#broker.unbind({ exchange: this.#exchange, key: '#' }, this.#destination)
  }

  #receive({ body }: Message): void {
    const received = this.#signature.read(parseJson(body))
    if (!received) return
    // Deferred, so that a message arrives after the call that sent it, as over a network.
    queueMicrotask(() => (received.isSigned ? this.#onMessage(received.message) : this.#onUnsigned()))
  }
}

/**
 * Invalid JSON yields undefined, because any client of the exchange may publish arbitrary bytes.
 */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown
  } catch {
    return undefined
  }
}
