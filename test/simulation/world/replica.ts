import { RabbitGateway } from '../../../src/brokers/rabbitmq/gateway-broker.ts'
import { DeliveryCounter } from '../../../src/core/accounting/delivery-counter.ts'
import { FieldCounter } from '../../../src/core/accounting/field-counter.ts'
import { DeploymentKeys } from '../../../src/core/clients/deployment-keys.ts'
import { Gateway } from '../../../src/core/gateway.ts'
import { CursorCodec } from '../../../src/core/model/cursor.ts'
import { overflowPolicies } from '../../../src/core/model/overflow-policy.ts'
import { defaultRoutingKey } from '../../../src/core/model/source.ts'
import type { HotWindow } from '../../../src/core/ports/hot-window.ts'
import type { Journal } from '../../../src/core/ports/journal.ts'
import type { Observer } from '../../../src/core/ports/observer.ts'
import { type SimulatedDatabase, SimulatedRegistry, simulatedPositions } from './registry.ts'
import { simulatedStates } from './states.ts'
import { TypedField } from './typed-field.ts'

export interface ReplicaSettings {
  readonly nodes: number
  readonly windowBytes: number
  readonly windowMs: number
  readonly maxBufferedBytes: number
  readonly maxConnections: number
  readonly publishTimeoutMs: number
  /** Whether it has a schema. */
  readonly typed: boolean
  /** The typed field has keyed state, read in pages of so many events. */
  readonly statePageEvents: number | undefined
}

export const journalName = 'warren.journal'
export const defaultExchange = 'warren.events'

/** One gateway on RabbitMQ, opened and closed as `src/app` does. */
export class Replica {
  /** Owns its timers and its connections. */
  readonly owner: number
  readonly counter = new DeliveryCounter(() => undefined)
  readonly settings: ReplicaSettings
  readonly #log: (line: string) => void
  readonly #now: () => number
  /** When it was up. The last one may not have ended. */
  readonly #ups: { readonly from: number; to: number }[] = []
  /** The places of the entries that its tail has read. */
  readonly #read = new Set<string>()
  resumes = { resumed: 0, gap: 0 }
  failures = 0
  /** Undefined: no client of the run subscribes to it. */
  readonly typed: TypedField | undefined
  #gateway: Gateway | undefined
  #hotWindow: HotWindow | undefined
  #broker: RabbitGateway | undefined
  #close: (() => Promise<void>) | undefined
  state: 'opening' | 'open' | 'closing' | 'closed' | 'killed' = 'opening'

  /** `log` receives each line of its log. `now`: the true time. */
  constructor(owner: number, settings: ReplicaSettings, log: (line: string) => void, now: () => number) {
    this.#log = log
    this.#now = now
    this.owner = owner
    this.settings = settings
    this.typed = settings.typed ? new TypedField(settings.statePageEvents !== undefined) : undefined
  }

  get gateway(): Gateway | undefined {
    return this.state === 'open' ? this.#gateway : undefined
  }

  /** Whether it was up for `leastMs` at a time between these two. */
  wasUp(from: number, to: number, leastMs: number): boolean {
    return this.#ups.some((up) => Math.min(to, up.to) - Math.max(from, up.from) >= leastMs)
  }

  /** Whether its tail has read this entry. */
  hasRead(epoch: string, offset: number): boolean {
    return this.#read.has(`${epoch} ${offset}`)
  }

  /** For checks after the end. */
  get parts(): { gateway: Gateway | undefined; hotWindow: HotWindow | undefined; broker: RabbitGateway | undefined } {
    return { gateway: this.#gateway, hotWindow: this.#hotWindow, broker: this.#broker }
  }

  /** Rejects if the registry does not answer; the replica then has to be started again. */
  async open(database: SimulatedDatabase): Promise<void> {
    const { nodes, windowBytes, windowMs, publishTimeoutMs } = this.settings
    const registry = new SimulatedRegistry(database)
    const keys = await DeploymentKeys.open(registry)
    const observer = this.#observer()
    const urls = Array.from(
      { length: nodes },
      (_, node) => `amqp://replica-${this.owner}.node-${(node + this.owner) % nodes}`,
    )
    const options = { queue: journalName, publishTimeoutMs, maxMessageBytes: 64 * 1024 }
    const broker = new RabbitGateway(urls, { namespace: 'warren', log: (...line) => observer.log(...line) }, options)
    const { journal, hotWindow } = broker.openJournal({
      retention: { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1024 ** 3 },
      hotWindow: { maxBytes: windowBytes, maxAgeMs: windowMs },
    })
    this.#watch(journal)
    const control = broker.openControlBus(keys)
    const gateway = new Gateway({
      replica: `replica-${this.owner}`,
      namespace: 'warren',
      journal,
      hotWindow,
      broker,
      control,
      registry,
      positionStore: simulatedPositions(database),
      keys,
      cursors: new CursorCodec(keys, Number.POSITIVE_INFINITY),
      observer,
      ...(this.typed ? { events: this.typed.events } : {}),
      ...this.#states(database),
      limits: this.#limits(),
      onState: ({ up, reason }) => {
        this.#noteState(up)
        this.#log(`replica ${this.owner} is ${up ? 'up' : `down: ${reason}`}`)
      },
    })
    this.#gateway = gateway
    this.#hotWindow = hotWindow
    this.#broker = broker
    this.#close = async () => {
      await gateway.close()
      await gateway.states?.close()
      await control.close()
      await journal.close()
      await broker.close()
    }
    await gateway.open(
      { exchange: defaultExchange, exchangeType: 'TOPIC', routingKey: defaultRoutingKey, clientId: undefined },
      this.typed?.sources,
    )
    this.state = 'open'
  }

