import { randomUUID } from 'node:crypto'
import type { ControlBus } from '../../core/broker.ts'
import type { DeploymentKeys } from '../../core/deployment-keys.ts'
import type { JournalMessage, Publication } from '../../core/message.ts'
import type { Source } from '../../core/source.ts'
import { ControlSignature } from '../control-signature.ts'
import type {
  BrokerState,
  DriverOptions,
  FanoutExchanges,
  FanoutListener,
  GatewayOptions,
  GatewayPublication,
  LinkedBroker,
} from '../driver.ts'
import { tooLarge } from '../refusals.ts'
import { AmqpControlBus } from './amqp-control-bus.ts'
import { Buffers } from './buffers.ts'
import { complaint } from './complaint.ts'
import { Fanouts } from './fanouts.ts'
import { Link, type LinkOptions, type LinkWatch } from './link.ts'
import { Publisher, publisherLimits } from './publisher.ts'
import { ReadBack } from './read-back.ts'
import { Topology } from './topology.ts'

/** A gateway on RabbitMQ: a connection for publishing, one for administration, and those that others open. */
export class AmqpGateway implements LinkedBroker {
  readonly kind = 'linked'
  readonly #urls: readonly string[]
  readonly #namespace: string
  readonly #log: DriverOptions['log']
  readonly #quarantine: string
  readonly #maxMessageBytes: number
  readonly #onUnreadable: DriverOptions['onUnreadable']
  readonly #publisher: Publisher
  readonly #readBack: ReadBack
  readonly #topology: Topology
  readonly #buffers: Buffers
  /** Ids of the buffered sources, by exchange. */
  readonly #buffered = new Map<string, Set<string>>()
  readonly #links = new Set<Link>()
  readonly #listeners: ((state: BrokerState) => void)[] = []
  /**
   * Why each part is down; undefined: it is up, or nobody has opened it. In the order in which
   * reasons are given.
   */
  readonly #down: Record<Part, string | undefined> = {
    publishing: notYet,
    administration: notYet,
    control: undefined,
    room: undefined,
  }
  #state: BrokerState = { up: false, reason: notYet }

  constructor(urls: readonly string[], driver: DriverOptions, options: GatewayOptions) {
    const { namespace, log } = driver
    const { queue, publishTimeoutMs, maxMessageBytes = publisherLimits.maxMessageBytes } = options
    this.#urls = urls
    this.#namespace = namespace
    this.#log = log
    this.#onUnreadable = driver.onUnreadable?.bind(driver)
    this.#quarantine = `${namespace}.quarantine`
    this.#maxMessageBytes = maxMessageBytes
    const publishingWatch: LinkWatch = {
      ...this.#watch('publishing'),
      onBlocked: (reason) => {
        log('warn', reason ?? 'RabbitMQ takes publications again')
        this.#change('publishing', reason)
      },
    }
    const probe = (): GatewayPublication => ({
      exchange: queue,
      routingKey: queue,
      body: Buffer.alloc(0),
      properties: {},
      into: 'journal',
    })
    this.#publisher = new Publisher(this.openLink, publishingWatch, {
      defaultExchange: `${namespace}.events`,
      probe,
      limits: {
        ...(publishTimeoutMs === undefined ? {} : { publishTimeoutMs }),
        maxMessageBytes: Number.POSITIVE_INFINITY,
      },
    })
    this.#readBack = new ReadBack({
      publish: (publication) => this.#publisher.publish(publication),
      renew: () => this.#publisher.renew(),
      log,
      timeoutMs: publishTimeoutMs ?? publisherLimits.publishTimeoutMs,
    })
    const onUnreadable = (from: string): void => this.#dropped(from)
    this.#buffers = new Buffers(this.openLink, { namespace, log, publishTimeoutMs, probe, onUnreadable })
    this.#topology = new Topology(this.openLink, this.#watch('administration'), {
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
    return this.#publisher.unansweredBytes
  }

  async publish(publication: GatewayPublication): Promise<JournalMessage | undefined> {
    const { exchange = `${this.#namespace}.events`, body } = publication
    // The bound is for what clients publish; what a back end has published has its place in the
    // quarantine.
    if (body.length > this.#maxMessageBytes && exchange !== this.#quarantine) {
      throw tooLarge(body.length, this.#maxMessageBytes)
    }
    if (publication.into !== undefined) {
      const messageId = publication.properties.messageId ?? randomUUID()
      return this.#readBack.publish({
        ...publication,
        exchange,
        properties: { ...publication.properties, messageId },
      })
    }
    await this.#publisher.publish(publication)
    return undefined
  }

  publishMark(publication: Publication): Promise<void> {
    return this.#publisher.publish({ ...publication, into: 'journal' })
  }

  onJournalEntry(entry: JournalMessage): void {
    this.#readBack.saw(entry)
    this.#buffers.onJournalEntry(entry)
  }

  useFence(fence: () => Promise<void>): void {
    this.#readBack.useFence(fence)
    this.#buffers.useFence(fence)
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
    this.#publisher.renew()
    this.#buffers.renew()
    return this.#topology.bindAllAgain()
  }

  hearFanouts(exchanges: FanoutExchanges, receive: FanoutListener): { close(): Promise<void> } {
    const watch = this.#watchPatiently('room', 'messages of the room (fanout exchanges) do not come in')
    const onUnreadable = (queue: string): void => this.#dropped(queue)
    return new Fanouts(this.openLink, { ...exchanges, watch, onUnreadable }, receive)
  }

  openControlBus(keys: DeploymentKeys): ControlBus {
    const watch = this.#watchPatiently('control', 'control messages among replicas do not come through')
    return new AmqpControlBus(this.openLink, `${this.#namespace}.control`, new ControlSignature(keys), watch)
  }

  readonly openLink = (options: LinkOptions): Link => {
    const onClosed = (): void => void this.#links.delete(link)
    const link: Link = new Link(this.#urls, { ...options, onClosed })
    this.#links.add(link)
    link.open()
    return link
  }

  async close(): Promise<void> {
    await this.#buffers.close()
    await Promise.all([this.#publisher.close(), this.#topology.close()])
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

  #watch(part: Part): LinkWatch {
    return {
      onUp: () => this.#change(part, undefined),
      onDown: (reason) => this.#change(part, reason),
      // The outage goes on, and its reason may be another by now.
      onRetry: (reason) => this.#change(part, reason),
    }
  }

  /**
   * Of a part that the gateway can do without for a moment: what the next session mends (an
   * exchange that was deleted) is logged and does not make the gateway unready.
   */
  #watchPatiently(part: Part, what: string): LinkWatch {
    const complain = complaint(this.#log, what)
    let failures = 0
    this.#down[part] = notYet
    return {
      onUp: () => {
        failures = 0
        this.#change(part, undefined)
      },
      onDown: complain,
      onRetry: (reason) => {
        failures += 1
        if (failures === 1) return
        complain(reason)
        this.#change(part, `${what}: ${reason}`)
      },
    }
  }

  #change(part: Part, reason: string | undefined): void {
    this.#down[part] = reason
    const reasons = Object.values(this.#down).filter((down) => down !== undefined)
    // One part may wait for what another is refused.
    const why = reasons.find((down) => down !== notYet) ?? reasons[0]
    const { up } = this.#state
    if (why === undefined ? up : !up && this.#state.reason === why) return
    this.#state = why === undefined ? { up: true } : { up: false, reason: why }
    for (const listener of this.#listeners) listener(this.#state)
  }
}

type Part = 'publishing' | 'administration' | 'control' | 'room'

const notYet = 'RabbitMQ is not connected yet'
