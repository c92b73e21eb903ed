import { GatewayError } from '../../errors.ts'
import type { OfflineCounts } from '../accounting/cluster-counts.ts'
import type { Cluster, OfflineMessage } from '../cluster/cluster.ts'
import { announceMs, leaseMs, type Member } from '../cluster/members.ts'
import { TimeSlice } from '../delivery/time-slice.ts'
import type { Audience } from '../model/source.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import type { Presence } from '../presence/presence.ts'
import { within } from '../timing/deadline.ts'
import { type Absence, Absences } from './absences.ts'
import { Participants } from './participants.ts'

/** A message that the tail of the journal has read. */
export interface RoutedMessage {
  readonly offset: number
  /** When it was read, in milliseconds since the epoch. */
  readonly at: number
  readonly clients: Audience
  /** Costs a checksum of the body. */
  readonly describe: () => Pick<Absence, 'cursor' | 'after' | 'source' | 'exchange'>
}

/** Reads the end of the journal again, from memory: the messages after an offset, in order. */
export type VisitRecent = (offset: number, visit: (message: RoutedMessage) => boolean) => void

export interface OfflineHookParts {
  readonly cluster: Cluster
  readonly control: ControlBus
  readonly presence: Pick<Presence, 'hasSession' | 'isOnline' | 'leavingFrom' | 'listenToReturns'>
  /** Publishes a notice to `<namespace>.offline`. Rejects while the broker is away. */
  readonly publish: (absence: Absence) => Promise<void>
  readonly log: (text: string) => void
  readonly graceMs: number
  readonly quietMs: number
  readonly maxClients: number
  readonly maxPerSecond: number
}

/** How often waiting absences are looked at, in milliseconds. */
const tickMs = 250
/** How many notices are published at the same time. */
const concurrency = 50
/** The pause after a failure, in milliseconds. */
const retryMs = 1_000
/** The shortest time between two log lines of one kind, in milliseconds. */
const logMs = 60_000
/** How long the clients of notices are gathered for a control message, in milliseconds. */
const batchMs = 20
/** How many clients one control message has. */
const clientsAMessage = 500
/** How long the end of this replica waits for notices that are being published, in milliseconds. */
const closeMs = 1_000
/** How often a position of the tail is kept, in milliseconds, and how many of them. */
const markMs = 1_000
const maxMarks = Math.ceil((leaseMs + 2 * announceMs) / markMs) + 1

/**
 * Publishes a notice when a message comes for a client that has no session on any replica: one for
 * each client and quiet period. The client's return ends the period.
 *
 * Every replica finds the same absences, because each reads all messages and knows who has a
 * session. The eldest replica publishes, and the others learn for which clients it did. When it
 * ends or is killed, the next one publishes what still waits. So no notice is lost with a replica;
 * a notice that it published in its last moment may be published again.
 */
export class OfflineHook {
  readonly #parts: OfflineHookParts
  readonly #absences: Absences
  readonly #participants: Participants
  /** Clients with a notice that is being published. */
  readonly #publishing = new Map<string, Promise<void>>()
  /** Clients with a notice that the other replicas do not know yet. */
  #unsent: string[] = []
  /** Where the tail was, oldest first. */
  readonly #marks: { readonly at: number; readonly offset: number }[] = []
  readonly #counts = { confirmed: 0, failed: 0 }
  readonly #bounds = { evicted: 0, dropped: 0, rate: 0 }
  readonly #loggedAt = new Map<string, number>()
  #visitRecent: VisitRecent | undefined
  #timer: NodeJS.Timeout | undefined
  #batchTimer: NodeJS.Timeout | undefined
  /** Before this time nothing is published: clients may be about to come back, or not known yet. */
  #holdUntil = Number.POSITIVE_INFINITY
  #allowance: number
  #allowedAt = 0

