import type { Replica } from '../clients/transports.ts'
import { pause } from '../pause.ts'
import type { Seeded } from '../seeded.ts'
import { openedCursor } from '../unrecoverable.ts'
import {
  callGraphql,
  type Link,
  type LinkResult,
  linkOverEvents,
  linkOverWebSocket,
  retryLater,
} from './graphql-link.ts'
import type { PositionPlace, PositionSubscription } from './position-account.ts'

const query = `subscription ($client: ID!, $autoAck: AutoAck) {
  channel(clientId: $client, position: "inbox", autoAck: $autoAck) { kind cursor data gap { reason } }
}`
const ackMutation = 'mutation ($cursor: Cursor!) { ack(position: "inbox", cursor: $cursor) }'
const listQuery = '{ clientPositions { name cursor } }'

/** How long a device stays until the other one takes the position over, or it comes back. */
const stay = { minMs: 50, maxMs: 3_000 }
const awayMs = 150
const ackDelayMs = 300
const leaveMs = 1_000
/** The share of events after which a device acks, and of acks after which it lists its positions. */
const ackRate = 0.3
const listRate = 0.3
/** How a turn of a device ends. Otherwise it stays connected, and the next one takes over. */
const cutRate = 0.3
const leaveRate = 0.3

interface ChannelEvent {
  readonly kind: 'MESSAGE' | 'GAP' | 'CHECKPOINT'
  readonly cursor: string
  readonly data: { readonly number: number } | null
  readonly gap: { readonly reason: string } | null
}

export interface PositionClientOptions {
  readonly client: string
  readonly token: string
  readonly replicas: readonly Replica[]
  readonly random: Seeded
  /** `autoAck: DELIVERED` in place of acks. */
  readonly acksDelivered: boolean
}

interface Connection {
  readonly link: Link
  readonly subscription: PositionSubscription
  readonly closed: Promise<void>
}

/**
 * A client with two devices and one named position. They take it over from each other, and continue
 * where it is: none of them keeps a cursor.
 */
export class PositionClient {
  readonly subscriptions: PositionSubscription[] = []
  readonly acks: (PositionPlace & { readonly number: number })[] = []
  readonly listed: PositionPlace[] = []
  readonly gaps: string[] = []
  readonly problems: string[] = []
  refusals = 0
  takeovers = 0
  readonly #options: PositionClientOptions
  readonly #connections = new Map<string, Connection>()
  readonly #acking = new Set<Promise<void>>()
  #going = true
  #running: Promise<void> = Promise.resolve()

  constructor(options: PositionClientOptions) {
    this.#options = options
  }

  /** `cursor`: where the client begins. It acks it before it subscribes. */
  async start(cursor: string): Promise<void> {
    await this.#ack(this.#options.random.pick(this.#options.replicas), cursor, 0)
    this.#running = this.#run()
  }

  /** The greatest number that a device received. */
  get newest(): number {
    return Math.max(0, ...this.subscriptions.map(({ events }) => events.at(-1)?.number ?? 0))
  }

