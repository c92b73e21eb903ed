import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { DeploymentKey } from '../core/clients/deployment-keys.ts'
import type { Source } from '../core/model/source.ts'
import type { ClientDirectory, PresenceStore, StoredPresence } from '../core/ports/client-directory.ts'
import type { Client, ClientBar, ClientRegistry, Revocation } from '../core/ports/client-registry.ts'
import { RegistryError } from './registry-error.ts'
import { SqlPositions } from './sql-positions.ts'
import {
  clientBarColumns,
  clientBarOf,
  clientOf,
  clientRow,
  keyOf,
  keyRow,
  revocationOf,
  revocationRow,
  sourceOf,
  sourceRow,
  type Tables,
  tableNames,
} from './tables.ts'

/**
 * Runs one statement, and retries it if the database requires that. Every statement of this class
 * may be repeated.
 */
export type RunStatement = <T>(statement: () => Promise<T>) => Promise<T>

/** How often a write is tried while other processes add and remove the same row. */
const maxAttempts = 20

/**
 * The queries for all databases. Every method is one statement, or safe between its statements: no
 * transaction is held across an await.
 */
export class SqlRegistry implements ClientRegistry, ClientDirectory, PresenceStore {
  readonly positions = new SqlPositions((statement) => this.#run(statement))
  readonly #db: Kysely<Tables>
  readonly #attempt: RunStatement
  /** Compares text by its bytes. SQLite does so by itself. */
  readonly #byBytes: RawBuilder<unknown>

  constructor(db: Kysely<Tables>, attempt: RunStatement, { isPostgres = false }: { isPostgres?: boolean } = {}) {
    this.#db = db
    this.#attempt = attempt
    this.#byBytes = isPostgres ? sql`collate "C"` : sql``
  }

  async addClient(client: Client): Promise<{ client: Client; created: boolean }> {
    // Repeats only if the conflicting row was removed before it could be read.
    return settled(`client "${client.clientId}"`, async () => {
      const inserted = await this.#run((db) =>
        db
          .insertInto('warren_clients')
          .values(clientRow(client))
          .onConflict((conflict) => conflict.column('client_id').doNothing())
          .returningAll()
          .executeTakeFirst(),
      )
      if (inserted) return { client: clientOf(inserted), created: true }
      const found = await this.findClient(client.clientId)
      return found && { client: found, created: false }
    })
  }

