import { randomUUID } from 'node:crypto'
import { AMQPPubSub } from 'graphql-amqp-subscriptions'
import type { ControlBus, ControlMessage } from '../../core/ports/control-bus.ts'
import type { ControlSignature } from '../control-signature.ts'
import type { ChannelModel } from './connection/amqp.ts'
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from './connection/reconnecting-connection.ts'
import { demandWrite } from './doctor/rights.ts'

/** Every replica binds a queue of its own to the exchange with this key. */
const key = 'control'

/** Gone with its connection, whatever the default queue type of the virtual host is. */
const queueOptions = {
  exclusive: true,
  durable: false,
  autoDelete: true,
  arguments: { 'x-queue-type': 'classic' },
}

/** What may wait for a connection; the oldest is forgotten, for the registry holds the truth. */
const maxWaiting = 1_000

/**
 * Control messages over graphql-amqp-subscriptions. Its engine neither notices nor survives the
 * loss of its connection, so that each session gets a new one. It is subscribed to once a session,
 * because its second subscriber of a key would resolve before anything is bound, and never
 * unsubscribed from: its queue goes with the connection.
 */
export class RabbitControlBus implements ControlBus {
  readonly #exchange: string
  readonly #signature: ControlSignature
  readonly #link: ReconnectingConnection
  #engine: AMQPPubSub | undefined
  #onMessage: (message: ControlMessage) => void = () => {}
  #onResync: () => void = () => {}
  #onUnsigned: () => void = () => {}
  #waiting: ControlMessage[] = []

  constructor(
    openConnection: OpenConnection,
    exchange: string,
    signature: ControlSignature,
    watch: ConnectionWatch = {},
  ) {
    this.#exchange = exchange
    this.#signature = signature
    this.#link = openConnection({
      ...watch,
      purpose: 'control',
      establish: (session) => this.#establish(session),
      onUp: () => {
        watch.onUp?.()
        this.#onResync()
      },
    })
  }

  listen(onMessage: (message: ControlMessage) => void, onResync: () => void, onUnsigned: () => void = () => {}): void {
    this.#onMessage = onMessage
    this.#onResync = onResync
    this.#onUnsigned = onUnsigned
    if (this.#link.up) queueMicrotask(onResync)
  }

  async send(message: ControlMessage): Promise<void> {
    const engine = this.#engine
    try {
      if (engine) return await engine.publish(key, this.#signature.write(message))
    } catch {
      // The connection went on the way.
    }
    this.#waiting.push(message)
    if (this.#waiting.length > maxWaiting) this.#waiting.shift()
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const engine = new AMQPPubSub({
      connection: watched(session),
      exchange: { name: this.#exchange, type: 'topic', options: { durable: true } },
      // A name of its own each time: after a lost connection RabbitMQ may still hold the old queue
      // for its dead owner.
      queue: { name: `${this.#exchange}.${randomUUID()}`, options: queueOptions },
    })
    await engine.subscribe(key, (content) => {
      // RabbitMQ has cancelled the consumer: somebody deleted the queue.
      if (content === null) return session.fail(new Error('the queue of control messages is gone'))
      const received = this.#signature.read(content)
      if (received?.isSigned) this.#onMessage(received.message)
      else if (received) this.#onUnsigned()
    })
    // A refused publication would end the session only after it was said to be up.
    await demandWrite(session.connection, this.#exchange)
    session.signal.addEventListener('abort', () => {
      this.#engine = undefined
    })
    if (session.signal.aborted) return
    this.#engine = engine
    for (const message of this.#waiting.splice(0)) await this.send(message)
  }
}

type EngineConnection = ConstructorParameters<typeof AMQPPubSub>[0]['connection']

/** The engine asks its connection for channels only, and tells nobody when it loses one. */
function watched(session: ConnectionSession): EngineConnection {
  const connection: Pick<ChannelModel, 'createChannel'> = {
    async createChannel() {
      const channel = await session.connection.createChannel()
      channel.on('error', (error) => session.fail(error))
      return channel
    },
  }
  // Its types are those of amqplib before 1.0.
  return connection as unknown as EngineConnection
}
