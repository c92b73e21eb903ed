import type { Client } from './client-registry.ts'

/**
 * Lists registered clients for operators. The same database as `ClientRegistry`; every method
 * rejects only if it cannot be reached or fails.
 */
export interface ClientDirectory {
  /**
   * At most `first` clients with ids that contain the text `containing`, ignoring the case of ASCII
   * letters, in the order of `compareClientIds`. `behind`: only ids after this one.
   */
  findClients(options: { containing: string; behind?: string; first: number }): Promise<Client[]>
  /** The clients with these ids that are registered, in any order. */
  findClientsById(ids: readonly string[]): Promise<Client[]>
  countClients(): Promise<number>
}

/** When a client was online last. */
export interface StoredPresence {
  readonly clientId: string
  /** Whether it was online when this was stored. */
  readonly online: boolean
  /** When it came, or when it left. */
  readonly seenAt: Date
}

/** Stores who is online, so that it outlives all replicas. As `ClientDirectory`. */
export interface PresenceStore {
  /** Replaces the rows of these clients. At most 500. */
  savePresence(rows: readonly StoredPresence[]): Promise<void>
  /** The rows of these clients, in any order. At most 500 ids. */
  findPresence(clientIds: readonly string[]): Promise<StoredPresence[]>
  /** All rows of clients that were online. */
  listOnline(): Promise<StoredPresence[]>
}
