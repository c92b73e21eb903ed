import type { StateFold, StateHead } from '../../../src/core/state/state-store.ts'
import type { World } from '../world/world.ts'
import type { Entry, JournalLife } from './ground-truth.ts'

/**
 * Checks keyed state where the database changes it: each fold follows the one before, and has the
 * last message of each key between them. Retention may have removed some of these first.
 */
export class StateWatch {
  readonly #world: World
  /** By epoch: the offsets of messages that retention removed before they were folded. */
  readonly #lost = new Map<string, Set<number>>()

  constructor(world: World) {
    this.#world = world
  }

  isLost(epoch: string, offset: number): boolean {
    return this.#lost.get(epoch)?.has(offset) ?? false
  }

  /** The database has executed the fold. */
  folded({ place, rows }: StateFold, before: StateHead | undefined): void {
    const from = before?.place?.epoch === place.epoch ? before.place.offset + 1 : 0
    this.#world.note(`folded ${rows.length} up to ${place.offset}`)
    if (place.offset < from - 1)
      this.#world.violated('a fold follows the one before', `from ${from - 1} back to ${place.offset}`)
    const life = this.#world.truth.lifeOf(place.epoch)
    if (!life) return
    const folded = new Map(rows.map((row) => [row.key, row.message.offset]))
    for (const channel of life.channels) {
      const last = new Map<string, Entry>()
      const due = life.due({ channel, typed: true }, from, place.offset + 1)
      for (const entry of due) last.set(entry.intent.stateKey ?? '', entry)
      for (const [key, entry] of last) {
        const offset = folded.get(key)
        if (offset === entry.offset || (offset !== undefined && isLateCopy(life, offset))) continue
        // Those of the key after what was folded.
        const missing = due.filter((one) => one.intent.stateKey === key && one.offset > (offset ?? -1))
        for (const { offset: lost, intent } of missing) this.#lose(life, lost, intent.number)
      }
    }
  }

  #lose(life: JournalLife, offset: number, number: number): void {
    if (life.stream.log.removedAt(offset) === undefined)
      this.#world.violated('every message is folded', `${number} at ${offset} is in the journal, and was passed over`)
    const lost = this.#lost.get(life.epoch) ?? new Set()
    this.#lost.set(life.epoch, lost.add(offset))
  }
}

/** A copy of a message that may not be recognised, because retention removed the one before. */
export function isLateCopy(life: JournalLife, offset: number): boolean {
  const entry = life.entryAt(offset)
  if (!entry || entry.isFirst) return false
  return life
    .copiesBefore(entry.intent, offset)
    .every((earlier) => life.stream.log.removedAt(earlier.offset) !== undefined)
}
