import type { DeploymentKeys } from '../../core/clients/deployment-keys.ts'
import type { JournalMessage, Message } from '../../core/model/message.ts'
import { bindingOf, type Source } from '../../core/model/source.ts'
import type { ControlBus } from '../../core/ports/control-bus.ts'
import type { Requester } from '../../core/ports/requester.ts'
import { defaultExchangeOf } from '../../core/sources/default-source.ts'
import { GatewayError } from '../../errors.ts'
import type { ChunkedHotWindow } from '../../hot-window/hot-window.ts'
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
import { otherExchangeType, reservedExchange, tooLarge } from '../refusals.ts'
import { EmbeddedControlBus } from './control-bus.ts'
import { EmbeddedInspector } from './inspector.ts'
import { EmbeddedJournal } from './journal.ts'
import { publishTo } from './publish.ts'
import type { BrokerLease } from './shared-brokers.ts'

const defaultMaxMessageBytes = 16 * 1024 * 1024

/**
 * The broker of a gateway within this process. It answers the same mistakes with RabbitMQ's
 * answers.
 */
export class EmbeddedGateway implements GatewayBroker {
  /** Set by `openJournal`, which is called before the notes are printed. */
  notes: readonly string[] = []
  readonly state: BrokerState = { up: true }
  readonly operator: EmbeddedInspector
  readonly #lease: BrokerLease
  readonly #namespace: string
  /** Made once, because every message has the name, and is looked up and compared by it. */
  readonly #defaultExchange: string
  readonly #quarantine: string
  readonly #log: DriverOptions['log']
  readonly #maxMessageBytes: number
  readonly #bound = new Map<string, Source>()
  readonly #destination = {
    deliver: (message: Message) => {
      this.#entry = this.#onRouted(message)
    },
  }
  #onRouted: (message: Message) => JournalMessage | undefined = () => undefined
  /** The journal entry of the last publish. */
  #entry: JournalMessage | undefined

  constructor(lease: BrokerLease, { namespace, log }: DriverOptions, options: GatewayOptions) {
    this.#lease = lease
    this.#namespace = namespace
    this.#defaultExchange = defaultExchangeOf(namespace)
    this.#quarantine = `${namespace}.quarantine`
    this.#log = log
    this.#maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes
    lease.broker.declare(this.#quarantine, 'FANOUT')
    for (const hook of options.hooks ?? []) lease.broker.declare(hook, 'TOPIC')
    const store = lease.broker.quarantineOf(this.#quarantine)
    lease.broker.bind({ exchange: this.#quarantine, key: '' }, store)
    this.operator = new EmbeddedInspector(lease.broker, store)
  }

  openJournal(options: JournalOptions): { journal: EmbeddedJournal; hotWindow: ChunkedHotWindow } {
    const { retention, hotWindow, folder } = options
    this.notes = [
      folder === undefined
        ? 'The broker is the embedded one: messages are kept in this process and are lost when it ends. Set WARREN_BROKER_URL for RabbitMQ.'
        : `The broker is the embedded one, and keeps its journal in ${folder}. Set WARREN_BROKER_URL for RabbitMQ.`,
    ]
    const journal = new EmbeddedJournal(retention, folder)
    this.onRouted((message) => journal.append(message))
    return { journal, hotWindow: journal.hotWindow(hotWindow) }
  }

  /**
   * `listener` is called once, in order, for each published message that matches a source's
   * binding. It copies the body if it keeps it, and returns the message's entry in the journal. If
   * it throws, the publish is rejected.
   */
  onRouted(listener: (message: Message) => JournalMessage | undefined): void {
    this.#onRouted = listener
  }

  /** The broker is up from start to end, so it never calls a listener. */
  onState(): void {}

  /** Every publish is answered at once. */
  get unansweredBytes(): number {
    return 0
  }

  async publish(publication: GatewayPublication): Promise<JournalMessage | undefined> {
    const bytes = publication.body.length
    const isQuarantine = publication.exchange === this.#quarantine
    if (bytes > this.#maxMessageBytes && !isQuarantine) throw tooLarge(bytes, this.#maxMessageBytes)
    this.#entry = undefined
    publishTo(this.#lease.broker, this.#defaultExchange, publication)
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
    broker.bind(bindingOf(source), this.#destination)
    this.#bound.set(source.id, source)
    return { declared: current === undefined }
  }

  keep(source: Source): void {
    this.bind(source).catch((error: GatewayError) => {
      this.#log('warn', `a source receives no messages: ${error.message}`, { source: source.id })
    })
  }

  async unbind(source: Source): Promise<void> {
    this.#bound.delete(source.id)
    const { exchange, key } = bindingOf(source)
    const needed = [...this.#bound.values()].map(bindingOf)
    if (needed.some((other) => other.exchange === exchange && other.key === key)) return
    this.#lease.broker.unbind({ exchange, key }, this.#destination)
  }

  consumeFanouts({ own, fedBy, declared }: FanoutExchanges, receive: FanoutListener): FanoutConsumption {
    const bound = [own, ...fedBy]
    const { broker } = this.#lease
    let closed = false
    // Deferred, so that a message arrives after the call that published it, as over a network.
    const destination = { deliver: (message: Message) => queueMicrotask(() => closed || receive(message)) }
    for (const name of [...bound, ...declared]) broker.declare(name, 'FANOUT')
    for (const name of bound) broker.bind({ exchange: name, key: '' }, destination)
    return {
      bound: true,
      close: async () => {
        closed = true
        for (const name of bound) broker.unbind({ exchange: name, key: '' }, destination)
      },
    }
  }

  /** Nothing in this process answers requests. */
  openRequester(): Requester {
    const noResponder = (): Promise<never> =>
      Promise.reject(
        new GatewayError('NO_RESPONDER', 'no program answers requests on the embedded broker: set WARREN_BROKER_URL'),
      )
    return { inFlight: 0, request: noResponder, close: () => Promise.resolve() }
  }

  openControlBus(keys: DeploymentKeys): ControlBus {
    return new EmbeddedControlBus(this.#lease.broker, `${this.#namespace}.control`, new ControlSignature(keys))
  }

  async close(): Promise<void> {
    for (const source of this.#bound.values()) await this.unbind(source)
    this.#lease.release()
  }
}