  async close(): Promise<void> {
    if (this.state === 'killed' || this.state === 'closed') return
    this.state = 'closing'
    await this.#close?.()
    this.state = 'closed'
  }

  #states(database: SimulatedDatabase): Pick<ConstructorParameters<typeof Gateway>[0], 'states'> {
    const { typed } = this
    const { statePageEvents: pageEvents } = this.settings
    if (!typed || pageEvents === undefined) return {}
    const limits = { maxStateKeys: 1_000_000, maxStateBytes: 1024 ** 3 }
    const store = simulatedStates(database)
    return { states: { store, definitions: () => typed.events.states, limits, pageEvents } }
  }

  #watch(journal: Journal): void {
    const open = journal.open.bind(journal)
    journal.open = (tail) => {
      let current = ''
      const [onEpoch, onMessage] = [tail.onEpoch.bind(tail), tail.onMessage.bind(tail)]
      tail.onEpoch = (epoch) => {
        current = epoch
        return onEpoch(epoch)
      }
      tail.onMessage = (entry) => {
        this.#read.add(`${current} ${entry.offset}`)
        onMessage(entry)
      }
      open(tail)
    }
  }

  #noteState(up: boolean): void {
    const last = this.#ups.at(-1)
    const isUp = last !== undefined && last.to === Number.POSITIVE_INFINITY
    if (up && !isUp) this.#ups.push({ from: this.#now(), to: Number.POSITIVE_INFINITY })
    if (!up && isUp) last.to = this.#now()
  }

  #limits(): ConstructorParameters<typeof Gateway>[0]['limits'] {
    const { maxBufferedBytes, maxConnections, publishTimeoutMs } = this.settings
    return {
      maxDecodedBytes: 1024 * 1024,
      maxSubscriptions: 4,
      maxSubscribeRate: 1_000,
      maxBufferedBytes,
      publishTimeoutMs,
      positionTtlMs: 86_400_000,
      publishExchanges: ['sources'],
      maxConnections,
      maxConnectionsPerAddress: 1_000,
      maxConnectionsPerClient: 1_000,
      anonymousIdleMs: 60_000,
      maxClientSubscriptions: 1_000,
      overflow: overflowPolicies,
    }
  }

  #observer(): Observer {
    const nothing = (): void => undefined
    return {
      log: (level, text) => {
        this.#log(`replica ${this.owner} ${level} ${text}`)
      },
      messageReceived: nothing,
      messageRedelivered: nothing,
      messageQuarantined: nothing,
      messageUnreadable: nothing,
      messagesNotStored: nothing,
      messageRouted: nothing,
      eventsOf: () => this.counter,
      fieldCounter: () => new FieldCounter(),
      fieldsServed: nothing,
      fieldPublished: nothing,
      clusterCounts: nothing,
      stateCounts: nothing,
      positionCounts: nothing,
      resumed: (result) => {
        this.resumes[result] += 1
      },
      deliveryFailed: () => {
        this.failures += 1
      },
      sessionStarted: nothing,
      sessionEnded: nothing,
      subscriptionStarted: nothing,
      subscriptionEnded: nothing,
      brokerUp: (...state) => this.#log(`replica ${this.owner} ${state.join(' ')}`),
      executed: nothing,
      refused: nothing,
      outboxBytes: nothing,
      counts: () => ({
        received: new Map(),
        outcomes: new Map(),
        transports: new Map(),
        fields: new Map(),
        deliveryTimes: [],
        outboxBytes: 0,
      }),
    }
  }
}
