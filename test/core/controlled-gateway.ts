import { jest } from '@jest/globals'
import { DeliveryCounter } from '../../src/core/accounting/delivery-counter.ts'
import { FieldCounter } from '../../src/core/accounting/field-counter.ts'
import { DeploymentKeys, newKey } from '../../src/core/clients/deployment-keys.ts'
import { Gateway } from '../../src/core/gateway.ts'
import type { GatewayParts } from '../../src/core/gateway-parts.ts'
import { CursorCodec } from '../../src/core/model/cursor.ts'
import { anonymous, type Identity, noScope } from '../../src/core/model/identity.ts'
import type { JournalMessage, Publication } from '../../src/core/model/message.ts'
import { defaultRoutingKey, type Source } from '../../src/core/model/source.ts'
import type { ControlBus, ControlMessage } from '../../src/core/ports/control-bus.ts'
import type { Journal, JournalTail, MarkNote } from '../../src/core/ports/journal.ts'
import type { Observer } from '../../src/core/ports/observer.ts'
import { ChunkedHotWindow } from '../../src/hot-window/hot-window.ts'
import { ampleLimits } from './ample-limits.ts'
import { MemoryPositions } from './memory-positions.ts'
import { MemoryRegistry } from './memory-registry.ts'

const hour = 60 * 60 * 1000
export const operator: Identity = { ...anonymous, scope: { ...noScope, operator: true } }
export const epochs = ['00112233aabbccdd', 'ffeeddccbbaa9988'] as const

/** A journal that the test controls. Marks come back at once while `marking` resolves. */
export class ControlledJournal implements Journal {
  readonly repeats = true
  entries: JournalMessage[] = []
  readonly notes: (MarkNote | undefined)[] = []
  readonly scans: number[] = []
  marking: () => Promise<void> = async () => {}
  scanning: () => Promise<void> = async () => {}
  #tail: JournalTail | undefined
  #next = 0

  get tail(): JournalTail {
    if (!this.#tail) throw new Error('the journal was not opened')
    return this.#tail
  }

  open(tail: JournalTail): void {
    this.#tail = tail
  }

  async mark(note?: MarkNote): Promise<void> {
    this.notes.push(note)
    await this.marking()
    this.add({ mark: true, exchange: '', body: Buffer.from(note ? JSON.stringify(note) : '') })
  }

  /** Appends an entry, and delivers it to the tail. */
  add(given: Partial<JournalMessage> = {}): JournalMessage {
    const entry: JournalMessage = {
      offset: this.#next,
      mark: false,
      exchange: 'warren.events',
      routingKey: 'client.alice',
      body: Buffer.from(`{"n":${this.#next}}`),
      properties: { contentType: 'application/json' },
      redelivered: false,
      receivedAt: Date.now(),
      ...given,
    }
    this.#next = entry.offset + 1
    this.entries.push(entry)
    if (entry.unreadable) this.tail.onUnreadable([entry])
    // The tail may cache what it decodes.
    else this.tail.onMessage({ ...entry })
    return entry
  }

  /** As a starting replica sees it: everything so far is the past. */
  begin(epoch: string = epochs[0]): void {
    void this.tail.onEpoch(epoch)
    for (const entry of this.entries) this.tail.onMessage({ ...entry })
    this.tail.onPresent()
    this.tail.onUp()
  }

  /** The journal was deleted and created again while the broker was away. */
  replace(): void {
    this.tail.onDown('away')
    this.entries = []
    this.#next = 0
    void this.tail.onEpoch(epochs[1])
    this.tail.onUp()
  }

  async offsetAt(timestampMs: number): Promise<number | undefined> {
    return this.entries.find(({ receivedAt }) => receivedAt >= timestampMs)?.offset
  }

  async scan(offset: number, visit: (entry: JournalMessage) => boolean, signal: AbortSignal): Promise<void> {
    this.scans.push(offset)
    await this.scanning()
    for (const entry of this.entries) {
      if (signal.aborted) return
      if (entry.offset >= offset && !visit({ ...entry })) return
    }
  }

  async close(): Promise<void> {}
}

/** A gateway of which the test controls journal, broker, control bus and registry. */
export async function controlledGateway(given: Partial<GatewayParts> = {}, windowEntries = 1_000) {
  const registry = new MemoryRegistry()
  const positionStore = new MemoryPositions()
  const journal = new ControlledJournal()
  const events: unknown[] = []
  const lines: [level: string, text: string, details?: object][] = []
  const sent: ControlMessage[] = []
  const published: Publication[] = []
  const control = {
    sending: async () => {},
    onMessage: (_message: ControlMessage) => {},
    onResync: () => {},
    onUnsigned: () => {},
  }
  const broker = {
    unansweredBytes: 7,
    binding: async (_source: Source) => ({ declared: false }),
    publish: async (publication: Publication): Promise<JournalMessage | undefined> => {
      published.push(publication)
      return undefined
    },
    bind: (source: Source) => {
      events.push(['bind', source.exchange])
      return broker.binding(source)
    },
    keep: (source: Source) => void events.push(['keep', source.exchange]),
    unbind: async (source: Source) => void events.push(['unbind', source.exchange]),
  }
  const keys = new DeploymentKeys([newKey({ isUpdate: false })], registry)
  const counter = new DeliveryCounter(() => {})
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void events.push([name, ...args])
  const gateway = new Gateway({
    replica: 'here',
    namespace: 'warren',
    journal,
    hotWindow: new ChunkedHotWindow({ maxAgeMs: hour, maxBytes: windowEntries * 110 }),
    broker,
    control: {
      send: (message: ControlMessage) => {
        sent.push(message)
        return control.sending()
      },
      listen: (
        onMessage: (message: ControlMessage) => void,
        onResync: () => void,
        onUnsigned: () => void = () => {},
      ): void => void Object.assign(control, { onMessage, onResync, onUnsigned }),
      close: async () => {},
    } satisfies ControlBus,
    registry,
    positionStore,
    keys,
    cursors: new CursorCodec(keys, hour),
    observer: {
      log: (...line: (typeof lines)[number]) => lines.push(line),
      messageReceived: note('received'),
      messageRedelivered: note('redelivered'),
      messageQuarantined: note('quarantined'),
      messageUnreadable: note('unreadable'),
      messageRouted: note('routed'),
      resumed: note('resumed'),
      eventsOf: () => counter,
      fieldCounter: () => new FieldCounter(),
      sessionStarted: () => {},
      sessionEnded: () => {},
      subscriptionStarted: () => {},
      subscriptionEnded: () => {},
    } as unknown as Observer,
    limits: ampleLimits,
    onState: note('state'),
    ...given,
  })
  const open = () =>
    gateway.open({
      exchange: 'warren.events',
      exchangeType: 'TOPIC',
      routingKey: defaultRoutingKey,
      clientId: undefined,
    })
  return {
    gateway,
    journal,
    registry,
    positionStore,
    control,
    broker,
    keys,
    counter,
    events,
    lines,
    sent,
    published,
    open,
  }
}

/** Runs what follows within `ms` milliseconds of the fake clock. */
export async function passed(ms = 0): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms)
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
