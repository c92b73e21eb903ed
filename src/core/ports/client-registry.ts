import type { KeyStore } from '../clients/deployment-keys.ts'
import type { JournalPlace } from '../model/cursor.ts'
import type { Source } from '../model/source.ts'

/** A client that asked for a channel of its own. The password is kept only as an argon2id hash. */
export interface Client {
  readonly clientId: string
  readonly name: string
  readonly email: string
  readonly passwordHash: string
  readonly createdAt: Date
}

/** What bars a client's tokens that were issued before. One a client: the latest. */
export interface Revocation {
  readonly clientId: string
  readonly at: Date
}

/** What bars a client id beyond a revocation: see `client-bans.ts`. */
export interface ClientBar {
  readonly clientId: string
  /** No log-in with a password and no registration of the id. */
  readonly loginLocked: boolean
  /** No token of the client is taken, whenever it was issued. */
  readonly banned: boolean
  /** When its channel was deleted last. */
  readonly deletedAt: Date | undefined
  /** Before this place the journal has nothing for the present owner of the channel. */
  readonly origin: JournalPlace | undefined
  readonly changedAt: Date
}

/**
 * The registry of clients and sources: the truth that survives restarts, shared by replicas. Every
 * method rejects only where the database cannot be reached or refuses; a missing row is a value.
 */
export interface ClientRegistry extends KeyStore {
  /**
   * Inserts the client unless the id exists; returns the row that stands afterwards and whether it
   * is new. Atomic.
   */
  addClient(client: Client): Promise<{ client: Client; created: boolean }>
  findClient(clientId: string): Promise<Client | undefined>
  /**
   * Ids that contain the text (letters of ASCII in either case), in order, those behind `behind`;
   * `without`: only those that do not begin with this.
   */
  findClientIds(options: { containing: string; behind?: string; without?: string; first: number }): Promise<string[]>
  /** How many there are; `without`: of those whose ids do not begin with this. */
  countClients(options?: { without?: string }): Promise<number>
  /** Whether there was one. */
  removeClient(clientId: string): Promise<boolean>

  /**
   * Inserts the source unless one with its id exists; returns the row that stands afterwards and
   * whether it is new. Atomic.
   */
  addSource(source: Source): Promise<{ source: Source; created: boolean }>
  /** Oldest first. */
  listSources(): Promise<Source[]>
  /** The source that was removed, if there was one. */
  removeSource(id: string): Promise<Source | undefined>

  /**
   * Bars the client's tokens of `at` and before; a later revocation stands. The client need not be
   * registered here.
   */
  addRevocation(revocation: Revocation): Promise<void>
  /** Those that were made behind this moment; all of them where it is undefined. */
  listRevocations(behind?: Date): Promise<Revocation[]>

  /**
   * Changes what is given and leaves the rest as it is; returns the row that stands afterwards.
   * `changedAt` is later than that of the row before. The client need not be registered here.
   */
  changeClientBar(
    clientId: string,
    change: Partial<Pick<ClientBar, 'loginLocked' | 'banned' | 'deletedAt' | 'origin'>>,
  ): Promise<ClientBar>
  findClientBar(clientId: string): Promise<ClientBar | undefined>
  /** Those that were changed behind this moment; all of them where it is undefined. */
  listClientBars(behind?: Date): Promise<ClientBar[]>

  close(): Promise<void>
}
