import type { DeploymentKey } from '../core/clients/deployment-keys.ts'
import type { JournalPlace } from '../core/model/cursor.ts'
import { isSchemaDefinition, type Source, type SourceDefinition } from '../core/model/source.ts'
import type { Client, ClientBar, Revocation } from '../core/ports/client-registry.ts'

/**
 * The tables of both databases. They contain only text and integers, so that the same queries work
 * on SQLite and PostgreSQL. Times are ISO 8601 in UTC with milliseconds, so their text order is
 * their time order.
 */
export interface Tables {
  warren_clients: ClientRow
  warren_sources: SourceRow
  warren_revocations: RevocationRow
  warren_keys: KeyRow
  warren_client_bars: ClientBarRow
  warren_presence: PresenceRow
  warren_positions: PositionRow
}

export const tableNames = [
  'warren_clients',
  'warren_sources',
  'warren_revocations',
  'warren_keys',
  'warren_client_bars',
  'warren_presence',
  'warren_positions',
] as const satisfies (keyof Tables)[]

interface ClientRow {
  client_id: string
  name: string
  email: string
  password_hash: string
  created_at: string
}

interface SourceRow {
  id: string
  /** The definition as JSON. It is always read as a whole and can grow without a migration. */
  definition: string
  /** 0 or 1. */
  owns_exchange: number
  created_at: string
}

interface RevocationRow {
  client_id: string
  revoked_at: string
}

interface PresenceRow {
  client_id: string
  /** 0 or 1. */
  online: number
  seen_at: string
}

interface PositionRow {
  client_id: string
  name: string
  topic: string | null
  /** As `origin` of a client bar. The next two repeat parts of it, for comparisons. */
  place: string | null
  epoch: string | null
  /** The first offset after the place. PostgreSQL returns 64-bit integers as text. */
  next_offset: number | string | null
  holder: number | string
  held_by: string | null
  /** `held_by` before the last take: neither database returns the values before an update. */
  held_before: string | null
  moved_at: string
  used_at: string
}

interface KeyRow {
  id: string
  /** base64url. */
  secret: string
  created_at: string
  adopted_at: string
  new_cursors_from: string
}

export function keyRow({ id, secret, createdAt, adoptedAt, newCursorsFrom }: DeploymentKey): KeyRow {
  return {
    id,
    secret: secret.toString('base64url'),
    created_at: createdAt.toISOString(),
    adopted_at: adoptedAt.toISOString(),
    new_cursors_from: newCursorsFrom.toISOString(),
  }
}

export function keyOf(row: KeyRow): DeploymentKey {
  return {
    id: row.id,
    secret: Buffer.from(row.secret, 'base64url'),
    createdAt: new Date(row.created_at),
    adoptedAt: new Date(row.adopted_at),
    newCursorsFrom: new Date(row.new_cursors_from),
  }
}

interface ClientBarRow {
  client_id: string
  /** 0 or 1, as `banned`. */
  login_locked: number
  banned: number
  deleted_at: string | null
  /**
   * The journal place as JSON, not the cursor that clients get: its format and its key may change.
   */
  origin: string | null
  changed_at: string
}

type ClientBarChange = Partial<Omit<ClientBar, 'clientId' | 'changedAt'>>

/** Only the columns that the change names. */
export function clientBarColumns(change: ClientBarChange): Partial<Omit<ClientBarRow, 'client_id' | 'changed_at'>> {
  const { loginLocked, banned, deletedAt, origin } = change
  return {
    ...(loginLocked === undefined ? {} : { login_locked: loginLocked ? 1 : 0 }),
    ...(banned === undefined ? {} : { banned: banned ? 1 : 0 }),
    ...(deletedAt === undefined ? {} : { deleted_at: deletedAt.toISOString() }),
    ...(origin === undefined ? {} : { origin: placeText(origin) }),
  }
}

export function placeText({ epoch, offset, fingerprint, before }: JournalPlace): string {
  return JSON.stringify({ epoch, offset, fingerprint, before })
}

export function clientBarOf(row: ClientBarRow): ClientBar {
  return {
    clientId: row.client_id,
    loginLocked: row.login_locked === 1,
    banned: row.banned === 1,
    deletedAt: row.deleted_at === null ? undefined : new Date(row.deleted_at),
    origin: row.origin === null ? undefined : (JSON.parse(row.origin) as JournalPlace),
    changedAt: new Date(row.changed_at),
  }
}

export function revocationRow({ clientId, at }: Revocation): RevocationRow {
  return { client_id: clientId, revoked_at: at.toISOString() }
}

export function revocationOf(row: RevocationRow): Revocation {
  return { clientId: row.client_id, at: new Date(row.revoked_at) }
}

export function clientRow({ clientId, name, email, passwordHash, createdAt }: Client): ClientRow {
  return { client_id: clientId, name, email, password_hash: passwordHash, created_at: createdAt.toISOString() }
}

export function clientOf(row: ClientRow): Client {
  return {
    clientId: row.client_id,
    name: row.name,
    email: row.email,
    passwordHash: row.password_hash,
    createdAt: new Date(row.created_at),
  }
}

export function sourceRow({ id, createdAt, ownsExchange, ...definition }: Source): SourceRow {
  const { exchange, exchangeType, routingKey, clientId, buffered } = definition
  return {
    id,
    definition: JSON.stringify({ exchange, exchangeType, routingKey, clientId, ...(buffered ? { buffered } : {}) }),
    owns_exchange: ownsExchange ? 1 : 0,
    created_at: createdAt.toISOString(),
  }
}

export function sourceOf(row: SourceRow): Source {
  const definition = JSON.parse(row.definition) as SourceDefinition
  const { exchange, exchangeType, routingKey, clientId, buffered } = definition
  return {
    id: row.id,
    exchange,
    exchangeType,
    routingKey,
    clientId,
    ...(buffered ? { buffered } : {}),
    ownsExchange: row.owns_exchange === 1,
    ...(isSchemaDefinition(definition) ? { origin: 'SCHEMA' } : {}),
    createdAt: new Date(row.created_at),
  }
}
