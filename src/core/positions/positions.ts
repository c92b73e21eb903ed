import { badInput, GatewayError } from '../../errors.ts'
import type { Gathering } from '../cluster/gathering.ts'
import { BoundedMap } from '../limits/bounded-map.ts'
import { type Cursor, type CursorCodec, firstOffsetAfter, isOlder, type JournalPlace } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { ControlBus, PositionMessage } from '../ports/control-bus.ts'
import type { EventCount, EventCounter } from './event-counter.ts'
import { HandOver } from './hand-over.ts'
import { HeldPositions } from './held-positions.ts'
import { PendingTakes } from './pending-takes.ts'
import type { PositionCounts } from './position-counts.ts'
import { type HoldKeeper, PositionHold } from './position-hold.ts'
import {
  checkPositionName,
  maxPositions,
  ownerOf,
  type PositionOptions,
  type PositionTopic,
  topicText,
  wantedPosition,
} from './position-options.ts'
import type { PositionKey, PositionStore, StoredPosition } from './position-store.ts'
import { PositionWriter, textOf } from './position-writer.ts'

export interface PositionsParts {
  readonly store: PositionStore
  readonly counter: EventCounter
  readonly control: Pick<ControlBus, 'send'>
  readonly replica: string
  /** Undefined: there are no other replicas. */
  readonly gathering: Pick<Gathering, 'answer' | 'askOne'> | undefined
  readonly cursors: CursorCodec
  /** `WARREN_POSITION_TTL`. Read at each use. */
  readonly ttlMs: () => number
  /** Where the journal ends, as far as this replica has read it. Undefined: not known yet. */
  readonly liveEnd: () => Cursor | undefined
  /** As `liveEnd`, but waits until it is known. Rejects with `BROKER_UNAVAILABLE`. */
  readonly position: () => Promise<Cursor>
  /** The epoch of the journal as of now, by a mark. Rejects while the broker is away. */
  readonly currentEpoch: () => Promise<string | undefined>
  readonly logError: (what: string, error: unknown) => void
}

/**
 * From this many milliseconds on, the answer of the registry is late: of two subscriptions the one
 * that asked last has the position. Before, the one that was answered last has it, because the
 * clocks of replicas may differ.
 */
const lateMs = 1_000
/** Of how many positions the last place is remembered, so that an ack reads no row. */
const maxRemembered = 10_000

/**
 * Named positions: where a client is in a channel or a typed field, kept for it by the gateway.
 *
 * A subscription takes the position and continues there. The registry gives it a number that is
 * greater than that of all before, so that of several subscriptions on any replicas the last one
 * has it. Replicas are notified over the control bus, and compare the numbers regularly, because
 * such messages may be lost. Acks only move a position forward.
 */
export class Positions implements HoldKeeper {
  readonly #parts: PositionsParts
  readonly #writer: PositionWriter
  readonly #held: HeldPositions
  readonly #handOver: HandOver
  readonly #pendingTakes = new PendingTakes()
  /** By position: how far it was acked, stored or not. Older than the truth at worst. */
  readonly #remembered = new BoundedMap<string, JournalPlace | undefined>(maxRemembered)

