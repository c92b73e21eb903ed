import type { DeploymentKeys } from '../../core/clients/deployment-keys.ts'
import type { JournalMessage, Message } from '../../core/model/message.ts'
import { bindingOf, type Source } from '../../core/model/source.ts'
import type { ControlBus } from '../../core/ports/control-bus.ts'
import { GatewayError } from '../../errors.ts'
import type { ChunkedHotWindow } from '../../hot-window/hot-window.ts'
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
import { otherExchangeType, reservedExchange, tooLarge } from '../refusals.ts'
import { EmbeddedControlBus } from './control-bus.ts'
import { EmbeddedJournal } from './journal.ts'
import { publishIn } from './publish.ts'
import type { BrokerLease } from './shared-brokers.ts'

const defaultMaxMessageBytes = 16 * 1024 * 1024

/** A gateway on a broker in this process, with RabbitMQ's answers to the same mistakes. */
export class EmbeddedGateway implements GatewayBroker {
  readonly notes = [
    'The broker is the embedded one: messages live in this process and end with it. Set WARREN_BROKER_URL for RabbitMQ.',
  ]
  readonly state: BrokerState = { up: true }
  readonly #lease: BrokerLease
  readonly #namespace: string
  readonly #log: DriverOptions['log']
  readonly #maxMessageBytes: number
  readonly #bound = new Map<string, Source>()
  readonly #sink = {
    take: (message: Message) => {
      this.#entry = this.#onRouted(message)
    },
  }
  #onRouted: (message: Message) => JournalMessage | undefined = () => undefined
  /** What the last publication became in the journal. */
  #entry: JournalMessage | undefined

  constructor(lease: BrokerLease, { namespace, log }: DriverOptions, options: GatewayOptions) {
    this.#lease = lease
    this.#namespace = namespace
    this.#log = log
    this.#maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes
    // What could not be delivered is counted and logged; there is nobody who could look into a
    // queue of it.
    const quarantine = `${namespace}.quarantine`
    lease.broker.declare(quarantine, 'FANOUT')
    lease.broker.bind({ exchange: quarantine, key: '' }, { take() {} })
  }

  openJournal({ retention, hotWindow }: JournalOptions): { journal: EmbeddedJournal; hotWindow: ChunkedHotWindow } {
    const journal = new EmbeddedJournal(retention)
    this.onRouted((message) => journal.append(message))
    return { journal, hotWindow: journal.hotWindow(hotWindow) }
  }

  /**
   * Each publication that matches at least one bound source's binding, once, in order. The listener
   * answers with its entry in the journal, and must not throw.
   */
  onRouted(listener: (message: Message) => JournalMessage | undefined): void {
    this.#onRouted = listener
  }

  /** It is up from the first to the last, so that nobody is ever called. */
  onState(): void {}

  /** What is published is answered at once. */
  get unansweredBytes(): number {
    return 0
  }

  async publish(publication: GatewayPublication): Promise<JournalMessage | undefined> {
    const bytes = publication.body.length
    const isPoison = publication.exchange === `${this.#namespace}.quarantine`
    if (bytes > this.#maxMessageBytes && !isPoison) throw tooLarge(bytes, this.#maxMessageBytes)
    this.#entry = undefined
    publishIn(this.#lease.broker, `${this.#namespace}.events`, publication)
    return this.#entry
  }

  async bind(source: Source): Promise<{ declared: boolean }> {
    const { exchange, exchangeType } = source
    const { broker } = this.#lease
    const current = broker.typeOf(exchange)
    if (current === undefined && exchange.startsWith('amq.')) throw reservedExchange(exchange)
    if (current !== undefined && current !== exchangeType) {
      throw otherExchangeType(exchange, current.toLowerCase(), exchangeType.toLowerCase())
    }
    broker.declare(exchange, exchangeType)
    broker.bind(bindingOf(source), this.#sink)
    this.#bound.set(source.id, source)
    return { declared: current === undefined }
  }

  keep(source: Source): void {
    this.bind(source).catch((error: GatewayError) => {
      this.#log('warn', `a source receives nothing: ${error.message}`, { source: source.id })
    })
  }

  async unbind(source: Source): Promise<void> {
    this.#bound.delete(source.id)
    const { exchange, key } = bindingOf(source)
    const needed = [...this.#bound.values()].map(bindingOf)
    if (needed.some((other) => other.exchange === exchange && other.key === key)) return
    this.#lease.broker.unbind({ exchange, key }, this.#sink)
  }

  consumeFanouts({ own, fedBy, declared }: FanoutExchanges, receive: FanoutListener): { close(): Promise<void> } {
    const heard = [own, ...fedBy]
    const { broker } = this.#lease
    let closed = false
    // Not within the call that published, as over a wire.
    const sink = { take: (message: Message) => queueMicrotask(() => closed || receive(message)) }
    for (const name of [...heard, ...declared]) broker.declare(name, 'FANOUT')
    for (const name of heard) broker.bind({ exchange: name, key: '' }, sink)
    return {
      close: async () => {
        closed = true
        for (const name of heard) broker.unbind({ exchange: name, key: '' }, sink)
      },
    }
  }

  openControlBus(keys: DeploymentKeys): ControlBus {
    return new EmbeddedControlBus(this.#lease.broker, `${this.#namespace}.control`, new ControlSignature(keys))
  }

  async close(): Promise<void> {
    for (const source of this.#bound.values()) await this.unbind(source)
    this.#lease.release()
  }
}