  async findClient(clientId: string): Promise<Client | undefined> {
    const row = await this.#run((db) =>
      db.selectFrom('warren_clients').selectAll().where('client_id', '=', clientId).executeTakeFirst(),
    )
    return row && clientOf(row)
  }

  async findClients(options: Parameters<ClientDirectory['findClients']>[0]): Promise<Client[]> {
    const { containing, behind = '', first } = options
    const rows = await this.#run((db) =>
      db
        .selectFrom('warren_clients')
        .selectAll()
        .where(sql<boolean>`client_id ${this.#byBytes} > ${behind}`)
        .where(containsText(containing))
        .orderBy(sql`client_id ${this.#byBytes}`)
        .limit(first)
        .execute(),
    )
    return rows.map(clientOf)
  }

  async findClientsById(ids: readonly string[]): Promise<Client[]> {
    if (ids.length === 0) return []
    const rows = await this.#run((db) =>
      db
        .selectFrom('warren_clients')
        .selectAll()
        .where('client_id', 'in', [...ids])
        .execute(),
    )
    return rows.map(clientOf)
  }

  async savePresence(rows: readonly StoredPresence[]): Promise<void> {
    if (rows.length === 0) return
    const values = rows.map(({ clientId, online, seenAt }) => ({
      client_id: clientId,
      online: online ? 1 : 0,
      seen_at: seenAt.toISOString(),
    }))
    await this.#run((db) =>
      db
        .insertInto('warren_presence')
        .values(values)
        .onConflict((conflict) =>
          conflict.column('client_id').doUpdateSet((row) => ({
            online: row.ref('excluded.online'),
            seen_at: row.ref('excluded.seen_at'),
          })),
        )
        .execute(),
    )
  }

  async findPresence(clientIds: readonly string[]): Promise<StoredPresence[]> {
    if (clientIds.length === 0) return []
    const rows = await this.#run((db) =>
      db
        .selectFrom('warren_presence')
        .selectAll()
        .where('client_id', 'in', [...clientIds])
        .execute(),
    )
    return rows.map(presenceOf)
  }

  async listOnline(): Promise<StoredPresence[]> {
    const rows = await this.#run((db) =>
      db.selectFrom('warren_presence').selectAll().where('online', '=', 1).orderBy('seen_at').execute(),
    )
    return rows.map(presenceOf)
  }

  async findClientIds(options: Parameters<ClientRegistry['findClientIds']>[0]): Promise<string[]> {
    const { containing, behind = '', without, first } = options
    const rows = await this.#run((db) =>
      db
        .selectFrom('warren_clients')
        .select('client_id')
        .where('client_id', '>', behind)
        .where(containsText(containing))
        .where(withoutPrefix(without))
        .orderBy('client_id')
        .limit(first)
        .execute(),
    )
    return rows.map((row) => row.client_id)
  }

  async countClients({ without }: { without?: string } = {}): Promise<number> {
    const { count } = await this.#run((db) =>
      db
        .selectFrom('warren_clients')
        .select((select) => select.fn.countAll<number | string>().as('count'))
        .where(withoutPrefix(without))
        .executeTakeFirstOrThrow(),
    )
    return Number(count)
  }

  async removeClient(clientId: string): Promise<boolean> {
    const { numDeletedRows } = await this.#run((db) =>
      db.deleteFrom('warren_clients').where('client_id', '=', clientId).executeTakeFirstOrThrow(),
    )
    return numDeletedRows > 0n
  }

  async addSource(source: Source): Promise<{ source: Source; created: boolean }> {
    return settled(`source ${source.id}`, async () => {
      const inserted = await this.#run((db) =>
        db
          .insertInto('warren_sources')
          .values(sourceRow(source))
          .onConflict((conflict) => conflict.column('id').doNothing())
          .returningAll()
          .executeTakeFirst(),
      )
      if (inserted) return { source: sourceOf(inserted), created: true }
      const found = await this.#run((db) =>
        db.selectFrom('warren_sources').selectAll().where('id', '=', source.id).executeTakeFirst(),
      )
      return found && { source: sourceOf(found), created: false }
    })
  }

  async renewSource(source: Source): Promise<Source> {
    const row = sourceRow(source)
    return settled(`source ${source.id}`, async () => {
      const renewed = await this.#run((db) =>
        db
          .insertInto('warren_sources')
          .values(row)
          .onConflict((conflict) =>
            conflict
              .column('id')
              .doUpdateSet({ created_at: row.created_at })
              .where('warren_sources.created_at', '<', row.created_at),
          )
          .returningAll()
          .executeTakeFirst(),
      )
      if (renewed) return sourceOf(renewed)
      const { source: found } = await this.addSource(source)
      return found.createdAt >= source.createdAt ? found : undefined
    })
  }

  async listSources(): Promise<Source[]> {
    const rows = await this.#run((db) =>
      db.selectFrom('warren_sources').selectAll().orderBy('created_at').orderBy('id').execute(),
    )
    return rows.map(sourceOf)
  }

  async removeSource(id: string, createdUpTo?: Date): Promise<Source | undefined> {
    const row = await this.#run((db) => {
      const named = db.deleteFrom('warren_sources').where('id', '=', id)
      const removed = createdUpTo ? named.where('created_at', '<=', createdUpTo.toISOString()) : named
      return removed.returningAll().executeTakeFirst()
    })
    return row && sourceOf(row)
  }

  async addRevocation(revocation: Revocation): Promise<void> {
    const row = revocationRow(revocation)
    await this.#run((db) =>
      db
        .insertInto('warren_revocations')
        .values(row)
        .onConflict((conflict) =>
          conflict
            .column('client_id')
            .doUpdateSet({ revoked_at: row.revoked_at })
            .where('warren_revocations.revoked_at', '<', row.revoked_at),
        )
        .execute(),
    )
  }

  async listRevocations(behind?: Date): Promise<Revocation[]> {
    const rows = await this.#run((db) => {
      const all = db.selectFrom('warren_revocations').selectAll().orderBy('revoked_at')
      return (behind ? all.where('revoked_at', '>', behind.toISOString()) : all).execute()
    })
    return rows.map(revocationOf)
  }

  async addKey(key: DeploymentKey): Promise<void> {
    const row = keyRow(key)
    await this.#run((db) =>
      db
        .insertInto('warren_keys')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ adopted_at: row.adopted_at }))
        .execute(),
    )
  }

  async listKeys(): Promise<DeploymentKey[]> {
    const rows = await this.#run((db) => db.selectFrom('warren_keys').selectAll().orderBy('id').execute())
    return rows.map(keyOf)
  }

  async changeClientBar(
    clientId: string,
    change: Parameters<ClientRegistry['changeClientBar']>[1],
  ): Promise<ClientBar> {
    const columns = clientBarColumns(change)
    // The clocks of replicas differ, but a later state of a row must have a later timestamp.
    const before = (await this.findClientBar(clientId))?.changedAt.getTime() ?? 0
    const changed_at = new Date(Math.max(Date.now(), before + 1)).toISOString()
    const row = await this.#run((db) =>
      db
        .insertInto('warren_client_bars')
        .values({ client_id: clientId, login_locked: 0, banned: 0, ...columns, changed_at })
        .onConflict((conflict) => conflict.column('client_id').doUpdateSet({ ...columns, changed_at }))
        .returningAll()
        .executeTakeFirstOrThrow(),
    )
    return clientBarOf(row)
  }

  async findClientBar(clientId: string): Promise<ClientBar | undefined> {
    const row = await this.#run((db) =>
      db.selectFrom('warren_client_bars').selectAll().where('client_id', '=', clientId).executeTakeFirst(),
    )
    return row && clientBarOf(row)
  }

  async listClientBars(behind?: Date): Promise<ClientBar[]> {
    const rows = await this.#run((db) => {
      const all = db.selectFrom('warren_client_bars').selectAll().orderBy('changed_at')
      return (behind ? all.where('changed_at', '>', behind.toISOString()) : all).execute()
    })
    return rows.map(clientBarOf)
  }

  /** For probes. Rejects if a table is missing or the database is read-only. Changes nothing. */
  async check(): Promise<void> {
    for (const table of tableNames) {
      await this.#attempt(() => sql`delete from ${sql.table(table)} where 1 = 0`.execute(this.#db)).catch(
        (error: unknown) => {
          throw new RegistryError('cannot be written', error)
        },
      )
    }
  }

  async close(): Promise<void> {
    await this.#db.destroy()
  }

  async #run<T>(statement: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    try {
      return await this.#attempt(() => statement(this.#db))
    } catch (error) {
      throw new RegistryError('did not answer', error)
    }
  }
}

/** Repeats `attempt` while it resolves with undefined. Rejects with `RegistryError` in the end. */
async function settled<T>(row: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tried = 0; tried < maxAttempts; tried += 1) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new RegistryError(
    `could not store ${row}`,
    new Error('its row is invalid, or is added and removed elsewhere at the same time'),
  )
}

function presenceOf(row: Tables['warren_presence']): StoredPresence {
  return { clientId: row.client_id, online: row.online === 1, seenAt: new Date(row.seen_at) }
}

/** Ignores the case of ASCII letters. */
function containsText(text: string) {
  if (text === '') return sql<boolean>`1 = 1`
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  // Without letters, one comparison is enough.
  if (!/[A-Za-z]/.test(text)) return sql<boolean>`client_id like ${pattern} escape '\\'`
  const lower = pattern.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return sql<boolean>`(client_id like ${pattern} escape '\\' or lower(client_id) like ${lower} escape '\\')`
}

/** Does not use `like`, which has special characters. */
function withoutPrefix(prefix: string | undefined) {
  if (prefix === undefined) return sql<boolean>`1 = 1`
  const text = sql<string>`cast(${prefix} as text)`
  return sql<boolean>`substr(client_id, 1, length(${text})) <> ${text}`
}
