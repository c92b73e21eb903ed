import { GatewayError } from '../../errors.ts'
import { firstOffsetAfter, type JournalPlace } from '../model/cursor.ts'
import { pause } from '../timing/pause.ts'
import { type PositionKey, type PositionMove, type PositionStore, positionsAStatement } from './position-store.ts'

/** How long acks are gathered before they are stored, in milliseconds. */
const writeMs = 1_000
/** The pause after a failure, in milliseconds. */
const writeRetryMs = 5_000
/** How many positions may wait for the registry. */
const maxWaiting = 20_000

type Ack = Omit<PositionMove, 'from'>

export interface PositionWriterParts {
  readonly store: Pick<PositionStore, 'find' | 'move'>
  /** The epoch of the journal as of now, by a mark. Rejects while the broker is away. */
  readonly currentEpoch: () => Promise<string | undefined>
  /** A subscription acked a position that it does not have any more, or that was deleted. */
  readonly onLost: (key: PositionKey, holder: number | undefined, isDeleted: boolean) => void
  readonly logError: (what: string, error: unknown) => void
}

/**
 * Stores acks within a second, many in one statement. Of each position only the last ack waits. A
 * crash loses acks of the last second: their events are delivered again.
 */
export class PositionWriter {
  readonly #parts: PositionWriterParts
  /** By position. Acks of a client, which need no subscription. */
  readonly #ofClients = new Map<string, Ack>()
  /** By position. Acks of subscriptions, which count only while the position is theirs. */
  readonly #ofHolders = new Map<string, Ack>()
  readonly #closing = new AbortController()
  #timer: Promise<void> | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(parts: PositionWriterParts) {
    this.#parts = parts
  }

  /** How many acks wait for the registry. */
  get waiting(): number {
    return this.#ofClients.size + this.#ofHolders.size
  }

  /** For an ack of the client itself: throws if there is no room for it. */
  requireRoom(): void {
    if (this.#ofClients.size >= maxWaiting)
      throw new GatewayError('REGISTRY_UNAVAILABLE', 'too many acks wait for the registry; try again')
  }

  record(ack: Ack): void {
    keepLater(ack.holder === undefined ? this.#ofClients : this.#ofHolders, ack)
    this.#schedule(writeMs)
  }

  /** The position was deleted: what waits for it is dropped. */
  forget(key: PositionKey): void {
    this.#ofClients.delete(textOf(key))
    this.#ofHolders.delete(textOf(key))
  }

  /** Stores everything that waits now. Resolves also if the registry fails; then it still waits. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /** Stores what waits for one position. Rejects if the registry fails. */
  async flushOf(key: PositionKey): Promise<void> {
    await this.#writing
    for (const waiting of [this.#ofClients, this.#ofHolders]) {
      const ack = waiting.get(textOf(key))
      if (ack) this.#done(waiting, await this.#store([ack]))
    }
  }

  /** Stores what waits, once more. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#timer
    await this.flush()
  }

  #schedule(ms: number): void {
    if (this.#closing.signal.aborted) return
    this.#timer ??= pause(ms, this.#closing.signal, { ref: false }).then(() => {
      this.#timer = undefined
      return this.flush()
    })
  }

  async #write(): Promise<void> {
    for (const waiting of [this.#ofClients, this.#ofHolders]) {
      const all = [...waiting.values()]
      for (let at = 0; at < all.length; at += positionsAStatement) {
        const batch = all.slice(at, at + positionsAStatement)
        try {
          this.#done(waiting, await this.#store(batch))
        } catch (error) {
          this.#parts.logError('storing acked positions', error)
          this.#schedule(writeRetryMs)
          return
        }
      }
    }
    if (this.waiting > 0) this.#schedule(writeRetryMs)
  }

  /** Those for which a later ack came meanwhile still wait. */
  #done(waiting: Map<string, Ack>, acks: Iterable<Ack>): void {
    for (const ack of acks) if (waiting.get(textOf(ack)) === ack) waiting.delete(textOf(ack))
  }

  /** Resolves with those that need not be stored any more. */
  async #store(acks: readonly Ack[]): Promise<Set<Ack>> {
    const { store, onLost } = this.#parts
    const rows = new Map((await store.find(acks)).map((row) => [textOf(row), row]))
    const moves: PositionMove[] = []
    const done = new Set(acks)
    // A mark is written only for a position of another epoch, after the journal was replaced.
    let current: Promise<string | undefined> | undefined
    for (const ack of acks) {
      const row = rows.get(textOf(ack))
      if (!row || (ack.holder !== undefined && row.holder !== ack.holder)) {
        onLost(ack, ack.holder, !row)
        continue
      }
      const from = row.place && row.place.epoch !== ack.place.epoch ? row.place.epoch : undefined
      if (from !== undefined) {
        current ??= this.#parts.currentEpoch().catch(() => undefined)
        const epoch = await current
        // The broker is away: it is not known yet which of the two is older.
        if (epoch === undefined) done.delete(ack)
        // The row was read before the mark, so its epoch is no newer than this one.
        if (epoch !== ack.place.epoch) continue
      }
      moves.push({ ...ack, from })
    }
    await store.move(moves, new Date())
    return done
  }
}

/** Within an epoch the greater offset counts, otherwise the later ack. */
function keepLater(waiting: Map<string, Ack>, ack: Ack): void {
  const key = textOf(ack)
  const known = waiting.get(key)
  if (known && known.holder === ack.holder && !isBehind(known.place, ack.place)) return
  waiting.set(key, ack)
}

/** Whether the first place is to be replaced by the other one. */
function isBehind(one: JournalPlace, other: JournalPlace): boolean {
  return one.epoch !== other.epoch || firstOffsetAfter(one) < firstOffsetAfter(other)
}

/** Names contain no blanks. */
export function textOf({ clientId, name }: PositionKey): string {
  return `${name} ${clientId}`
}
