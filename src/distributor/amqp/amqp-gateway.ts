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
  readonly #onUnreadable: DriverOptions['onUnreadable']
  readonly #publisher: Publisher
  readonly #topology: Topology
  readonly #links = new Set<Link>()
  readonly #listeners: ((state: BrokerState) => void)[] = []
  /** Why each of the two is down; undefined: it is up. */
  readonly #down: Record<Part, string | undefined> = { administration: notYet, publishing: notYet }
  #state: BrokerState = { up: false, reason: notYet }

  constructor(urls: readonly string[], driver: DriverOptions, options: GatewayOptions) {
    const { namespace, log } = driver
    const { queue, publishTimeoutMs, maxMessageBytes } = options
    this.#urls = urls
    this.#namespace = namespace
    this.#log = log
    this.#onUnreadable = driver.onUnreadable?.bind(driver)
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
    this.#topology = new Topology(this.openLink, this.#watch('administration'), {
      queue,
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

  bind(source: Source): Promise<{ declared: boolean }> {
    return this.#topology.bind(source)
  }

  keep(source: Source): void {
    this.#topology.keep(source)
  }

  unbind(source: Source): Promise<void> {
    return this.#topology.unbind(source)
  }

  bindAllAgain(): Promise<void> {
    return this.#topology.bindAllAgain()
  }

  hearFanouts(exchanges: FanoutExchanges, receive: FanoutListener): { close(): Promise<void> } {
    const onUnreadable = (queue: string): void => {
      const text = 'RabbitMQ ends every consumer that reaches this message with 541, so it was dropped from its queue'
      this.#log('error', text, { queue })
      this.#onUnreadable?.()
    }
    return new Fanouts(this.openLink, { ...exchanges, log: this.#log, onUnreadable }, receive)
  }

  openControlBus(): ControlBus {
    return new AmqpControlBus(this.openLink, `${this.#namespace}.control`)
  }

  readonly openLink = (options: LinkOptions): Link => {
    const onClosed = (): void => void this.#links.delete(link)
    const link: Link = new Link(this.#urls, { ...options, onClosed })
    this.#links.add(link)
    link.open()
    return link
  }

  async close(): Promise<void> {
    await Promise.all([this.#publisher.close(), this.#topology.close()])
    await Promise.all([...this.#links].map((link) => link.close()))
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
