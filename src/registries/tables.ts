import type { Client, Revocation } from '../core/client-registry.ts'
import type { Source, SourceDefinition } from '../core/source.ts'

/**
 * What both databases hold. Only text and integers, so that one set of queries reads the same from SQLite and PostgreSQL: times are
 * ISO 8601 in UTC with milliseconds, whose order as text is their order in time.
 */
export interface Tables {
  warren_clients: ClientRow
  warren_sources: SourceRow
  warren_revocations: RevocationRow
}

interface ClientRow {
  client_id: string
  name: string
  email: string
  password_hash: string
  created_at: string
}

interface SourceRow {
  id: string
  /** The definition as JSON: only ever read whole, and free to grow without a migration. */
  definition: string
  /** 0 or 1. */
  owns_exchange: number
  created_at: string
}

interface RevocationRow {
  client_id: string
  revoked_at: string
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
  const { exchange, exchangeType, routingKey, clientId, buffered } = JSON.parse(row.definition) as SourceDefinition
  return {
    id: row.id,
    exchange,
    exchangeType,
    routingKey,
    clientId,
    ...(buffered ? { buffered } : {}),
    ownsExchange: row.owns_exchange === 1,
    createdAt: new Date(row.created_at),
  }
}
