import { type Kysely, sql } from 'kysely'
import { firstOffsetAfter, type JournalPlace } from '../core/model/cursor.ts'
import type {
  PositionKey,
  PositionMove,
  PositionStore,
  PositionTake,
  StoredPosition,
  TakenPosition,
} from '../core/positions/position-store.ts'
import { RegistryError } from './registry-error.ts'
import { placeText, type Tables } from './tables.ts'

type Row = Tables['warren_positions']

/** How often a row is tried while other replicas add and remove it. */
const maxAttempts = 20

/** Named positions in both databases. Each change is one statement. */
export class SqlPositions implements PositionStore {
  readonly #run: <T>(statement: (db: Kysely<Tables>) => Promise<T>) => Promise<T>

  /** `run`: runs a statement, and rejects with `RegistryError`. */
  constructor(run: <T>(statement: (db: Kysely<Tables>) => Promise<T>) => Promise<T>) {
    this.#run = run
  }

  async take(take: PositionTake): Promise<TakenPosition> {
    const { clientId, name, topic, replica, place, askedAt, at, most } = take
    const time = at.toISOString()
    const asked = integer(askedAt.getTime())
    for (let tried = 0; tried < maxAttempts; tried += 1) {
      const taken = await this.#run((db) =>
        db
          .updateTable('warren_positions')
          .set({
            topic,
            used_at: time,
            held_before: sql`held_by`,
            held_by: replica,
            holder: sql`case when holder >= ${asked} then holder + 1 else ${asked} end`,
            ...(place ? firstPlace(place) : {}),
          })
          .where('client_id', '=', clientId)
          .where('name', '=', name)
          .where((where) => where.or([where('topic', 'is', null), where('topic', '=', topic)]))
          .returningAll()
          .executeTakeFirst(),
      )
      if (taken) return { kind: 'taken', position: positionOf(taken), heldBefore: taken.held_before ?? undefined }
      const [found] = await this.find([take])
      if (found) {
        if (found.topic !== undefined && found.topic !== topic) return { kind: 'other', topic: found.topic }
        continue
      }
      // Numbers of a position that was deleted meanwhile are from the past, and so smaller.
      const added = await this.#insert(take, { topic, holder: at.getTime(), heldBy: replica, place, at, most })
      if (added) return { kind: 'taken', position: positionOf(added), heldBefore: undefined }
      if (await this.#isFull(clientId, most)) return { kind: 'full' }
    }
    throw settling(take)
  }

