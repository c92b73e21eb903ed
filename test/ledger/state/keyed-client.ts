import type { Replica } from '../clients/transports.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import { type Link, type LinkResult, linkOverEvents, linkOverWebSocket, retryLater } from './graphql-link.ts'
import type { KeyedRecord, StatePhase } from './keyed-account.ts'

/** The messages of the ledger as a field with keyed state. A key has its owner in it. */
export const keyedSdl = `
type Subscription {
  items(client: ID! @owner): Item
    @events(exchange: "warren.events", routingKey: "client.{client}")
    @state(key: "/key", deleteOn: ["item.removed"])
}
type Item { key: ID!  number: Int  removed: Boolean @from(property: REMOVED) }
`

const query = `subscription ($client: ID!, $after: Cursor, $every: String) {
  items(client: $client, after: $after, every: $every) { key number removed }
}`

/** How often it forgets its map and its cursor, and begins with a snapshot. */
const freshRate = 0.25
const maxReconnectMs = 100

interface Marks {
  readonly cursor: string
  readonly state?: StatePhase
  readonly reset?: boolean
  readonly removed?: string
  readonly gap?: { readonly reason: string }
}

export interface KeyedClientOptions {
  readonly client: string
  readonly token: string
  readonly replicas: readonly Replica[]
  readonly random: Seeded
  readonly every: string | undefined
  /** How many numbers were published to it so far. */
  readonly attempted: () => number
}

/** A client of a field with keyed state. When its connection ends, it resumes on any replica. */
export class KeyedClient {
  readonly records: KeyedRecord[] = []
  /** What must never happen, such as an error that is not to be retried. */
  readonly problems: string[] = []
  /** How often it was asked to try again later. */
  refusals = 0
  /** The connections on which it received something. */
  connects = 0
  /** The greatest number that it received. */
  newest = 0
  readonly #options: KeyedClientOptions
  #cursor: string | undefined
  #link: Link | undefined
  #isStopped = false
  #away: Promise<void> | undefined
  #back = (): void => {}
  #running: Promise<void> = Promise.resolve()

  constructor(options: KeyedClientOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.reconnect()
    this.cut()
    await this.#running
  }

  /** Cuts its network, without a message to the gateway. */
  cut(): void {
    this.#link?.cut()
  }

  /** Cuts it until `reconnect`, after which it resumes. */
  leave(): void {
    this.#away ??= new Promise((resolve) => {
      this.#back = resolve
    })
    this.cut()
  }

  reconnect(): void {
    this.#away = undefined
    this.#back()
  }

  async #run(): Promise<void> {
    const { random, replicas } = this.#options
    while (!this.#isStopped) {
      if (random.next() < freshRate && !this.#away) this.#cursor = undefined
      await this.#away
      if (this.#isStopped) return
      await this.#connect(random.pick(replicas))
      await pause(random.between(0, maxReconnectMs))
    }
  }

  #connect(replica: Replica): Promise<void> {
    const { client, token, every, random, attempted } = this.#options
    const open = random.pick([linkOverWebSocket, linkOverEvents])
    this.records.push({ kind: 'begin', isFresh: this.#cursor === undefined, attempted: attempted() })
    return new Promise((resolve) => {
      let hasLeft = false
      let hasResult = false
      const cut = (): void => {
        hasLeft = true
        link.cut()
      }
      const link = open(
        replica,
        { token, query, variables: { client, after: this.#cursor ?? null, every: every ?? null } },
        {
          onResult: (result) => {
            // A disconnected client would not have received what arrives after the cut.
            if (hasLeft) return
            if (!hasResult) this.connects += 1
            hasResult = true
            this.#take(result)
          },
          onRefused: (what, code) => {
            if (hasLeft) return
            if (retryLater.has(code)) this.refusals += 1
            else this.problems.push(`instead of an event came ${what}`)
            cut()
          },
          onClosed: resolve,
        },
      )
      this.#link = { ...link, cut }
      if (this.#isStopped || this.#away) cut()
    })
  }

  #take({ data, extensions = {} }: LinkResult): void {
    const marks = extensions.warren as Marks | undefined
    if (!marks) return void this.problems.push('an event came without extensions.warren')
    const { cursor, state: phase = 'LIVE', reset = false, removed, gap } = marks
    const item = data?.['items'] as { key: string; number: number; removed: boolean | null } | null | undefined
    this.#cursor = cursor
    if (gap) this.records.push({ kind: 'gap', reason: gap.reason })
    else if (!item) this.records.push({ kind: 'empty', phase, reset })
    else {
      const { key, number } = item
      if ((removed !== undefined) !== (item.removed === true) || (removed !== undefined && removed !== key))
        this.problems.push(`number ${number} of ${key} names ${removed} as the removed key`)
      this.newest = Math.max(this.newest, number)
      this.records.push({ kind: 'item', phase, reset, key, number, removed: removed !== undefined })
    }
  }
}
