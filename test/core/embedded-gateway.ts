import { jest } from '@jest/globals'
import { EmbeddedJournal } from '../../src/brokers/embedded/journal.ts'
import type { Counts } from '../../src/core/accounting/counts.ts'
import { DeliveryCounter } from '../../src/core/accounting/delivery-counter.ts'
import { FieldCounter } from '../../src/core/accounting/field-counter.ts'
import { DeploymentKeys } from '../../src/core/clients/deployment-keys.ts'
import { ChannelSubscription } from '../../src/core/delivery/channel-subscription.ts'
import { Allowance } from '../../src/core/delivery/event-queue.ts'
import { Gateway } from '../../src/core/gateway.ts'
import type { GatewayParts } from '../../src/core/gateway-parts.ts'
import type { ChannelEvent } from '../../src/core/model/channel-event.ts'
import { CursorCodec, printCursor } from '../../src/core/model/cursor.ts'
import type { OverflowPolicy } from '../../src/core/model/overflow-policy.ts'
import { defaultRoutingKey, type Source, schemaSource } from '../../src/core/model/source.ts'
import type { Observer } from '../../src/core/ports/observer.ts'
import { channelTopic } from '../../src/core/ports/topic.ts'
import EmbeddedDriver from '../../src/distributor/drivers/memory.ts'
import type { EventSchema } from '../../src/events/model/event-schema.ts'
import { ChunkedHotWindow } from '../../src/hot-window/hot-window.ts'
import { ampleLimits } from './ample-limits.ts'
import { MemoryPositions } from './memory-positions.ts'
import { MemoryRegistry } from './memory-registry.ts'

const hour = 60 * 60 * 1000
let gateways = 0

interface EmbeddedParts extends Pick<GatewayParts, 'events' | 'states'> {
  readonly journalBytes: number
  readonly windowBytes: number
  readonly schemaSources?: readonly Source[]
}

/**
 * A gateway core on the embedded broker and journal and a registry in memory, without transports.
 */
export async function embeddedGateway({ journalBytes, windowBytes, schemaSources, ...parts }: EmbeddedParts) {
  const registry = new MemoryRegistry()
  const keys = await DeploymentKeys.open(registry)
  gateways += 1
  const broker = new EmbeddedDriver([`memory:${gateways}`], { namespace: 'warren', log: () => {} }).gateway({
    queue: 'warren.journal',
  })
  const journal = new EmbeddedJournal({ maxAgeMs: hour, maxBytes: journalBytes })
  broker.onRouted((message) => journal.append(message))
  const hotWindow = new ChunkedHotWindow({ maxAgeMs: hour, maxBytes: windowBytes })
  const observer = new RecordingObserver()
  const gateway = new Gateway({
    ...parts,
    replica: 'here',
    namespace: 'warren',
    journal,
    hotWindow,
    broker,
    control: broker.openControlBus(keys),
    registry,
    positionStore: new MemoryPositions(),
    keys,
    cursors: new CursorCodec(keys, hour),
    observer,
    limits: ampleLimits,
    onState: () => {},
  })
  await gateway.open(
    { exchange: 'warren.events', exchangeType: 'TOPIC', routingKey: defaultRoutingKey, clientId: undefined },
    schemaSources,
  )
  return {
    gateway,
    observer,
    journal,
    hotWindow,
    close: async (): Promise<void> => {
      await gateway.close()
      await gateway.states?.close()
      await journal.close()
      await broker.close()
    },
  }
}

/** The sources of the typed fields of a schema. */
export function schemaSourcesOf({ events }: EventSchema): Source[] {
  return [...events.values()].flatMap(({ bindings }) =>
    bindings.map((binding) => schemaSource({ ...binding, bindingKey: binding.pattern.bindingKey })),
  )
}

/**
 * The journal weighs its entries. Limits here count entries with a short routing key and a number.
 */
const entryBytes = 110