  /** Its devices change no more, and the last one stays connected. */
  async settle(): Promise<void> {
    this.#going = false
    await this.#running
    await Promise.all(this.#acking)
  }

  /** Cuts the connections of all its devices. */
  cut(): void {
    for (const { link, subscription } of this.#connections.values()) {
      endWith(subscription, 'lost')
      link.cut()
    }
  }

  async stop(): Promise<void> {
    await this.settle()
    this.cut()
    await Promise.all([...this.#connections.values()].map(({ closed }) => closed))
  }

  /**
   * After the faults: a second device takes the position over from the first. The subscription of
   * the first ends. Resolves when the second one receives what `publish` publishes then.
   */
  async takeOver(publish: () => Promise<number>, until: (what: string, is: () => boolean) => Promise<void>) {
    const first = this.#open('phone')
    // If everything before it is acked, it receives nothing else.
    const before = await publish()
    const hasIt = () => first.subscription.events.some(({ number }) => number >= before)
    await until(`the first device to receive number ${before}`, () => hasIt() || isOver(first))
    const second = this.#open('tablet')
    await until('the older subscription to end', () => isOver(first))
    if (first.subscription.ended?.how !== 'taken')
      this.problems.push(`in the end the older subscription was ${first.subscription.ended?.how}, and not taken over`)
    const number = await publish()
    await until(`number ${number}`, () => second.subscription.events.at(-1)?.number === number || isOver(second))
    if (isOver(second)) this.problems.push('in the end the newer subscription did not stay')
  }

  async #run(): Promise<void> {
    const { random } = this.#options
    while (this.#going) {
      const device = random.pick(['phone', 'tablet'])
      // A page that was closed, and one that is opened again on the same device.
      if (random.next() < 0.5) await this.#end(device)
      const { subscription, link } = this.#open(device)
      await pause(random.between(stay.minMs, stay.maxMs))
      const how = random.next()
      if (how < cutRate && !this.#options.acksDelivered) {
        endWith(subscription, 'lost')
        link.cut()
        await pause(random.between(0, awayMs))
      } else if (how < cutRate + leaveRate) {
        await this.#end(device)
        await pause(random.between(0, awayMs))
      }
    }
  }

  async #end(device: string): Promise<void> {
    const open = this.#connections.get(device)
    if (!open) return
    await Promise.race([open.link.leave().then(() => open.closed), pause(leaveMs)])
    // A gateway that is stopped does not answer.
    endWith(open.subscription, 'lost')
    open.link.cut()
  }

  #open(device: string): Connection {
    const { client, token, replicas, random, acksDelivered } = this.#options
    const replica = random.pick(replicas)
    // Only over WebSocket can a device leave so that it knows what was delivered.
    const open = acksDelivered ? linkOverWebSocket : random.pick([linkOverWebSocket, linkOverEvents])
    const before = this.#connections.get(device)
    if (before) {
      endWith(before.subscription, 'lost')
      before.link.cut()
    }
    const subscription: PositionSubscription = {
      device: `${device} (${this.subscriptions.length}, ${replica.port})`,
      began: Date.now(),
      events: [],
      gaps: [],
      ended: undefined,
    }
    this.subscriptions.push(subscription)
    let close = (): void => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    const link = open(
      replica,
      { token, query, variables: { client, autoAck: acksDelivered ? 'DELIVERED' : null } },
      {
        onResult: (result) => {
          // What comes after the cut does not exist for the device.
          if (subscription.ended?.how !== 'lost') this.#take(result, subscription, replica)
        },
        onRefused: (what, code) => {
          if (code === 'POSITION_TAKEN') this.takeovers += 1
          else if (retryLater.has(code)) this.refusals += 1
          else if (!subscription.ended) this.problems.push(`instead of an event came ${what}`)
          endWith(subscription, code === 'POSITION_TAKEN' ? 'taken' : 'lost')
          link.cut()
        },
        onLeft: () => endWith(subscription, 'left'),
        onClosed: () => {
          endWith(subscription, 'lost')
          if (this.#connections.get(device)?.subscription === subscription) this.#connections.delete(device)
          close()
        },
      },
    )
    const connection = { link, subscription, closed }
    this.#connections.set(device, connection)
    return connection
  }

  #take({ data }: LinkResult, { events, gaps }: PositionSubscription, replica: Replica): void {
    const event = data?.['channel'] as ChannelEvent
    if (event.kind === 'GAP') {
      this.gaps.push(event.gap?.reason ?? 'none')
      gaps.push(events.length)
    }
    if (event.kind !== 'MESSAGE') return
    const number = event.data?.number ?? -1
    events.push({ number, offset: openedCursor(event.cursor).offset, at: Date.now() })
    const { random, acksDelivered, replicas } = this.#options
    if (acksDelivered || random.next() >= ackRate) return
    const where = random.next() < 0.5 ? replica : random.pick(replicas)
    const acking = pause(random.between(0, ackDelayMs))
      .then(() => this.#ack(where, event.cursor, number))
      .finally(() => this.#acking.delete(acking))
    this.#acking.add(acking)
  }

  async #ack(replica: Replica, cursor: string, number: number): Promise<void> {
    const { token, random } = this.#options
    const offset = ackedUpTo(cursor)
    const asked = Date.now()
    const answered = await callGraphql(replica, { token, query: ackMutation, variables: { cursor } }).then(
      () => Date.now(),
      () => undefined,
    )
    this.acks.push({ number, offset, asked, answered })
    if (answered !== undefined && random.next() < listRate) await this.#list(replica)
  }

  /** The replica stores its acks before it answers. */
  async #list(replica: Replica): Promise<void> {
    const asked = Date.now()
    const { token } = this.#options
    const data = await callGraphql<{ clientPositions: { cursor: string }[] }>(replica, {
      token,
      query: listQuery,
      variables: {},
    }).catch(() => undefined)
    const [position] = data?.clientPositions ?? []
    if (position) this.listed.push({ offset: ackedUpTo(position.cursor), asked, answered: Date.now() })
  }
}

/** A cursor may be the place before its offset. */
function ackedUpTo(cursor: string): number {
  const isBefore = ((Buffer.from(cursor, 'base64url')[0] ?? 0) & 0x80) !== 0
  return openedCursor(cursor).offset - (isBefore ? 1 : 0)
}

const isOver = ({ subscription }: Connection): boolean => subscription.ended !== undefined

function endWith(subscription: PositionSubscription, how: 'taken' | 'left' | 'lost'): void {
  subscription.ended ??= { how, at: Date.now() }
}
