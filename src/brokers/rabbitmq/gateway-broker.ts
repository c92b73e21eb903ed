import { randomUUID } from 'node:crypto'
import type { DeploymentKeys } from '../../core/clients/deployment-keys.ts'
import { retriesMs } from '../../core/delivery/deduplicator.ts'
import type { JournalMessage } from '../../core/model/message.ts'
import { lifeOf, type Source } from '../../core/model/source.ts'
import type { ControlBus } from '../../core/ports/control-bus.ts'
import type { Requester } from '../../core/ports/requester.ts'
import { defaultExchangeOf } from '../../core/sources/default-source.ts'
import { ChunkedHotWindow } from '../../hot-window/hot-window.ts'
import { ControlSignature } from '../control-signature.ts'
import type {
  BrokerState,
  DriverOptions,
  FanoutConsumption,
  FanoutExchanges,
  FanoutListener,
  GatewayBroker,
  GatewayOptions,
  GatewayPublication,
  JournalOptions,
} from '../driver.ts'
import { tooLarge } from '../refusals.ts'
import { Buffers } from './buffer/buffers.ts'
import { Nodes } from './connection/node-list.ts'
import { type ConnectionOptions, ReconnectingConnection } from './connection/reconnecting-connection.ts'
import { RabbitControlBus } from './control-bus.ts'
import { GatewayReadiness } from './gateway-readiness.ts'
import { reportingInterruptions } from './interruptions.ts'
import { RabbitInspector } from './operator/rabbit-inspector.ts'
import { Publisher, publisherLimits } from './publish/publisher.ts'
import { ReadBack } from './publish/read-back.ts'
import { RabbitRequester } from './request/requester.ts'
import { StreamJournal } from './stream/stream-journal.ts'
import { FanoutConsumer } from './topology/fanout-consumer.ts'
import { SourceBindings } from './topology/source-bindings.ts'

/**
 * The maximum age of messages that a starting replica reads into its hot window, in milliseconds.
 * It applies if only the size of the window is bounded.
 */
const maxWarmMs = 5 * 60 * 1000

/**
 * The broker of a gateway on RabbitMQ. It has one connection for publishing, one for
 * administration, and those that its users open.
 */
export class RabbitGateway implements GatewayBroker {
  readonly notes = []
  readonly operator: RabbitInspector
  readonly #nodes: Nodes
  readonly #namespace: string
  readonly #queue: string
  readonly #log: DriverOptions['log']
  readonly #quarantine: string
  readonly #defaultExchange: string
  readonly #maxMessageBytes: number
  readonly #onUnreadable: DriverOptions['onUnreadable']
  readonly #onInterrupted: DriverOptions['onInterrupted']
  readonly #publisher: Publisher
  readonly #readBack: ReadBack
  readonly #bindings: SourceBindings
  readonly #buffers: Buffers
  /** Exchange → lives of its buffered sources. */
  readonly #buffered = new Map<string, Set<string>>()
  readonly #connections = new Set<ReconnectingConnection>()
  readonly #readiness = new GatewayReadiness()

