import type { LedgerEvent } from '../accounts.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import { openedCursor } from '../unrecoverable.ts'
import { overEvents, overWebSocket, type Received, type Replica, type Transport, type Watch } from './transports.ts'

const maxReconnectMs = 100
/** Answers that the documentation defines as "retry later, unchanged" (docs/errors.md). */
const later = new Set(['BROKER_UNAVAILABLE', 'REGISTRY_UNAVAILABLE', 'DRAINING', 'LIMIT_EXCEEDED'])

export interface ListenerOptions {
  readonly client: string
  readonly token: string
  readonly cursor: string
  readonly replicas: readonly Replica[]
  readonly random: Seeded
  /** Subscribes to the field of `typedSdl`, not to the channel. Default: false. */
  readonly typed?: boolean
  /** A random one is used for each connection. Default: graphql-transport-ws and SSE. */
  readonly transports?: readonly Transport[]
  /**
   * How long a replica may take to accept a subscription before another is tried. Default: without
   * limit.
   */
  readonly patienceMs?: number
  /** Called with each event. Default: events go to `events`. */
  readonly onEvent?: (event: Received) => void
}

/** A connection that the gateway or the network closed. */
export interface Closed {
  readonly at: number
  readonly replica: Replica
  readonly transport: string
  readonly code: number
}

/**
 * A client as the documentation recommends: it stores the cursor of the last event, and whenever
 * its connection closes it resumes there, on any replica, over any of its transports.
 */
export class ResumingListener {
  readonly client: string
  readonly events: LedgerEvent[] = []
  /**
   * Each resume, with the number of events received by then: for finding the cause of a failure.
   */
  readonly journey: { readonly events: number; readonly how: string }[] = []
  /**
   * What must never happen: an error in place of events, an event id that differs from the cursor.
   */
  readonly problems: string[] = []
  /** Subscriptions that a gateway or the network closed. */
  readonly closed: Closed[] = []
  /** The number of resumes with a cursor. */
  resumes = 0
  /** The number of answers of a replica to retry later. */
  refusals = 0
  cursor: string
  readonly #options: ListenerOptions
  readonly #transports: readonly Transport[]
  readonly #onEvent: (event: Received, replica: Replica) => void
  #stopped = false
  #away: Promise<void> | undefined
  #back = (): void => {}
  #cut = (): void => {}
  #running: Promise<void> = Promise.resolve()

  constructor(options: ListenerOptions) {
    const { client, cursor, random, onEvent } = options
    this.client = client
    this.cursor = cursor
    this.#options = options
    const cursorIn = (): 'header' | 'variable' => random.pick(['header', 'variable'])
    this.#transports = options.transports ?? [overWebSocket, overEvents(cursorIn)]
    this.#onEvent = onEvent ?? ((event, replica) => this.#hear(event, replica))
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#back()
    this.#cut()
    await this.#running
  }

  /** Cuts its network, without a message to the server. */
  cut(): void {
    this.#cut()
  }

  /** Cuts it until `reconnect`. */
  leave(): void {
    this.#away ??= new Promise((resolve) => {
      this.#back = resolve
    })
    this.#cut()
  }

  reconnect(): void {
    this.#away = undefined
    this.#back()
  }

  async #run(): Promise<void> {
    const { random, replicas } = this.#options
    while (!this.#stopped) {
      await this.#away
      if (this.#stopped) return
      await this.#connect(random.pick(replicas), random.pick(this.#transports))
      await pause(random.between(0, maxReconnectMs))
    }
  }

  #connect(replica: Replica, transport: Transport): Promise<void> {
    const { token, typed, patienceMs } = this.#options
    const { client, cursor } = this
    return new Promise((resolve) => {
      let subscribed = false
      let left = false
      const leave = (): void => {
        left = true
        end()
      }
      const timer = patienceMs === undefined ? undefined : setTimeout(leave, patienceMs)
      const watch: Watch = {
        onSubscribed: () => {
          clearTimeout(timer)
          subscribed = true
          this.resumes += 1
          this.journey.push({ events: this.events.length, how: `${replica.port} behind ${cursor}` })
        },
        onEvent: (event) => {
          // A disconnected client would not have received what arrives after the cut.
          if (left) return
          this.cursor = event.cursor
          this.#onEvent(event, replica)
        },
        onRefused: (what, code) => {
          if (left) return
          if (code !== undefined && later.has(code)) this.refusals += 1
          else this.problems.push(`instead of an event came ${what}`)
          leave()
        },
        onClosed: (code) => {
          clearTimeout(timer)
          if (subscribed && !left) this.closed.push({ at: Date.now(), replica, transport: transport.name, code })
          resolve()
        },
      }
      const end = transport(replica, { client, token, cursor, typed }, watch)
      this.#cut = leave
      if (this.#stopped) leave()
    })
  }

  #hear(event: Received, { port }: Replica): void {
    if (event.kind === 'gap') this.events.push({ kind: 'gap', reason: event.reason })
    else if (event.kind === 'message') {
      const { epoch, offset } = openedCursor(event.cursor)
      this.events.push({ kind: 'event', number: event.data.number, receipt: { port, at: Date.now(), epoch, offset } })
    }
  }
}
