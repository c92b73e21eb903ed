import type { ControlBus } from '../../core/broker.ts'
import type { Source } from '../../core/source.ts'
import type {
  BrokerState,
  DriverOptions,
  FanoutExchanges,
  FanoutListener,
  GatewayOptions,
  GatewayPublication,
  LinkedBroker,
} from '../driver.ts'
import { AmqpControlBus } from './amqp-control-bus.ts'
import { Buffers } from './buffers.ts'
import { Fanouts } from './fanouts.ts'
import { Link, type LinkOptions, type LinkWatch } from './link.ts'
import { Publisher } from './publisher.ts'
import { declareSetAside } from './set-aside.ts'
import { Topology } from './topology.ts'

/** A gateway on RabbitMQ: a connection for publishing, one for administration, and those that others open. */
export class AmqpGateway implements LinkedBroker {
  readonly kind = 'linked'
  readonly #urls: readonly string[]
  readonly #namespace: string
  readonly #log: DriverOptions['log']
  readonly #publisher: Publisher
  readonly #topology: Topology
  readonly #buffers: Buffers
  /** Ids of the buffered sources, by exchange. */
  readonly #buffered = new Map<string, Set<string>>()
  readonly #links = new Set<Link>()
  readonly #listeners: ((state: BrokerState) => void)[] = []
  /** Why each of the two is down; undefined: it is up. */
  readonly #down: Record<Part, string | undefined> = { administration: notYet, publishing: notYet }
  #state: BrokerState = { up: false, reason: notYet }

  constructor(urls: readonly string[], { namespace, log }: DriverOptions, options: GatewayOptions) {
    const { queue, publishTimeoutMs, maxMessageBytes } = options
    this.#urls = urls
    this.#namespace = namespace
    this.#log = log
    const publishingWatch: LinkWatch = {
      ...this.#watch('publishing'),
      onBlocked: (reason) => {
        log('warn', reason ?? 'RabbitMQ takes publications again')
        this.#change('publishing', reason)
      },
    }
    this.#publisher = new Publisher(this.openLink, publishingWatch, {
      defaultExchange: `${namespace}.events`,
      limits: {
        ...(publishTimeoutMs === undefined ? {} : { publishTimeoutMs }),
        ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
      },
    })
    this.#buffers = new Buffers(this.openLink, { namespace, log, publishTimeoutMs })
    this.#topology = new Topology(this.openLink, this.#watch('administration'), {
      queue,
      namespace,
      log,
      declare: (connection) => declareSetAside(connection, `${namespace}.quarantine`),
    })
  }

  get state(): BrokerState {
    return this.#state
  }

  onState(listener: (state: BrokerState) => void): void {
    this.#listeners.push(listener)
  }

  get unansweredBytes(): number {
    return this.#publisher.unansweredBytes
  }

  publish(publication: GatewayPublication): Promise<void> {
    return this.#publisher.publish(publication)
  }

  async bind(source: Source): Promise<{ declared: boolean }> {
    const bound = await this.#topology.bind(source)
    this.#empty(source)
    return bound
  }

  keep(source: Source): void {
    this.#topology.keep(source)
    this.#empty(source)
  }

  async unbind(source: Source): Promise<void> {
    await this.#topology.unbind(source)
    const others = this.#buffered.get(source.exchange)
    if (!others?.delete(source.id) || others.size > 0) return
    this.#buffered.delete(source.exchange)
    this.#buffers.remove(source.exchange)
  }

  bindAllAgain(): Promise<void> {
    return this.#topology.bindAllAgain()
  }

  hearFanouts(exchanges: FanoutExchanges, receive: FanoutListener): { close(): Promise<void> } {
    return new Fanouts(this.openLink, { ...exchanges, log: this.#log }, receive)
  }

  openControlBus(): ControlBus {
    return new AmqpControlBus(this.openLink, `${this.#namespace}.control`)
  }

  readonly openLink = (options: LinkOptions): Link => {
    const link = new Link(this.#urls, options)
    this.#links.add(link)
    link.open()
    return link
  }

  async close(): Promise<void> {
    await this.#buffers.close()
    await Promise.all([this.#publisher.close(), this.#topology.close()])
    await Promise.all([...this.#links].map((link) => link.close()))
  }

  #empty({ buffered, exchange, id }: Source): void {
    if (!buffered) return
    const ids = this.#buffered.get(exchange) ?? new Set()
    this.#buffered.set(exchange, ids.add(id))
    this.#buffers.add(exchange)
  }

  #watch(part: Part): LinkWatch {
    return {
      onUp: () => this.#change(part, undefined),
      onDown: (reason) => this.#change(part, reason),
      // The outage goes on, and its reason may be another by now.
      onRetry: (reason) => this.#change(part, reason),
    }
  }

  #change(part: Part, reason: string | undefined): void {
    this.#down[part] = reason
    const why = this.#down.publishing ?? this.#down.administration
    const { up } = this.#state
    if (why === undefined ? up : !up && this.#state.reason === why) return
    this.#state = why === undefined ? { up: true } : { up: false, reason: why }
    for (const listener of this.#listeners) listener(this.#state)
  }
}

type Part = 'administration' | 'publishing'

const notYet = 'RabbitMQ is not connected yet'
