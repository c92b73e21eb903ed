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
import { requireWrite } from './doctor/rights.ts'

/** Every replica binds its own queue to the exchange with this key. */
const key = 'control'

/**
 * RabbitMQ deletes the queue with its connection, whatever the virtual host's default queue type
 * is.
 */
const queueOptions = {
  exclusive: true,
  durable: false,
  autoDelete: true,
  arguments: { 'x-queue-type': 'classic' },
}

/**
 * The maximum number of messages that wait for a connection. The oldest are dropped, because the
 * registry is the source of truth.
 */
const maxWaiting = 1_000

/**
 * Carries control messages over graphql-amqp-subscriptions. Its engine does not notice a lost
 * connection and cannot recover, so each session creates a new engine. Each session subscribes
 * once, because the engine resolves a second subscription to the same key before it has bound
 * anything. It never unsubscribes: the queue is deleted with the connection.
 */
export class RabbitControlBus implements ControlBus {
  readonly #exchange: string
  readonly #signature: ControlSignature
  readonly #connection: ReconnectingConnection
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
    this.#connection = openConnection({
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
    if (this.#connection.up) queueMicrotask(onResync)
  }

  async send(message: ControlMessage): Promise<void> {
    const engine = this.#engine
    try {
      if (engine) return await engine.publish(key, this.#signature.write(message))
    } catch {
      // The connection was lost during the publish.
    }
    this.#waiting.push(message)
    if (this.#waiting.length > maxWaiting) this.#waiting.shift()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const engine = new AMQPPubSub({
      connection: reportingChannelErrors(session),
      exchange: { name: this.#exchange, type: 'topic', options: { durable: true } },
      // A new name each time: after a lost connection RabbitMQ may still hold the old queue for its
      // former owner.
      queue: { name: `${this.#exchange}.${randomUUID()}`, options: queueOptions },
    })
    await engine.subscribe(key, (content) => {
      // RabbitMQ has cancelled the consumer because the queue was deleted.
      if (content === null) return session.fail(new Error('the queue of control messages was deleted'))
      const received = this.#signature.read(content)
      if (received?.isSigned) this.#onMessage(received.message)
      else if (received) this.#onUnsigned()
    })
    // Without this check, RabbitMQ would refuse the first publish and end a session that was
    // already reported as up.
    await requireWrite(session.connection, this.#exchange)
    session.signal.addEventListener('abort', () => {
      this.#engine = undefined
    })
    if (session.signal.aborted) return
    this.#engine = engine
    for (const message of this.#waiting.splice(0)) await this.send(message)
  }
}

type EngineConnection = ConstructorParameters<typeof AMQPPubSub>[0]['connection']

/** The engine only creates channels, and does not report when it loses one. */
function reportingChannelErrors(session: ConnectionSession): EngineConnection {
  const connection: Pick<ChannelModel, 'createChannel'> = {
    async createChannel() {
      const channel = await session.connection.createChannel()
      channel.on('error', (error) => session.fail(error))
      return channel
    },
  }
  // The engine uses the types of amqplib before 1.0.
  return connection as unknown as EngineConnection
}