  constructor(parts: PositionsParts) {
    this.#parts = parts
    this.#held = new HeldPositions({ store: parts.store, ttlMs: parts.ttlMs, logError: parts.logError })
    this.#handOver = new HandOver({
      replica: parts.replica,
      gathering: parts.gathering,
      release: (key, holder) => {
        this.#held.lose(key, { toLaterThan: holder - 1 })
        return laterOf(this.#held.ackedAt(key), this.#remembered.get(textOf(key)))
      },
    })
    this.#writer = new PositionWriter({
      store: parts.store,
      currentEpoch: parts.currentEpoch,
      onLost: (key, holder, isDeleted) => {
        if (isDeleted) this.#remembered.delete(textOf(key))
        if (holder !== undefined) this.#held.lose(key, isDeleted ? 'deleted' : { toLaterThan: holder })
      },
      logError: parts.logError,
    })
  }

  get counts(): PositionCounts {
    return { held: this.#held.size, waiting: this.#writer.waiting, taken: { ...this.#handOver.counts } }
  }

  /**
   * For a subscription that begins: checks its options. Undefined: it has no position. Call `begin`
   * of the hold once the subscription exists. Throws `BAD_USER_INPUT` and `FORBIDDEN`.
   */
  hold(
    options: PositionOptions & { readonly last?: unknown },
    identity: Identity,
    topic: () => PositionTopic,
  ): PositionHold | undefined {
    const wanted = wantedPosition(options, identity)
    return wanted && new PositionHold(wanted, topicText(topic()), this.#parts.liveEnd(), this)
  }

  async take(hold: PositionHold, liveEnd: Cursor | undefined): Promise<Cursor | undefined> {
    const { store, cursors, control, replica } = this.#parts
    const { clientId, name, topic, askedAt } = hold
    const start = liveEnd && placeOf(liveEnd)
    const taken = await this.#pendingTakes.run(
      hold,
      () => this.#writer.flushOf(hold),
      () => store.take({ clientId, name, topic, replica, place: start, askedAt, at: new Date(), most: maxPositions }),
    )
    if (!taken) return undefined
    if (taken.kind === 'full') throw tooMany()
    if (taken.kind === 'other')
      throw badInput('position', `"${name}" is the position of ${taken.topic}, and this subscription is ${topic}`)
    const { holder } = taken.position
    const to = taken.heldBefore
    if (to !== replica) this.#held.forgetEnded(hold)
    const isOvertaken = holder > askedAt.getTime() && Date.now() - askedAt.getTime() > lateMs
    if (to !== undefined && (hold.isOver || isOvertaken)) {
      // The client may have subscribed again elsewhere meanwhile, before this answer.
      await control.send({ kind: 'position-returned', clientId, name, holder, to }).catch(() => undefined)
      if (!hold.isOver) throw tooLate()
    }
    if (hold.isOver) return undefined
    hold.holder = holder
    this.#held.add(hold, to === replica)
    await control.send({ kind: 'position-taken', clientId, name, holder }).catch(() => undefined)
    const known = await this.#handOver.begin(hold, taken.position.place, taken.heldBefore)
    if (known && known !== taken.position.place) this.#move(hold, known)
    const place = known ?? (await this.#firstPlace(hold))
    this.#remembered.set(textOf(hold), place)
    return place && { ...place, codec: cursors }
  }

  acked(hold: PositionHold, cursor: Cursor): void {
    this.#move(hold, placeOf(cursor))
  }

  released(hold: PositionHold): void {
    if (this.#held.remove(hold)) void this.#writer.flush()
  }

  failed(error: unknown): void {
    this.#parts.logError('taking a position', error)
  }

  /**
   * The caller has handled everything up to the cursor. Resolves with false if the position is
   * there already, or further. Rejects with `BAD_USER_INPUT`, `LIMIT_EXCEEDED`, `FORBIDDEN`,
   * `REGISTRY_UNAVAILABLE`, or `BROKER_UNAVAILABLE` for a cursor of another journal.
   */
  async ack(identity: Identity, name: unknown, text: unknown): Promise<boolean> {
    const key = { clientId: ownerOf(identity), name: checkPositionName(name) }
    const cursor = typeof text === 'string' ? this.#parts.cursors.parse(text) : undefined
    if (!cursor) throw badInput('cursor', 'expected a cursor of this deployment')
    this.#writer.requireRoom()
    const place = placeOf(cursor)
    if (!this.#remembered.has(textOf(key))) {
      const at = new Date()
      const stored = await this.#parts.store.add({ ...key, place, at, most: maxPositions })
      if (!stored) throw tooMany()
      this.#remembered.set(textOf(key), stored.place)
      // Its own place: this call has added the position.
      if (stored.movedAt.getTime() === at.getTime() && isSame(stored.place, place)) return true
    }
    const known = this.#remembered.get(textOf(key))
    if (known && known.epoch === place.epoch && firstOffsetAfter(known) >= firstOffsetAfter(place)) return false
    if (known && known.epoch !== place.epoch && (await this.#parts.currentEpoch()) !== place.epoch) return false
    this.#remembered.set(textOf(key), place)
    this.#writer.record({ ...key, place, holder: undefined })
    return true
  }

  /** The positions of a client, with its acks that this replica has not stored yet. */
  async listOf(clientId: string): Promise<StoredPosition[]> {
    await this.#writer.flush()
    return this.#parts.store.listOf(clientId)
  }

  /** As `EventCounter.behind`. */
  behind(position: StoredPosition, identity: Identity): Promise<EventCount | undefined> {
    return this.#parts.counter.behind(position, identity)
  }

  /**
   * How many messages of a channel are behind a position. Undefined: there is no such position, or
   * it is not known. Rejects with `BAD_USER_INPUT` if the position is that of something else.
   */
  async unreadIn(channel: string, key: PositionKey): Promise<EventCount | undefined> {
    await this.#writer.flushOf(key)
    const [found] = await this.#parts.store.find([key])
    if (!found?.place) return undefined
    const topic = topicText({ field: 'channel', args: { clientId: channel } })
    if (found.topic !== undefined && found.topic !== topic)
      throw badInput('position', `"${key.name}" is the position of ${found.topic}, not of channel "${channel}"`)
    return this.#parts.counter.behindIn(channel, found.place)
  }

  /** Resolves with false if there is none. A subscription that has it ends. */
  async remove({ clientId, name }: PositionKey): Promise<boolean> {
    const existed = await this.#parts.store.remove({ clientId, name })
    this.#forget({ clientId, name })
    await this.#parts.control.send({ kind: 'position-deleted', clientId, name }).catch(() => undefined)
    return existed
  }

  /** The client was deleted: the next owner of its id has no positions. */
  async removeAllOf(clientId: string): Promise<void> {
    for (const { name } of await this.#parts.store.listOf(clientId)) await this.remove({ clientId, name })
  }

  onControl(message: PositionMessage): void {
    if (message.kind === 'position-deleted') this.#forget(message)
    else if (message.kind === 'position-taken') this.#held.lose(message, { toLaterThan: message.holder - 1 })
    else if (message.to === this.#parts.replica) {
      const hold = this.#held.adopt(message, message.holder)
      // What waits to be stored has the former number.
      if (hold?.ackedAt) this.#move(hold, hold.ackedAt)
    }
  }

  /** Control messages may have been lost. */
  onResync(): void {
    void this.#held.check()
  }

  /** Stores all acks. */
  async close(): Promise<void> {
    this.#held.close()
    this.#parts.counter.close()
    await this.#writer.close()
  }

  /**
   * For a new position that was taken before this replica had reached the journal: it begins where
   * the journal ends now. That is stored before the subscription begins. Otherwise, after a crash,
   * the next one would begin later. Undefined: the subscription has lost the position.
   */
  async #firstPlace(hold: PositionHold): Promise<JournalPlace | undefined> {
    const place = placeOf(await this.#parts.position())
    if (hold.isOver) return undefined
    await this.#writer.flushOf(hold)
    const { clientId, name, holder } = hold
    const row = await this.#parts.store.begin({ clientId, name, holder, place }, new Date())
    if (!row) hold.lose('taken')
    return row?.place
  }

  #move(hold: PositionHold, place: JournalPlace): void {
    const { clientId, name, holder } = hold
    hold.ackedAt = place
    this.#writer.record({ clientId, name, place, holder })
  }

  #forget(key: PositionKey): void {
    this.#writer.forget(key)
    this.#remembered.delete(textOf(key))
    this.#held.lose(key, 'deleted')
  }
}

function placeOf({ epoch, offset, fingerprint, before }: Cursor): JournalPlace {
  return { epoch, offset, fingerprint, before }
}

/** Of two journals the first one counts: it is that of what was delivered last. */
function laterOf(one: JournalPlace | undefined, other: JournalPlace | undefined): JournalPlace | undefined {
  if (!one || !other) return one ?? other
  return isOlder(one, other) ? other : one
}

function isSame(one: JournalPlace | undefined, other: JournalPlace): boolean {
  return one?.epoch === other.epoch && firstOffsetAfter(one) === firstOffsetAfter(other)
}

function tooLate(): GatewayError {
  return new GatewayError('REGISTRY_UNAVAILABLE', 'the registry answered too late; subscribe again')
}

function tooMany(): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', `at most ${maxPositions} positions a client: delete one`)
}