  constructor(urls: readonly string[], driver: DriverOptions, options: GatewayOptions) {
    const { namespace, log } = driver
    const { queue, publishTimeoutMs, maxMessageBytes = publisherLimits.maxMessageBytes, hooks = [] } = options
    this.#nodes = new Nodes(urls)
    this.operator = new RabbitInspector(urls, namespace, this.#nodes)
    this.#namespace = namespace
    this.#queue = queue
    this.#log = log
    this.#onUnreadable = driver.onUnreadable?.bind(driver)
    this.#onInterrupted = driver.onInterrupted?.bind(driver)
    this.#quarantine = `${namespace}.quarantine`
    this.#defaultExchange = defaultExchangeOf(namespace)
    this.#maxMessageBytes = maxMessageBytes
    const probe = (): GatewayPublication => ({
      exchange: queue,
      routingKey: queue,
      body: Buffer.alloc(0),
      properties: {},
      into: 'journal',
    })
    this.#publisher = new Publisher(this.openConnection, this.#readiness.watch('publishing'), {
      defaultExchange: this.#defaultExchange,
      probe,
      limits: {
        ...(publishTimeoutMs === undefined ? {} : { publishTimeoutMs }),
        maxMessageBytes: Number.POSITIVE_INFINITY,
      },
    })
    const onNotStored = (messages: number): void => {
      log('warn', 'RabbitMQ confirmed messages that are not in the journal; publishing them again', { messages })
      driver.onNotStored?.(messages)
    }
    this.#readBack = new ReadBack({
      publish: (publication, attempt) => this.#publisher.publish(publication, attempt),
      renew: () => this.#publisher.renew(),
      onNotStored,
      timeoutMs: publishTimeoutMs ?? publisherLimits.publishTimeoutMs,
      maxBytes: publisherLimits.bufferBytes,
      maxMessages: publisherLimits.bufferMessages,
    })
    const onUnreadable = (from: string): void => this.#onMessageDropped(from)
    this.#buffers = new Buffers(this.openConnection, {
      namespace,
      log,
      publishTimeoutMs,
      probe,
      onUnreadable,
      onNotStored,
      onRefused: () => driver.onRefused?.(),
    })
    this.#bindings = new SourceBindings(this.openConnection, this.#readiness.watch('administration'), {
      queue,
      namespace,
      log,
      quarantine: this.#quarantine,
      hooks,
    })
  }

  get state(): BrokerState {
    return this.#readiness.state
  }

  onState(listener: (state: BrokerState) => void): void {
    this.#readiness.onState(listener)
  }

  get unansweredBytes(): number {
    return Math.max(this.#publisher.unansweredBytes, this.#readBack.expectedBytes)
  }

  async publish(publication: GatewayPublication): Promise<JournalMessage | undefined> {
    const { exchange = this.#defaultExchange, body } = publication
    // The limit applies to what clients publish. A message from a back end may be larger when it
    // goes to the quarantine.
    if (body.length > this.#maxMessageBytes && exchange !== this.#quarantine) {
      throw tooLarge(body.length, this.#maxMessageBytes)
    }
    if (publication.into !== undefined) {
      const { properties } = publication
      if (properties.messageId !== undefined && publication.exchange !== undefined) {
        return this.#readBack.publish(publication)
      }
      const messageId = properties.messageId ?? randomUUID()
      return this.#readBack.publish({ ...publication, exchange, properties: { ...properties, messageId } })
    }
    await this.#publisher.publish(publication)
    return undefined
  }

  openJournal({ retention, hotWindow, agreeOnKey }: JournalOptions): {
    journal: StreamJournal
    hotWindow: ChunkedHotWindow
  } {
    const journal = new StreamJournal({
      name: this.#queue,
      retention,
      // At least what publishers may publish again: a starting replica then recognises the copies.
      warmMs: Math.min(Math.max(hotWindow.maxAgeMs, retriesMs), maxWarmMs),
      openConnection: this.openConnection,
      publish: (publication) => this.#publisher.publish({ ...publication, into: 'journal' }),
      onEntry: (entry) => {
        this.#readBack.onJournalEntry(entry)
        this.#buffers.onJournalEntry(entry)
      },
      bindSources: () => this.bindAllAgain(),
      agreeOnKey,
    })
    const fence = (): Promise<void> => journal.mark()
    this.#readBack.useFence(fence)
    this.#buffers.useFence(fence)
    return { journal, hotWindow: new ChunkedHotWindow(hotWindow) }
  }

  async bind(source: Source): Promise<{ declared: boolean }> {
    const bound = await this.#bindings.bind(source)
    this.#drainBuffer(source)
    return bound
  }

  keep(source: Source): void {
    this.#bindings.keep(source)
    this.#drainBuffer(source)
  }

  async unbind(source: Source): Promise<void> {
    await this.#bindings.unbind(source)
    const others = this.#buffered.get(source.exchange)
    if (!others?.delete(lifeOf(source)) || others.size > 0) return
    this.#buffered.delete(source.exchange)
    this.#buffers.remove(source.exchange)
  }

  /**
   * Binds every source again, and replaces the channels that publish to the journal, because the
   * stream may have been declared again. Never rejects.
   */
  bindAllAgain(): Promise<void> {
    this.#publisher.renew()
    this.#buffers.renew()
    return this.#bindings.bindAllAgain()
  }

  consumeFanouts(exchanges: FanoutExchanges, receive: FanoutListener): FanoutConsumption {
    const watch = this.#readiness.watch('room')
    const onUnreadable = (queue: string): void => this.#onMessageDropped(queue)
    return new FanoutConsumer(this.openConnection, { ...exchanges, watch, onUnreadable }, receive)
  }

  openRequester(): Requester {
    return new RabbitRequester(this.openConnection, {
      maxMessageBytes: this.#maxMessageBytes,
      maxWaitingBytes: publisherLimits.bufferBytes,
    })
  }

  openControlBus(keys: DeploymentKeys): ControlBus {
    const watch = this.#readiness.watch('control')
    return new RabbitControlBus(this.openConnection, `${this.#namespace}.control`, new ControlSignature(keys), watch)
  }

  readonly openConnection = (options: ConnectionOptions): ReconnectingConnection => {
    const connection: ReconnectingConnection = new ReconnectingConnection(
      this.#nodes,
      reportingInterruptions(
        { ...options, onClosed: () => void this.#connections.delete(connection) },
        this.#onInterrupted,
      ),
    )
    this.#connections.add(connection)
    connection.open()
    return connection
  }

  async close(): Promise<void> {
    await this.#buffers.close()
    await Promise.all([this.#publisher.close(), this.#bindings.close()])
    await Promise.all([...this.#connections].map((connection) => connection.close()))
    this.#readiness.close()
  }

  /** RabbitMQ cannot deliver the message at the head of this queue to any consumer. */
  #onMessageDropped(queue: string): void {
    const text =
      'RabbitMQ closes every consumer that reaches this message with 541, so the message was dropped from its queue'
    this.#log('error', text, { queue })
    this.#onUnreadable?.()
  }

  #drainBuffer(source: Source): void {
    const { buffered, exchange } = source
    if (!buffered) return
    const lives = this.#buffered.get(exchange) ?? new Set()
    this.#buffered.set(exchange, lives.add(lifeOf(source)))
    this.#buffers.add(exchange)
  }
}
