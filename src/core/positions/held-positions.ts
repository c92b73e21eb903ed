import { BoundedMap } from '../limits/bounded-map.ts'
import type { JournalPlace } from '../model/cursor.ts'
import type { PositionHold } from './position-hold.ts'
import { type PositionKey, type PositionStore, positionsAStatement } from './position-store.ts'
import { textOf } from './position-writer.ts'

/** How often held positions are compared with the registry, in milliseconds. */
const checkMs = 30_000
/** Of how many positions the last ack of an ended subscription is kept. */
const maxEnded = 10_000
/** How often expired positions are removed, in milliseconds. */
const removeMs = 3_600_000

export interface HeldPositionsParts {
  readonly store: Pick<PositionStore, 'find' | 'touch' | 'removeUnused'>
  readonly ttlMs: () => number
  readonly logError: (what: string, error: unknown) => void
}

/** The positions that subscriptions of this replica have: one subscription each. */
export class HeldPositions {
  readonly #parts: HeldPositionsParts
  readonly #holds = new Map<string, PositionHold>()
  /** By position: the last ack of a subscription that had it. It may not be stored. */
  readonly #ended = new BoundedMap<string, JournalPlace>(maxEnded)
  readonly #checking: NodeJS.Timeout
  readonly #removing: NodeJS.Timeout
  #touchedAt = Date.now()
  #isChecking = false
  #closed = false

  constructor(parts: HeldPositionsParts) {
    this.#parts = parts
    this.#checking = setInterval(() => void this.check(), checkMs)
    this.#checking.unref()
    this.#removing = setInterval(() => void this.#removeUnused(), removeMs)
    this.#removing.unref()
  }

  get size(): number {
    return this.#holds.size
  }

  /**
   * The later one of two holds loses nothing, in whatever order they come. `isNext`: in the
   * registry, the hold before it is of this replica, too.
   */
  add(hold: PositionHold, isNext: boolean): void {
    const known = this.#holds.get(textOf(hold))
    if (known && known.holder > hold.holder) return hold.lose('taken')
    this.#holds.set(textOf(hold), hold)
    if (!known) return
    if (isNext) this.#keep(known)
    known.lose('taken')
  }

  /**
   * Another replica had the position last, or it is a new one: what was acked here is stored, or
   * was of a position that was deleted.
   */
  forgetEnded(key: PositionKey): void {
    this.#ended.delete(textOf(key))
  }

  /** How far the subscription acked that has the position here, or that had it last. */
  ackedAt(key: PositionKey): JournalPlace | undefined {
    return this.#holds.get(textOf(key))?.ackedAt ?? this.#ended.get(textOf(key))
  }

  /** Resolves with false if it had not the position. */
  remove(hold: PositionHold): boolean {
    if (this.#holds.get(textOf(hold)) !== hold) return false
    this.#keep(hold)
    return this.#holds.delete(textOf(hold))
  }

  /** `toLaterThan`: the subscriptions with this number or a smaller one lose it. */
  lose(key: PositionKey, to: 'deleted' | { readonly toLaterThan: number }): void {
    const hold = this.#holds.get(textOf(key))
    if (to === 'deleted') {
      hold?.lose('deleted')
      this.#ended.delete(textOf(key))
    } else if (hold && hold.holder <= to.toLaterThan) hold.lose('taken')
  }

  /**
   * The subscription with this number ended before it began: the one before, which is of this
   * replica, has the position again, under the number. Undefined: it has ended, too.
   */
  adopt(key: PositionKey, holder: number): PositionHold | undefined {
    const hold = this.#holds.get(textOf(key))
    if (!hold || hold.holder > holder) return undefined
    hold.holder = holder
    return hold
  }

  /** Compares all numbers with the registry. */
  async check(): Promise<void> {
    if (this.#isChecking || this.#closed) return
    this.#isChecking = true
    try {
      const { store, ttlMs } = this.#parts
      const isDue = Date.now() - this.#touchedAt >= Math.min(removeMs, ttlMs() / 4)
      if (isDue) this.#touchedAt = Date.now()
      const holds = [...this.#holds.values()]
      for (let at = 0; at < holds.length && !this.#closed; at += positionsAStatement) {
        const batch = holds.slice(at, at + positionsAStatement)
        const rows = new Map((await store.find(batch)).map((row) => [textOf(row), row.holder]))
        for (const hold of batch) {
          const holder = rows.get(textOf(hold))
          if (holder !== hold.holder) hold.lose(holder === undefined ? 'deleted' : 'taken')
        }
        if (isDue) await store.touch(batch, new Date())
      }
    } catch (error) {
      this.#parts.logError('comparing the positions of subscriptions', error)
    } finally {
      this.#isChecking = false
    }
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#checking)
    clearInterval(this.#removing)
  }

  /** One that ended before it began has acked nothing: the ack of the one before it stays. */
  #keep(hold: PositionHold): void {
    if (hold.ackedAt) this.#ended.set(textOf(hold), hold.ackedAt)
  }

  async #removeUnused(): Promise<void> {
    try {
      await this.#parts.store.removeUnused(new Date(Date.now() - this.#parts.ttlMs()))
    } catch (error) {
      this.#parts.logError('removing expired positions', error)
    }
  }
}
