import { createClient } from 'graphql-ws'
import { endWhenSilent, resumable } from '../../client/resume.ts'
import { type Arrival, nothingYet, type Tally, withChange } from './tally.ts'

/** Figures of the shop itself, over a connection that the network button does not cut. */
export interface ShopFigures {
  /** The number of the last change that the shop has made. */
  readonly made: number
  /** The number of the last change that the gateway has confirmed. */
  readonly confirmed: number
  /** The process id of the gateway. Null: it is being started. */
  readonly gateway: number | null
  readonly kills: number
  readonly isCut: boolean
}

export interface OrderChangeShown {
  readonly change: number
  readonly id: string
  readonly item: string
  readonly status: 'CREATED' | 'PAID' | 'SHIPPED'
  readonly total: number
  readonly arrival: Arrival
}

export interface Moment {
  readonly id: number
  readonly at: Date
  readonly text: string
}

export interface ShopView {
  readonly figures: ShopFigures | undefined
  readonly isConnected: boolean
  readonly tally: Tally
  /** The last changes, newest first. */
  readonly changes: readonly OrderChangeShown[]
  /** The arrival of each of the last changes, by number. */
  readonly arrivals: ReadonlyMap<number, Arrival>
  /** What happened, newest first. */
  readonly moments: readonly Moment[]
  /** Why nothing more will come. */
  readonly failure: string | undefined
}

export interface FollowedShop {
  readonly view: () => ShopView
  /** Returns a function that stops the calls. */
  readonly onChange: (listener: () => void) => () => void
  readonly kill: () => void
  readonly cut: () => void
}

/** As many changes as the picture shows. */
export const shownArrivals = 120
const shownChanges = 9
const shownMoments = 40
/** Ping the gateway this often, in milliseconds. */
const pingMs = 5_000
/** The longest wait between two attempts to connect, in milliseconds. */
const retryCapMs = 1_500

const query = `subscription Changes($customer: ID!, $after: Cursor) {
  channel(clientId: $customer, after: $after) { kind cursor data gap { reason } }
}`

interface ChannelMessage {
  readonly cursor: string
  readonly data: Omit<OrderChangeShown, 'arrival'>
}

/** Subscribes to the changes of one customer's orders, and resumes after each lost connection. */
export function followShop(): FollowedShop {
  let view: ShopView = {
    figures: undefined,
    isConnected: false,
    tally: nothingYet,
    changes: [],
    arrivals: new Map(),
    moments: [],
    failure: undefined,
  }
  const listeners = new Set<() => void>()
  const set = (changes: Partial<ShopView>): void => {
    view = { ...view, ...changes }
    for (const listener of listeners) listener()
  }
  let momentId = 0
  const note = (text: string): void => {
    momentId += 1
    set({ moments: [{ id: momentId, at: new Date(), text }, ...view.moments].slice(0, shownMoments) })
  }

  const outage = new Outage(note)
  const onChange = (message: ChannelMessage): void => {
    const arrival = outage.arrivalOf(message.data.change)
    const change = { ...message.data, arrival }
    const arrivals = new Map([...view.arrivals, [change.change, arrival] as const].slice(-shownArrivals))
    set({
      tally: withChange(view.tally, change.change),
      changes: [change, ...view.changes].slice(0, shownChanges),
      arrivals,
    })
  }

  void subscribe({
    onConnected: () => {
      set({ isConnected: true })
      outage.ended(view.figures?.confirmed ?? 0, view.tally.last)
    },
    onClosed: () => {
      if (!view.isConnected) return
      set({ isConnected: false })
      outage.began()
    },
    onChange,
    onGap: (reason) => note(`The gateway reports missing messages: ${reason}.`),
  }).catch((error: unknown) => set({ failure: error instanceof Error ? error.message : String(error) }))

  const figures = new EventSource('/figures')
  figures.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const next = JSON.parse(data) as ShopFigures
    const before = view.figures
    set({ figures: next })
    if (next.gateway !== null && before && before.gateway !== next.gateway && next.kills > 0)
      note(`A new gateway runs: process ${next.gateway}.`)
    if (before?.isCut && !next.isCut) note('The network works again.')
  })
  const press = (path: string, text: string): void => {
    note(text)
    void fetch(path, { method: 'POST' }).catch(() => note('The demo does not answer. Is it still running?'))
  }
  return {
    view: () => view,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    kill: () => press('/kill', `You killed the gateway: process ${view.figures?.gateway ?? 'unknown'}, SIGKILL.`),
    cut: () => press('/cut', 'You cut the network for 5 seconds: each connection of this page is reset.'),
  }
}

/** Knows which changes the page has missed while it was not connected. */
class Outage {
  readonly #note: (text: string) => void
  #beganAt: number | undefined
  /** Changes up to this number were published while the page was away. */
  #missedUpTo = 0
  #missed = 0

  constructor(note: (text: string) => void) {
    this.#note = note
  }

  began(): void {
    this.#beganAt ??= performance.now()
    this.#note('The connection of this page is lost.')
  }

  ended(confirmed: number, last: number): void {
    if (this.#beganAt === undefined) return
    const seconds = ((performance.now() - this.#beganAt) / 1_000).toFixed(1)
    this.#beganAt = undefined
    this.#missedUpTo = confirmed
    this.#missed = Math.max(0, confirmed - last)
    this.#note(`Connected again after ${seconds} s. The page resumes after change ${last}.`)
  }

  arrivalOf(number: number): Arrival {
    if (number > this.#missedUpTo) return 'live'
    if (number === this.#missedUpTo && this.#missed > 0)
      this.#note(`Caught up: ${this.#missed} ${this.#missed === 1 ? 'change' : 'changes'} that the page had missed.`)
    return 'caught-up'
  }
}

async function subscribe(on: {
  onConnected: () => void
  onClosed: () => void
  onChange: (message: ChannelMessage) => void
  onGap: (reason: string) => void
}): Promise<void> {
  const response = await fetch('/session')
  const { customer, token } = (await response.json()) as { customer: string; token: string }
  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { token },
    retryAttempts: 0, // `resumable` reconnects.
    keepAlive: pingMs,
  })
  endWhenSilent(client, pingMs)
  client.on('connected', on.onConnected)
  client.on('closed', on.onClosed)
  const messages = resumable<ChannelMessage>(client, {
    query,
    variables: { customer },
    retryCapMs,
    onGap: ({ gap }) => on.onGap(gap?.reason ?? 'unknown'),
  })
  for await (const message of messages) on.onChange(message)
}
