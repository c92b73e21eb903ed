import { firstOffsetAfter } from '../../src/core/model/cursor.ts'
import type {
  PositionKey,
  PositionMove,
  PositionStore,
  PositionTake,
  StoredPosition,
  TakenPosition,
} from '../../src/core/positions/position-store.ts'

/** Named positions in memory: what the databases are compared with. */
export class MemoryPositions implements PositionStore {
  readonly rows = new Map<string, StoredPosition>()

  async take({ clientId, name, topic, replica, place, askedAt, at, most }: PositionTake): Promise<TakenPosition> {
    const known = this.rows.get(keyOf({ clientId, name }))
    if (known?.topic !== undefined && known.topic !== topic) return { kind: 'other', topic: known.topic }
    if (!known && this.#countOf(clientId) >= most) return { kind: 'full' }
    const holder = known ? Math.max(known.holder + 1, askedAt.getTime()) : at.getTime()
    const movedAt = known?.movedAt ?? at
    const kept = known?.place ?? place
    const position = { clientId, name, topic, place: kept, holder, heldBy: replica, movedAt, usedAt: at }
    this.rows.set(keyOf(position), position)
    return { kind: 'taken', position, heldBefore: known?.heldBy }
  }

  async begin({ clientId, name, holder, place }: Parameters<PositionStore['begin']>[0], at: Date) {
    const row = this.rows.get(keyOf({ clientId, name }))
    if (row?.holder !== holder) return undefined
    const begun = { ...row, place: row.place ?? place, usedAt: at }
    this.rows.set(keyOf(row), begun)
    return begun
  }

  async add({ clientId, name, place, at, most }: Parameters<PositionStore['add']>[0]) {
    const known = this.rows.get(keyOf({ clientId, name }))
    if (known) return known
    if (this.#countOf(clientId) >= most) return undefined
    const unheld = { topic: undefined, holder: 0, heldBy: undefined }
    const position = { clientId, name, ...unheld, place, movedAt: at, usedAt: at }
    this.rows.set(keyOf(position), position)
    return position
  }

  async move(moves: readonly PositionMove[], at: Date): Promise<void> {
    for (const move of moves) {
      const row = this.rows.get(keyOf(move))
      if (!row || (move.holder !== undefined && move.holder !== row.holder) || !isForward(row, move)) continue
      this.rows.set(keyOf(move), { ...row, place: move.place, movedAt: at, usedAt: at })
    }
  }

  async find(keys: readonly PositionKey[]): Promise<StoredPosition[]> {
    return keys.flatMap((key) => this.rows.get(keyOf(key)) ?? [])
  }

  async listOf(clientId: string): Promise<StoredPosition[]> {
    const rows = [...this.rows.values()].filter((row) => row.clientId === clientId)
    return rows.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  async touch(keys: readonly PositionKey[], at: Date): Promise<void> {
    for (const row of await this.find(keys)) this.rows.set(keyOf(row), { ...row, usedAt: at })
  }

  async remove(key: PositionKey): Promise<boolean> {
    return this.rows.delete(keyOf(key))
  }

  async removeAllOf(clientId: string): Promise<void> {
    for (const row of await this.listOf(clientId)) this.rows.delete(keyOf(row))
  }

  async removeUnused(before: Date): Promise<number> {
    const unused = [...this.rows.values()].filter(({ usedAt }) => usedAt < before)
    for (const row of unused) this.rows.delete(keyOf(row))
    return unused.length
  }

  #countOf(clientId: string): number {
    return [...this.rows.values()].filter((row) => row.clientId === clientId).length
  }
}

function isForward({ place }: StoredPosition, move: PositionMove): boolean {
  if (!place) return true
  if (place.epoch !== move.place.epoch) return place.epoch === move.from
  return firstOffsetAfter(place) < firstOffsetAfter(move.place)
}

function keyOf({ clientId, name }: PositionKey): string {
  return `${name} ${clientId}`
}
