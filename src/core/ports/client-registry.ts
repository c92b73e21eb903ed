import type { KeyStore } from '../clients/deployment-keys.ts'
import type { JournalPlace } from '../model/cursor.ts'
import type { Source } from '../model/source.ts'

/** A client that registered a channel. The password is stored only as an argon2id hash. */
export interface Client {
  readonly clientId: string
  readonly name: string
  readonly email: string
  readonly passwordHash: string
  readonly createdAt: Date
}

/** Makes the client's tokens invalid that were issued at `at` or before. One per client. */
export interface Revocation {
  readonly clientId: string
  readonly at: Date
}

/** What bars a client id apart from a revocation: see `client-bans.ts`. */
export interface ClientBar {
  readonly clientId: string
  /** Whether the id can neither log in with a password nor be registered. */
  readonly loginLocked: boolean
  /** Whether every token of the client is invalid, whenever it was issued. */
  readonly banned: boolean
  /** When its channel was last deleted. Undefined: never. */
  readonly deletedAt: Date | undefined
  /**
   * Before this place the journal has no messages for the channel's present owner. Undefined: the
   * channel never changed its owner.
   */
  readonly origin: JournalPlace | undefined
  /** When this row was last changed. Grows with each change. */
  readonly changedAt: Date
}

/**
 * Stores clients, sources, revocations, bars and keys. It survives restarts, replicas share it, and
 * it is authoritative where a control message or a mark differs. Every method rejects only if the
 * database cannot be reached or fails. A missing row is a value, not an error.
 */
export interface ClientRegistry extends KeyStore {
  /**
   * Inserts the client unless the id exists. Resolves with the stored row, and whether this call
   * inserted it. Atomic.
   */
  addClient(client: Client): Promise<{ client: Client; created: boolean }>
  /** The client; undefined if the id is not registered. */
  findClient(clientId: string): Promise<Client | undefined>
  /**
   * At most `first` client ids in ascending order that contain the text `containing`, ignoring the
   * case of ASCII letters. `behind`: only ids greater than this one. `without`: only ids that do
   * not begin with this prefix.
   */
  findClientIds(options: { containing: string; behind?: string; without?: string; first: number }): Promise<string[]>
  /** The number of clients. `without`: only those with ids that do not begin with this prefix. */
  countClients(options?: { without?: string }): Promise<number>
  /** Resolves with false if the id is not registered. */
  removeClient(clientId: string): Promise<boolean>

  /**
   * Inserts the source unless its id exists. Resolves with the stored row, and whether this call
   * inserted it. Atomic.
   */
  addSource(source: Source): Promise<{ source: Source; created: boolean }>
  /**
   * As `addSource`, but if the id exists with an earlier `createdAt`, the row gets the later one.
   * Atomic.
   */
  renewSource(source: Source): Promise<Source>
  /** All sources, oldest first. */
  listSources(): Promise<Source[]>
  /**
   * Resolves with the removed source; undefined if there is no such source. With `createdUpTo`, a
   * source that was created later stays.
   */
  removeSource(id: string, createdUpTo?: Date): Promise<Source | undefined>

  /** Stores the revocation, unless a later one exists. The client need not be registered. */
  addRevocation(revocation: Revocation): Promise<void>
  /** Revocations with `at` later than `behind`; all of them if it is undefined. Oldest first. */
  listRevocations(behind?: Date): Promise<Revocation[]>

  /**
   * Changes the given fields and keeps the others. Resolves with the stored row; its `changedAt` is
   * later than before. The client need not be registered.
   */
  changeClientBar(
    clientId: string,
    change: Partial<Pick<ClientBar, 'loginLocked' | 'banned' | 'deletedAt' | 'origin'>>,
  ): Promise<ClientBar>
  /** The bar of a client; undefined if there has never been one. */
  findClientBar(clientId: string): Promise<ClientBar | undefined>
  /** Bars with `changedAt` later than `behind`; all of them if it is undefined. Oldest first. */
  listClientBars(behind?: Date): Promise<ClientBar[]>

  /** Closes the database connections. Called last, when nothing else uses the registry. */
  close(): Promise<void>
}