  constructor(parts: OfflineHookParts) {
    this.#parts = parts
    this.#absences = new Absences(parts)
    this.#participants = new Participants(parts.cluster)
    this.#allowance = parts.maxPerSecond
    parts.presence.listenToReturns((clientId) => this.#absences.end(clientId))
    parts.cluster.listen({
      onJoined: () => this.#send({ ask: false }),
      onLeft: (member) => this.#onLeft(member),
      onResync: () => this.#onResync(),
      onOffline: (message) => this.#onControl(message),
    })
  }

  /** Called once, when presence has been opened. */
  open(visitRecent: VisitRecent): void {
    this.#visitRecent = visitRecent
    // The clients of the last replicas need this time to connect to the new ones.
    this.#holdUntil = Date.now() + this.#parts.graceMs + leaseMs
    this.#send({ ask: true })
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#timer.unref()
  }

  /** Publishes nothing more; the next replica publishes what waits. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await within(closeMs, Promise.all(this.#publishing.values()))
    this.#sendPublished()
  }

  get counts(): OfflineCounts {
    return {
      notices: this.#counts,
      bounds: this.#bounds,
      waiting: this.#absences.waiting.size,
      quiet: this.#absences.quiet,
    }
  }

  /**
   * Called with each live message, in order. Never throws. A message for everyone yields nothing.
   */
  onMessage(message: RoutedMessage): void {
    const { offset, at, clients } = message
    if (at - (this.#marks.at(-1)?.at ?? 0) >= markMs) {
      this.#marks.push({ at, offset })
      if (this.#marks.length > maxMarks) this.#marks.shift()
    }
    if (clients === 'everyone') return
    for (const clientId of clients) if (!this.#parts.presence.hasSession(clientId)) this.#add(clientId, message)
  }

  #add(clientId: string, message: RoutedMessage): void {
    if (this.#absences.has(clientId, Date.now())) return
    const bound = this.#absences.add({ clientId, ...message.describe(), at: message.at })
    if (bound === undefined) return
    this.#bounds[bound] += 1
    this.#log(
      bound,
      bound === 'dropped'
        ? 'WARREN_MAX_OFFLINE_CLIENTS clients wait for an offline notice: notices are dropped'
        : 'WARREN_MAX_OFFLINE_CLIENTS clients got an offline notice: the oldest quiet periods end early',
    )
  }

  #tick(): void {
    const now = Date.now()
    this.#absences.expire(now)
    // Clients of the other replicas look absent while their messages do not arrive here.
    if (this.#parts.cluster.members.isCutOff) this.#hold(leaseMs)
    if (now < this.#holdUntil || !this.#participants.isEldest) return
    const { presence, maxPerSecond } = this.#parts
    this.#allowance = Math.min(
      maxPerSecond,
      this.#allowance + (Math.max(0, now - this.#allowedAt) * maxPerSecond) / 1_000,
    )
    this.#allowedAt = now
    for (const [clientId, absence] of this.#absences.waiting) {
      if (this.#publishing.size >= concurrency) return
      if (this.#publishing.has(clientId)) continue
      if (presence.hasSession(clientId)) this.#absences.end(clientId)
      // It left a moment ago, and may come back.
      else if (!presence.isOnline(clientId)) {
        if (this.#allowance < 1) {
          this.#bounds.rate += 1
          this.#log('rate', 'offline notices wait: there are more than WARREN_MAX_OFFLINE_RATE a second')
          return
        }
        this.#allowance -= 1
        this.#publishing.set(clientId, this.#publish(absence))
      }
    }
  }

  async #publish(absence: Absence): Promise<void> {
    const { clientId } = absence
    try {
      await this.#parts.publish(absence)
      this.#counts.confirmed += 1
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'BROKER_UNAVAILABLE') return this.#hold(retryMs)
      // A retry would be refused, too.
      this.#counts.failed += 1
      this.#log('refused', `publishing an offline notice failed: ${String(error)}`)
    } finally {
      this.#publishing.delete(clientId)
    }
    // It may have come back meanwhile.
    if (this.#absences.waiting.get(clientId) !== absence) return
    this.#absences.published(clientId, Date.now())
    this.#unsent.push(clientId)
    this.#batchTimer ??= setTimeout(() => this.#sendPublished(), batchMs)
  }

  #hold(ms: number): void {
    this.#holdUntil = Math.max(this.#holdUntil, Date.now() + ms)
  }

  #onResync(): void {
    if (!this.#timer) return
    this.#hold(leaseMs)
    this.#send({ ask: true })
  }

  #onControl({ replica, startedAt, ask, published, waiting }: OfflineMessage): void {
    if (replica === this.#parts.cluster.replica) return
    this.#participants.add(replica, startedAt)
    const now = Date.now()
    const { presence } = this.#parts
    for (const [clientId, agoMs] of published)
      if (!presence.hasSession(clientId)) this.#absences.published(clientId, now, agoMs)
    for (const absence of waiting) {
      if (presence.hasSession(absence.clientId) || this.#absences.has(absence.clientId, now)) continue
      this.#absences.add(absence)
    }
    if (!ask) return
    if (this.#participants.isEldestExcept(replica)) this.#sendAll()
    else this.#send({ ask: false })
  }

  #sendPublished(): void {
    clearTimeout(this.#batchTimer)
    this.#batchTimer = undefined
    for (const clientIds of slicesOf(this.#unsent))
      this.#send({ published: clientIds.map((clientId) => [clientId, 0]) })
    this.#unsent = []
  }

  #sendAll(): void {
    const quiet = [...this.#absences.quietClients(Date.now())]
    const waiting = [...this.#absences.waiting.values()]
    this.#send({ ask: false })
    for (const published of slicesOf(quiet)) this.#send({ published })
    for (const absences of slicesOf(waiting)) this.#send({ waiting: absences })
  }

  #send(what: Partial<OfflineMessage>): void {
    const { control, cluster } = this.#parts
    const { replica, startedAt } = cluster
    const nothing = { ask: false, published: [], waiting: [] }
    void control.send({ ...nothing, ...what, kind: 'offline-known', replica, startedAt }).catch(() => undefined)
  }

  /**
   * The clients of a killed replica had a session until its lease ended. What came for them since
   * it was silent reached none of them.
   */
  #onLeft({ replica, endedAt, lastSeenAt }: Member): void {
    this.#participants.remove(replica)
    const clients = endedAt === undefined ? this.#parts.presence.leavingFrom(replica) : undefined
    if (!clients || clients.size === 0) return
    // Its last announcement may have been under way for a moment.
    const since = lastSeenAt - markMs
    const mark = this.#marks.findLast(({ at }) => at <= since) ?? this.#marks[0]
    if (mark) this.#addRecent(mark.offset - 1, { clients, since })
  }

  #addRecent(after: number, of: { readonly clients: ReadonlySet<string>; readonly since: number }): void {
    const slice = new TimeSlice()
    let next: number | undefined
    this.#visitRecent?.(after, (message) => {
      if (slice.isOver) {
        next = message.offset - 1
        return false
      }
      if (message.at < of.since || message.clients === 'everyone') return true
      for (const clientId of message.clients)
        if (of.clients.has(clientId) && !this.#parts.presence.hasSession(clientId)) this.#add(clientId, message)
      return true
    })
    if (next !== undefined) setImmediate((offset: number) => this.#addRecent(offset, of), next)
  }

  #log(kind: string, text: string): void {
    const now = Date.now()
    if (now - (this.#loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < logMs) return
    this.#loggedAt.set(kind, now)
    this.#parts.log(text)
  }
}

function slicesOf<Item>(items: readonly Item[]): (readonly Item[])[] {
  const slices: (readonly Item[])[] = []
  for (let at = 0; at < items.length; at += clientsAMessage) slices.push(items.slice(at, at + clientsAMessage))
  return slices
}
