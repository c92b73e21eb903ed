import { maxDecodedBytes } from '../../../src/core/body/decode-body.ts'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { anonymous, noScope } from '../../../src/core/model/identity.ts'
import type { EventTopic } from '../../../src/core/ports/topic.ts'
import { StateCounters } from '../../../src/core/state/state-counters.ts'
import { StateFolder } from '../../../src/core/state/state-folder.ts'
import type { StatePageRequest, StateStore } from '../../../src/core/state/state-store.ts'
import { EventFields } from '../../../src/events/serving/event-fields.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { SubscriptionAccess } from '../../../src/events/serving/subscription-access.ts'
import { schemaOf } from '../../events/sdl/reading.ts'
import { embeddedGateway, pass, schemaSourcesOf } from '../embedded-gateway.ts'
import { MemoryStates } from '../memory-states.ts'

/** The weight of one message here. */
const entryBytes = 190
const operator = { ...anonymous, scope: { ...noScope, operator: true } }

const sdl = `
type Subscription {
  items(owner: ID): Item @events(exchange: "items") @state(key: "/id", deleteOn: ["item.deleted"])
}
type Item { id: ID!  owner: ID!  value: Int! }
`

/** A change of one key, as it was published. */
export interface Change {
  readonly offset: number
  readonly id: string
  readonly owner: string
  /** Undefined: the key was removed. */
  readonly value: number | undefined
}

/** What a folder's store does: `hold` keeps its writes back until the mode changes. */
export type FolderMode = 'ok' | 'away' | 'hold'

/** A store that one folder uses, and that the test takes away from it. */
export class FolderStore {
  mode: FolderMode = 'ok'
  /** What was read. */
  readonly pages: StatePageRequest[] = []
  /** How many reads there were at the same time, at most. */
  mostReads = 0
  #reads = 0
  readonly #waiting: (() => void)[] = []

  set(mode: FolderMode): void {
    this.mode = mode
    if (mode === 'ok') for (const go of this.#waiting.splice(0)) go()
  }

  over(store: StateStore): StateStore {
    const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
      if (this.mode === 'away') throw new Error('the database is away')
      if (this.mode === 'hold') await new Promise<void>((resolve) => this.#waiting.push(resolve))
      return work()
    }
    return {
      lease: (options) => guarded(() => store.lease(options)),
      reset: (...parameters) => guarded(() => store.reset(...parameters)),
      fold: (fold) => guarded(() => store.fold(fold)),
      forget: (options) => guarded(() => store.forget(options)),
      sweep: () => guarded(() => store.sweep()),
      // A replica that was killed gives nothing back.
      release: async () => {},
      head: (id) => store.head(id),
      page: async (request) => {
        this.pages.push(request)
        this.#reads += 1
        this.mostReads = Math.max(this.mostReads, this.#reads)
        return store.page(request).finally(() => {
          this.#reads -= 1
        })
      },
      close: () => store.close(),
    }
  }
}

export interface StateWorldOptions {
  readonly journalEntries: number
  readonly windowEntries: number
  readonly pageEvents: number
  readonly limits?: { readonly maxStateKeys: number; readonly maxStateBytes: number }
}

/**
 * A gateway with keyed state on the embedded journal, and a second replica that only folds. Its
 * store passes the tests of the databases (test/registries/state).
 */
export async function stateWorld({ journalEntries, windowEntries, pageEvents, limits }: StateWorldOptions) {
  const store = new MemoryStates()
  const { schema } = schemaOf(sdl)
  const fields = new EventFields(schema, { decoders: {}, maxDecodedBytes, count: () => undefined })
  const events = new ServedEvents(fields)
  const field = schema.events.get('items')
  if (!field) throw new Error('the schema has no field items')
  const folders = { here: new FolderStore(), there: new FolderStore() }
  const stateLimits = limits ?? { maxStateKeys: 1_000_000, maxStateBytes: 1024 ** 3 }
  const { gateway, observer, journal, hotWindow, close } = await embeddedGateway({
    journalBytes: journalEntries * entryBytes,
    windowBytes: windowEntries * entryBytes,
    schemaSources: schemaSourcesOf(schema),
    events,
    states: { store: folders.here.over(store), definitions: () => events.states, limits: stateLimits, pageEvents },
  })
  const there = new StateFolder({
    journal,
    store: folders.there.over(store),
    replica: 'there',
    observer,
    definitions: () => events.states,
    epoch: () => gateway.epoch,
    lastOffset: () => hotWindow.last?.offset,
    cursorOf: (entry) => printCursor(gateway.cursorOf(entry)),
    onInvalid: () => undefined,
    limits: stateLimits,
    counters: new StateCounters(),
  })
  there.open()
  const log: Change[] = []
  const accessOf = (owner: string | undefined) =>
    new SubscriptionAccess(events, { fields, field, args: owner === undefined ? {} : { owner }, selected: [] })
  return {
    gateway,
    observer,
    fields,
    field,
    folders,
    store,
    log,
    stateId: events.states[0]?.id ?? '',
    async publish(id: string, owner: string, value: number | undefined): Promise<void> {
      const body = value === undefined ? { id, owner } : { id, owner, value }
      const entry = await gateway.publish({
        exchange: 'items',
        routingKey: '',
        body: Buffer.from(JSON.stringify(body)),
        properties: { contentType: 'application/json', type: value === undefined ? 'item.deleted' : 'item.changed' },
      })
      if (!entry) throw new Error('no source takes the message')
      log.push({ offset: entry.offset, id, owner, value })
    },
    /** Whether so many messages are not folded, after the fold had its time. */
    async lagsBy(count: number): Promise<boolean> {
      const isLagging = async () => {
        const folded = (await store.head(events.states[0]?.id ?? ''))?.place?.offset ?? -1
        return log.filter(({ offset }) => offset > folded).length > count
      }
      if (await isLagging()) await pass(150)
      return isLagging()
    },
    /** What a query asks for. */
    topicOf(owner: string | undefined): EventTopic {
      return accessOf(owner).topicFor(operator)
    },
    /** Subscribes in a session of its own. */
    subscribe(owner: string | undefined, after: string | undefined, every?: string): ChannelSubscription {
      const session = gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
      return session.subscribeEvent({ after, every, access: accessOf(owner) })
    },
    async [Symbol.asyncDispose]() {
      folders.here.set('ok')
      folders.there.set('ok')
      await there.close()
      await close()
      await store.close()
    },
  }
}

export type StateWorld = Awaited<ReturnType<typeof stateWorld>>
