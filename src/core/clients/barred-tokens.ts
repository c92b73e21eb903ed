import type { Identity } from '../model/identity.ts'
import type { ClientRegistry } from '../ports/client-registry.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import type { Session } from '../sessions/session.ts'
import { ClientBans } from './client-bans.ts'
import { latest } from './latest-date.ts'
import { Revocations } from './revocations.ts'

/**
 * Which tokens the deployment no longer accepts: those that a revocation, a ban or the deletion of
 * a channel made invalid.
 */
export class BarredTokens {
  readonly revocations: Revocations
  readonly bans: ClientBans

  constructor({
    logError,
    ...parts
  }: {
    readonly registry: ClientRegistry
    readonly control: ControlBus
    readonly sessions: Iterable<Session>
    readonly logError: (what: string, error: unknown) => void
  }) {
    const barredUntil = (clientId: string): Date | undefined => this.until(clientId)
    this.bans = new ClientBans({
      ...parts,
      barredUntil,
      logError: (error) => logError('reading bans and deletions', error),
    })
    this.revocations = new Revocations({
      ...parts,
      barredUntil,
      logError: (error) => logError('reading revocations', error),
    })
  }

  /**
   * Throws `UNAUTHENTICATED` if a revocation, a ban or a deletion makes the identity's token
   * invalid.
   */
  check(identity: Identity): void {
    // First, because a banned client is refused whatever its token.
    this.bans.check(identity)
    this.revocations.check(identity)
  }

  /**
   * Tokens of the client that were issued at this moment or before are invalid. Undefined: no
   * revocation and no deletion is known.
   */
  until(clientId: string): Date | undefined {
    return latest(this.revocations.of(clientId), this.bans.deletionOf(clientId))
  }

  /** Resolves when every entry of the registry is in force here. */
  async open(): Promise<void> {
    await this.revocations.open()
    await this.bans.open()
  }

  /** Reads new entries from the registry. */
  refresh(): void {
    this.revocations.refresh()
    this.bans.refresh()
  }

  close(): void {
    this.revocations.close()
    this.bans.close()
  }
}
