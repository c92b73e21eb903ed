import { WebSocket } from 'ws'
import { textOf } from '../../support/frames/frames.ts'
import type { LedgerEvent } from '../accounts.ts'
import { pause } from '../pause.ts'

const query = `subscription ($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) { kind cursor data gap { reason } }
}`
/**
 * The longest wait before a reconnect, in milliseconds: shorter than in client libraries, so that
 * it hides no storm.
 */
const maxReconnectMs = 100

interface Result {
  readonly data?: {
    readonly channel: { kind: string; cursor: string; data: { number: number } | null; gap: { reason: string } | null }
  }
}

/** The connections of all clients of one run. */
export interface Journeys {
  /** When open connections were closed, and with which code. */
  readonly closed: { readonly at: number; readonly code: number }[]
  /** When clients were connected again. */
  readonly opened: number[]
  /** How often a replica refused a connection. */
  refused: number
  readonly problems: string[]
}

/** Subscribes with its cursor behind a load balancer, and reconnects whenever it is closed. */
export class RollingClient {
  readonly client: string
  readonly events: LedgerEvent[] = []
  readonly #token: string
  readonly #balancer: () => number
  readonly #journeys: Journeys
  #cursor: string
  #socket: WebSocket | undefined
  #port: number | undefined
  #stopped = false

  constructor(options: { client: string; token: string; cursor: string; balancer: () => number; journeys: Journeys }) {
    this.client = options.client
    this.#token = options.token
    this.#cursor = options.cursor
    this.#balancer = options.balancer
    this.#journeys = options.journeys
  }

  /** Resolves when it has subscribed; from then on it reconnects by itself. */
  async start(): Promise<void> {
    await this.#connect()
    void this.#keepReconnecting()
  }

  /** The port of its replica; undefined while disconnected. */
  get port(): number | undefined {
    return this.#port
  }

  hasReceived(number: number): boolean {
    return this.events.some((one) => one.kind === 'event' && one.number === number)
  }

  stop(): void {
    this.#stopped = true
    this.#socket?.terminate()
  }

  async #keepReconnecting(): Promise<void> {
    while (!this.#stopped) {
      const socket = this.#socket
      if (!socket) return
      const code = await new Promise<number>((resolve) => socket.once('close', resolve))
      if (this.#stopped) return
      this.#port = undefined
      this.#journeys.closed.push({ at: performance.now(), code })
      await pause(Math.random() * maxReconnectMs)
      await this.#connect()
    }
  }

  async #connect(): Promise<void> {
    while (!this.#stopped && !(await this.#attempt(this.#balancer()))) {
      this.#journeys.refused += 1
      await pause(Math.random() * maxReconnectMs)
    }
  }

  /** Resolves to whether it has subscribed. */
  #attempt(port: number): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', {
        perMessageDeflate: false,
      })
      const send = (frame: object): void => socket.send(JSON.stringify(frame))
      const refused = (): void => resolve(false)
      socket.on('error', refused)
      socket.once('close', refused)
      socket.on('open', () => send({ type: 'connection_init', payload: { token: this.#token } }))
      socket.on('message', (data) => {
        const frame = JSON.parse(textOf(data)) as { type: string; payload?: Result }
        if (frame.type === 'connection_ack') {
          send({
            id: '1',
            type: 'subscribe',
            payload: { query, variables: { clientId: this.client, after: this.#cursor } },
          })
          socket.off('close', refused)
          this.#socket = socket
          this.#port = port
          this.#journeys.opened.push(performance.now())
          resolve(true)
        } else if (frame.type === 'next') this.#take(frame.payload ?? {})
        else if (frame.type !== 'ping') this.#journeys.problems.push(`${this.client}: ${JSON.stringify(frame)}`)
      })
    })
  }

  #take({ data }: Result): void {
    const event = data?.channel
    if (!event) return
    this.#cursor = event.cursor
    if (event.kind === 'GAP') this.events.push({ kind: 'gap', reason: event.gap?.reason ?? 'none' })
    else if (event.kind === 'MESSAGE') this.events.push({ kind: 'event', number: event.data?.number ?? -1 })
  }
}
