import { GatewayError } from '../../errors.ts'
import type { JournalPlace } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { ClientBar, ClientRegistry } from '../ports/client-registry.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import type { Session } from '../sessions/session.ts'
import { issuedUpTo } from './issued-up-to.ts'
import { latest } from './latest-date.ts'
import { RegistryReader } from './registry-reader.ts'

/**
 * What bars a client id beyond revocations: a ban, a locked log-in that waits for `unban`, and the
 * deletion of its channel. The registry is the source of truth. A control message makes the other
 * replicas read it at once, and each replica reads it every few seconds.
 */
export class ClientBans {
  readonly #registry: ClientRegistry
  readonly #barredUntil: (clientId: string) => Date | undefined
  readonly #control: ControlBus
  readonly #sessions: Iterable<Session>
  readonly #reading: RegistryReader<ClientBar>
  readonly #bans = new Map<string, ClientBar>()

  constructor(options: {
    registry: ClientRegistry
    control: ControlBus
    sessions: Iterable<Session>
    /** Until when tokens of a client are barred, for any reason. */
    barredUntil: (clientId: string) => Date | undefined
    logError: (error: unknown) => void
  }) {
    this.#registry = options.registry
    this.#barredUntil = options.barredUntil
    this.#control = options.control
    this.#sessions = options.sessions
    this.#reading = new RegistryReader({
      list: (after) => this.#registry.listClientBars(after),
      writtenAt: ({ changedAt }) => changedAt,
      take: (bar) => this.#take(bar),
      logError: options.logError,
    })
  }

  /** Resolves when every entry of the registry is in force here. */
  open(): Promise<void> {
    return this.#reading.open()
  }

  close(): void {
    this.#reading.close()
  }

  /** Reads new entries from the registry. */
  refresh(): void {
    this.#reading.refresh()
  }

  /**
   * Throws `UNAUTHENTICATED` for a token of a banned client, and for one that the deletion of its
   * channel invalidated.
   */
  check(identity: Identity): void {
    const isBanned = this.#isBanned(identity)
    const reason = isBanned
      ? 'banned: the client is banned'
      : this.#isInvalidated(identity)
        ? 'deleted: the channel was deleted after the token was issued'
        : undefined
    if (reason === undefined) return
    // The same message for every refused token; only the log has the reason.
    throw new GatewayError('UNAUTHENTICATED', 'The token is not valid, or no longer valid.', {
      newToken: isBanned ? 'useless' : undefined,
      cause: new Error(reason),
    })
  }

  /** Whether every token of the client is refused. */
  isBanned(clientId: string): boolean {
    return this.#bans.get(clientId)?.banned === true
  }

  /** The ids of all banned clients. */
  get banned(): string[] {
    return [...this.#bans.values()].filter(({ banned }) => banned).map(({ clientId }) => clientId)
  }

  /** Where the current owner of a channel starts to read; undefined if it had no earlier owner. */
  originOf(channel: string): JournalPlace | undefined {
    return this.#bans.get(channel)?.origin
  }

  /** When the channel was last deleted, as far as this replica knows. */
  deletionOf(clientId: string): Date | undefined {
    return this.#bans.get(clientId)?.deletedAt
  }

  /** From now on the client's password yields no token, until `lift`. */
  async lockLogin(clientId: string): Promise<void> {
    await this.#change(clientId, { loginLocked: true })
  }

  /**
   * From now on no token of the client is accepted, whenever it was issued, and its password yields
   * none, until `lift`.
   */
  async ban(clientId: string): Promise<void> {
    await this.#change(clientId, { loginLocked: true, banned: true })
  }

  /** Ends a ban and unlocks the log-in. Resolves with whether there was a ban or lock. */
  async lift(clientId: string): Promise<boolean> {
    const bar = await this.#registry.findClientBar(clientId)
    if (!bar?.loginLocked && !bar?.banned) return false
    await this.#change(clientId, { loginLocked: false, banned: false })
    return true
  }

  /**
   * The channel is deleted: the tokens that Warren issued for it so far become invalid, and no
   * later owner can read its messages up to `origin`.
   */
  async deleted(clientId: string, origin: JournalPlace): Promise<void> {
    const stored = (await this.#registry.findClientBar(clientId))?.deletedAt
    const last = latest(stored, this.#barredUntil(clientId))?.getTime() ?? 0
    // Tokens of the next owner have an `iat` in the second after this one, and the next deletion
    // must invalidate them.
    const deletedAt = new Date(Math.max(Date.now(), last + 1_000))
    await this.#change(clientId, { deletedAt, origin })
  }

  /** A deleted id has a new owner, who reads from `origin`. */
  async begin(clientId: string, origin: JournalPlace): Promise<void> {
    await this.#change(clientId, { origin })
  }

  async #change(clientId: string, change: Parameters<ClientRegistry['changeClientBar']>[1]): Promise<void> {
    this.#take(await this.#registry.changeClientBar(clientId, change))
    // Replicas that miss this message read the registry within seconds.
    await this.#control.send({ kind: 'client-barred', clientId }).catch(() => undefined)
  }

  #take(bar: ClientBar): void {
    const known = this.#bans.get(bar.clientId)
    // An answer that was under way while the row was changed again is older than the known row.
    if (!known || bar.changedAt > known.changedAt) this.#apply(bar)
  }

  #apply(bar: ClientBar): void {
    this.#bans.set(bar.clientId, bar)
    for (const session of this.#sessions) {
      if (bar.banned) session.revoke((identity) => this.#isBanned(identity))
      if (bar.deletedAt) session.disown(bar.clientId, (identity) => this.#isInvalidated(identity))
    }
  }

  #isBanned({ clientId }: Identity): boolean {
    return clientId !== undefined && this.#bans.get(clientId)?.banned === true
  }

  /** An identity provider vouches for its users even after a channel was deleted here. */
  #isInvalidated(identity: Identity): boolean {
    const { clientId, fromProvider } = identity
    if (clientId === undefined || fromProvider === true) return false
    const deletedAt = this.#bans.get(clientId)?.deletedAt
    return deletedAt !== undefined && issuedUpTo(identity, deletedAt)
  }
}