/** A gateway with channels. The test's fake clock drives it. */
export async function gatewayOnMemory({ windowEntries = 50, journalEntries = 100_000 } = {}) {
  const { gateway, observer, close } = await embeddedGateway({
    journalBytes: journalEntries * entryBytes,
    windowBytes: windowEntries * entryBytes,
  })
  return {
    gateway,
    observer,
    publish: (channel: string, data: unknown) =>
      gateway.publish({
        routingKey: `client.${channel}`,
        body: Buffer.from(JSON.stringify(data)),
        properties: { contentType: 'application/json' },
      }),
    /** Subscribes to a channel with its own allowance, after the cursor, else from now on. */
    listen(channel: string, options: Listening = {}): Listener {
      return new Listener(gateway, channel, options)
    },
    [Symbol.asyncDispose]: close,
  }
}

export interface Listening {
  readonly after?: ChannelSubscription['position']
  readonly overflow?: OverflowPolicy
  readonly maxBytes?: number
  readonly checkpoints?: boolean
}

/** Takes events only when the test calls `take`, and keeps them. */
export class Listener {
  readonly received: ChannelEvent[] = []
  readonly subscription: ChannelSubscription
  readonly allowance: Allowance
  #pending = false

  constructor(gateway: Gateway, channel: string, options: Listening) {
    const { after, maxBytes = 1024 * 1024, checkpoints = false, overflow } = options
    this.allowance = new Allowance(maxBytes)
    this.subscription = new ChannelSubscription({
      topic: channelTopic(channel),
      after,
      checkpoints,
      overflow,
      replayer: gateway.replayer,
      allowance: this.allowance,
    })
    gateway.replayer.resume(this.subscription)
  }

  /** The received events in short form: messages as their data, gaps as their reason. */
  get story(): unknown[] {
    return this.received.map((event) => {
      if (event.kind === 'MESSAGE') return JSON.parse(event.message.body.toString()) as unknown
      return event.kind === 'GAP' ? event.reason : event.kind
    })
  }

  get cursors(): string[] {
    return this.received.map(({ cursor }) => printCursor(cursor))
  }

  /**
   * Takes up to `count` more events. It returns after this turn of the event loop; a later event
   * still goes to the pending call.
   */
  async take(count = Number.POSITIVE_INFINITY): Promise<void> {
    for (let left = count; left > 0 && !this.#pending; left -= 1) {
      this.#pending = true
      void this.subscription.next().then((taken) => {
        if (taken.done) return
        this.#pending = false
        this.received.push(taken.value)
      })
      // A queued event arrives within a microtask or two.
      await Promise.resolve()
      await Promise.resolve()
    }
  }

  close(): void {
    void this.subscription.return()
  }
}

export class RecordingObserver implements Observer {
  readonly resumes: string[] = []
  readonly quarantined: string[] = []
  readonly account = new DeliveryCounter(() => {})
  log(): void {}
  messageReceived(): void {}
  messageRedelivered(): void {}

  messageQuarantined(reason: string): void {
    this.quarantined.push(reason)
  }
  messageUnreadable(): void {}
  messagesNotStored(): void {}
  messageRouted(): void {}
  eventsOf(): DeliveryCounter {
    return this.account
  }
  fieldCounter(): FieldCounter {
    return new FieldCounter()
  }
  fieldsServed(): void {}
  fieldPublished(): void {}
  clusterCounts(): void {}
  stateCounts(): void {}
  positionCounts(): void {}
  resumed(result: string): void {
    this.resumes.push(result)
  }
  deliveryFailed(): void {}
  sessionStarted(): void {}
  sessionEnded(): void {}
  subscriptionStarted(): void {}
  subscriptionEnded(): void {}
  brokerUp(): void {}
  executed(): void {}
  refused(): void {}
  outboxBytes(): void {}
  counts(): Counts {
    return noCounts
  }
}

const noCounts: Counts = {
  received: new Map(),
  outcomes: new Map(),
  transports: new Map(),
  fields: new Map(),
  deliveryTimes: [],
  outboxBytes: 0,
}

/** Advances the fake clock by `ms` and runs all that follows. */
export async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms)
  // setImmediate is real, because sliced work takes some turns.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