  async begin(
    { clientId, name, holder, place }: Parameters<PositionStore['begin']>[0],
    at: Date,
  ): Promise<StoredPosition | undefined> {
    const row = await this.#run((db) =>
      db
        .updateTable('warren_positions')
        .set({ ...firstPlace(place), used_at: at.toISOString() })
        .where('client_id', '=', clientId)
        .where('name', '=', name)
        .where('holder', '=', holder)
        .returningAll()
        .executeTakeFirst(),
    )
    return row && positionOf(row)
  }

  async add(
    added: PositionKey & { readonly place: JournalPlace; readonly at: Date; readonly most: number },
  ): Promise<StoredPosition | undefined> {
    for (let tried = 0; tried < maxAttempts; tried += 1) {
      const row = await this.#insert(added, { ...added, topic: null, holder: 0, heldBy: null })
      if (row) return positionOf(row)
      const [found] = await this.find([added])
      if (found) return found
      if (await this.#isFull(added.clientId, added.most)) return undefined
    }
    throw settling(added)
  }

  async move(moves: readonly PositionMove[], at: Date): Promise<void> {
    if (moves.length === 0) return
    const time = at.toISOString()
    const rows = moves.map(
      ({ clientId, name, place, holder, from }) =>
        sql`(${text(clientId)}, ${text(name)}, ${text(placeText(place))}, ${text(place.epoch)}, ${integer(firstOffsetAfter(place))}, ${text(from ?? null)}, ${integer(holder ?? null)})`,
    )
    await this.#run((db) =>
      sql`with moves (client_id, name, place, epoch, next_offset, from_epoch, holder) as (values ${sql.join(rows)})
        update warren_positions
        set place = moves.place, epoch = moves.epoch, next_offset = moves.next_offset, moved_at = ${time}, used_at = ${time}
        from moves
        where warren_positions.client_id = moves.client_id and warren_positions.name = moves.name
          and (moves.holder is null or warren_positions.holder = moves.holder)
          and (warren_positions.place is null
            or (warren_positions.epoch = moves.epoch and warren_positions.next_offset < moves.next_offset)
            or (warren_positions.epoch <> moves.epoch and warren_positions.epoch = moves.from_epoch))`.execute(db),
    )
  }

  async find(keys: readonly PositionKey[]): Promise<StoredPosition[]> {
    if (keys.length === 0) return []
    const rows = await this.#run((db) => db.selectFrom('warren_positions').selectAll().where(isOneOf(keys)).execute())
    return rows.map(positionOf)
  }

  async listOf(clientId: string): Promise<StoredPosition[]> {
    const rows = await this.#run((db) =>
      db.selectFrom('warren_positions').selectAll().where('client_id', '=', clientId).execute(),
    )
    // The order of the database depends on its locale. Names are ASCII.
    return rows.map(positionOf).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  async touch(keys: readonly PositionKey[], at: Date): Promise<void> {
    if (keys.length === 0) return
    await this.#run((db) =>
      db.updateTable('warren_positions').set({ used_at: at.toISOString() }).where(isOneOf(keys)).execute(),
    )
  }

  async remove({ clientId, name }: PositionKey): Promise<boolean> {
    const { numDeletedRows } = await this.#run((db) =>
      db
        .deleteFrom('warren_positions')
        .where('client_id', '=', clientId)
        .where('name', '=', name)
        .executeTakeFirstOrThrow(),
    )
    return numDeletedRows > 0n
  }

  async removeAllOf(clientId: string): Promise<void> {
    await this.#run((db) => db.deleteFrom('warren_positions').where('client_id', '=', clientId).execute())
  }

  async removeUnused(before: Date): Promise<number> {
    const { numDeletedRows } = await this.#run((db) =>
      db.deleteFrom('warren_positions').where('used_at', '<', before.toISOString()).executeTakeFirstOrThrow(),
    )
    return Number(numDeletedRows)
  }

  /** Undefined: the row exists, or the client has too many. */
  #insert(
    { clientId, name }: PositionKey,
    row: {
      readonly topic: string | null
      readonly holder: number
      readonly heldBy: string | null
      readonly place: JournalPlace | undefined
      readonly at: Date
      readonly most: number
    },
  ): Promise<Row | undefined> {
    const { topic, holder, heldBy, place, at, most } = row
    const time = text(at.toISOString())
    return this.#run(async (db) => {
      const { rows } = await sql<Row>`
        insert into warren_positions
          (client_id, name, topic, place, epoch, next_offset, holder, held_by, moved_at, used_at)
        select ${text(clientId)}, ${text(name)}, ${text(topic)}, ${text(place ? placeText(place) : null)},
          ${text(place?.epoch ?? null)}, ${integer(place ? firstOffsetAfter(place) : null)}, ${integer(holder)},
          ${text(heldBy)}, ${time}, ${time}
        where (select count(*) from warren_positions where client_id = ${text(clientId)}) < ${integer(most)}
        on conflict (client_id, name) do nothing
        returning *`.execute(db)
      return rows[0]
    })
  }

  async #isFull(clientId: string, most: number): Promise<boolean> {
    const { count } = await this.#run((db) =>
      db
        .selectFrom('warren_positions')
        .select((select) => select.fn.countAll<number | string>().as('count'))
        .where('client_id', '=', clientId)
        .executeTakeFirstOrThrow(),
    )
    return Number(count) >= most
  }
}

/** Columns of a place, for a row without one. */
function firstPlace(place: JournalPlace) {
  return {
    place: sql<string>`coalesce(place, ${placeText(place)})`,
    epoch: sql<string>`coalesce(epoch, ${place.epoch})`,
    next_offset: sql<number>`coalesce(next_offset, ${integer(firstOffsetAfter(place))})`,
  }
}

function isOneOf(keys: readonly PositionKey[]) {
  const tuples = keys.map(({ clientId, name }) => sql`(${text(clientId)}, ${text(name)})`)
  return sql<boolean>`(client_id, name) in (values ${sql.join(tuples)})`
}

/** PostgreSQL does not infer the types of parameters in these places. */
function text(value: string | null) {
  return sql<string>`cast(${value} as text)`
}

function integer(value: number | null) {
  return sql<number>`cast(${value} as bigint)`
}

function settling({ clientId, name }: PositionKey): RegistryError {
  return new RegistryError(
    `could not store position ${name} of client "${clientId}"`,
    new Error('its row is added and removed elsewhere at the same time'),
  )
}

function positionOf(row: Row): StoredPosition {
  return {
    clientId: row.client_id,
    name: row.name,
    topic: row.topic ?? undefined,
    place: row.place === null ? undefined : (JSON.parse(row.place) as JournalPlace),
    holder: Number(row.holder),
    heldBy: row.held_by ?? undefined,
    movedAt: new Date(row.moved_at),
    usedAt: new Date(row.used_at),
  }
}
