import { randomUUID } from 'node:crypto'
import type { DeploymentKeys } from '../../core/clients/deployment-keys.ts'
import type { JournalMessage } from '../../core/model/message.ts'
import type { Source } from '../../core/model/source.ts'
import type { ControlBus } from '../../core/ports/control-bus.ts'
import { ChunkedHotWindow } from '../../hot-window/hot-window.ts'
import { ControlSignature } from '../control-signature.ts'
import type {
  BrokerState,
  DriverOptions,
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
import {
  type ConnectionOptions,
  type ConnectionWatch,
  ReconnectingConnection,
} from './connection/reconnecting-connection.ts'
import { RabbitControlBus } from './control-bus.ts'
import { notYet, PartReadiness } from './part-readiness.ts'
import { Publisher, publisherLimits } from './publish/publisher.ts'
import { ReadBack } from './publish/read-back.ts'
import { StreamJournal } from './stream/stream-journal.ts'
import { FanoutConsumer } from './topology/fanout-consumer.ts'
import { SourceBindings } from './topology/source-bindings.ts'

/**
 * How much of the past a starting replica reads into its hot window at most, in milliseconds, if
 * the window is bounded by its size alone.
 */
const maxWarmMs = 5 * 60 * 1000
/**
 * How long the gateway is unready for sources that are not bound again when publishing works again,
 * in milliseconds. While a node is frozen, RabbitMQ 3.10 binds nothing.
 */
const bindingMs = 5_000

/**
 * A gateway on RabbitMQ: a connection for publishing, one for administration, and those that others
 * open.
 */
export class RabbitGateway implements GatewayBroker {
  readonly notes = []
  readonly #nodes: Nodes
  readonly #namespace: string
  readonly #queue: string
  readonly #log: DriverOptions['log']
  readonly #quarantine: string
  readonly #maxMessageBytes: number
  readonly #onUnreadable: DriverOptions['onUnreadable']
  readonly #onInterrupted: DriverOptions['onInterrupted']
  readonly #publisher: Publisher
  readonly #readBack: ReadBack
  readonly #bindings: SourceBindings
  readonly #buffers: Buffers
  /** Ids of the buffered sources, by exchange. */
  readonly #buffered = new Map<string, Set<string>>()
  readonly #links = new Set<ReconnectingConnection>()
  readonly #listeners: ((state: BrokerState) => void)[] = []
  /** Those that somebody has opened. In the order in which reasons are given. */
  readonly #readiness: Record<Part, PartReadiness | undefined> = {
    publishing: undefined,
    administration: undefined,
    control: undefined,
    room: undefined,
  }
  #state: BrokerState = { up: false, reason: notYet }

  constructor(urls: readonly string[], driver: DriverOptions, options: GatewayOptions) {
    const { namespace, log } = driver
    const { queue, publishTimeoutMs, maxMessageBytes = publisherLimits.maxMessageBytes } = options
    this.#nodes = new Nodes(urls)
    this.#namespace = namespace
    this.#queue = queue
    this.#log = log
    this.#onUnreadable = driver.onUnreadable?.bind(driver)
    this.#onInterrupted = driver.onInterrupted?.bind(driver)
    this.#quarantine = `${namespace}.quarantine`
    this.#maxMessageBytes = maxMessageBytes
    const probe = (): GatewayPublication => ({
      exchange: queue,
      routingKey: queue,
      body: Buffer.alloc(0),
      properties: {},
      into: 'journal',
    })
    this.#publisher = new Publisher(this.openConnection, this.#watch('publishing'), {
      defaultExchange: `${namespace}.events`,
      probe,
      limits: {
        ...(publishTimeoutMs === undefined ? {} : { publishTimeoutMs }),
        maxMessageBytes: Number.POSITIVE_INFINITY,
      },
    })
    const onNotStored = (messages: number): void => {
      log('warn', 'RabbitMQ confirmed messages that are not in the journal; they are published again', { messages })
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
    const onUnreadable = (from: string): void => this.#dropped(from)
    this.#buffers = new Buffers(this.openConnection, {
      namespace,
      log,
      publishTimeoutMs,
      probe,
      onUnreadable,
      onNotStored,
    })
    this.#bindings = new SourceBindings(this.openConnection, this.#watch('administration'), {
      queue,
      namespace,
      log,
      setAside: this.#quarantine,
    })
  }

  get state(): BrokerState {
    return this.#state
  }

  onState(listener: (state: BrokerState) => void): void {
    this.#listeners.push(listener)
  }

  get unansweredBytes(): number {
    return Math.max(this.#publisher.unansweredBytes, this.#readBack.expectedBytes)
  }

  async publish(publication: GatewayPublication): Promise<JournalMessage | undefined> {
    const { exchange = `${this.#namespace}.events`, body } = publication
    // The bound is for what clients publish; what a back end has published has its place in the
    // quarantine.
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
      warmMs: Math.min(hotWindow.maxAgeMs, maxWarmMs),
      openConnection: this.openConnection,
      publish: (publication) => this.#publisher.publish({ ...publication, into: 'journal' }),
      onEntry: (entry) => {
        this.#readBack.saw(entry)
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
    this.#empty(source)
    return bound
  }

  keep(source: Source): void {
    this.#bindings.keep(source)
    this.#empty(source)
  }

  async unbind(source: Source): Promise<void> {
    await this.#bindings.unbind(source)
    const others = this.#buffered.get(source.exchange)
    if (!others?.delete(source.id) || others.size > 0) return
    this.#buffered.delete(source.exchange)
    this.#buffers.remove(source.exchange)
  }

  /**
   * Binds every source again and replaces the channels that publish into the journal, which may
   * have been declared again. Never fails.
   */
  bindAllAgain(): Promise<void> {
    this.#publisher.renew()
    this.#buffers.renew()
    return this.#bindings.bindAllAgain()
  }

  consumeFanouts(exchanges: FanoutExchanges, receive: FanoutListener): { close(): Promise<void> } {
    const watch = this.#watch('room')
    const onUnreadable = (queue: string): void => this.#dropped(queue)
    return new FanoutConsumer(this.openConnection, { ...exchanges, watch, onUnreadable }, receive)
  }

  openControlBus(keys: DeploymentKeys): ControlBus {
    const watch = this.#watch('control')
    return new RabbitControlBus(this.openConnection, `${this.#namespace}.control`, new ControlSignature(keys), watch)
  }

  readonly openConnection = (options: ConnectionOptions): ReconnectingConnection => {
    const tell = this.#interruptionsOf(options.purpose)
    const link: ReconnectingConnection = new ReconnectingConnection(this.#nodes, {
      ...options,
      onUp: () => {
        tell(undefined)
        options.onUp?.()
      },
      onDown: (reason) => {
        tell(reason)
        options.onDown?.(reason)
      },
      onRetry: (reason, delayMs) => {
        tell(reason)
        options.onRetry?.(reason, delayMs)
      },
      onBlocked: (reason) => {
        tell(reason)
        options.onBlocked?.(reason)
      },
      onClosed: () => {
        tell(undefined)
        this.#links.delete(link)
      },
    })
    this.#links.add(link)
    link.open()
    return link
  }

  async close(): Promise<void> {
    await this.#buffers.close()
    await Promise.all([this.#publisher.close(), this.#bindings.close()])
    await Promise.all([...this.#links].map((link) => link.close()))
  }

  /** RabbitMQ can hand the head of this queue to nobody. */
  #dropped(queue: string): void {
    const text = 'RabbitMQ ends every consumer that reaches this message with 541, so it was dropped from its queue'
    this.#log('error', text, { queue })
    this.#onUnreadable?.()
  }

  #empty({ buffered, exchange, id }: Source): void {
    if (!buffered) return
    const ids = this.#buffered.get(exchange) ?? new Set()
    this.#buffered.set(exchange, ids.add(id))
    this.#buffers.add(exchange)
  }

  /** The journal reports on its own links: it also knows when a link is up and silent. */
  #interruptionsOf(purpose: string): (reason: string | undefined) => void {
    const what = interrupted[purpose]
    if (what === undefined) return () => {}
    const part = {}
    return (reason) => this.#onInterrupted?.(part, what, reason)
  }

  #watch(part: Part): ConnectionWatch {
    const readiness = new PartReadiness(partPatience[part], () => this.#change())
    this.#readiness[part] = readiness
    const down = (reason: string): void => readiness.down(reason)
    return {
      onUp: () => {
        // A publication to a source that is not declared again yet would be refused.
        if (part === 'publishing') this.#readiness.administration?.awaited(bindingMs)
        readiness.up()
      },
      onDown: down,
      // The outage goes on, and its reason may be another by now.
      onRetry: down,
      ...(part === 'publishing' && {
        onBlocked: (reason) => (reason === undefined ? readiness.up() : readiness.refused(reason)),
      }),
    }
  }

  #change(): void {
    const reasons = Object.entries(this.#readiness).flatMap(([part, readiness]) => {
      const reason = readiness?.reason
      if (reason === undefined) return []
      const what = part === 'control' || part === 'room' ? `${interrupted[purposeOf[part]]}: ` : ''
      return [reason === notYet ? reason : `${what}${reason}`]
    })
    // One part may wait for what another is refused.
    const why = reasons.find((reason) => reason !== notYet) ?? reasons[0]
    const { up } = this.#state
    if (why === undefined ? up : !up && this.#state.reason === why) return
    this.#state = why === undefined ? { up: true } : { up: false, reason: why }
    for (const listener of this.#listeners) listener(this.#state)
  }
}

type Part = 'publishing' | 'administration' | 'control' | 'room'

const purposeOf = { control: 'control', room: 'fanouts' } as const

/** What does not work while the links of this purpose are down. */
const interrupted: Readonly<Record<string, string>> = {
  publishing: 'publications wait',
  administration: 'sources cannot be bound',
  control: 'control messages among replicas do not come through',
  fanouts: 'messages of the room (fanout exchanges) do not come in',
  'buffered sources': 'messages of buffered sources wait',
}

/**
 * How long each part may be interrupted, once it was there, before the gateway is unready; in
 * milliseconds. Publications wait in the gateway meanwhile. Without the others a gateway delivers
 * and takes publications all the same: bindings stay in RabbitMQ, and a control message is a hint
 * to read the registry. They may be away for as long as RabbitMQ needs to notice a frozen node of
 * its cluster (net_ticktime, 60 s): until then no node declares a queue.
 */
const partPatience: Readonly<Record<Part, number>> = {
  publishing: 2_000,
  administration: 120_000,
  control: 120_000,
  room: 120_000,
}
