import { GatewayError } from '../../errors.ts'
import type { Identity } from '../model/identity.ts'
import type { ClientRegistry, Revocation } from '../ports/client-registry.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import type { Session } from '../sessions/session.ts'
import { issuedUpTo } from './issued-up-to.ts'
import { RegistryReader } from './registry-reader.ts'

/**
 * Bars the tokens of revoked clients: those issued in the second of the revocation or earlier. The
 * registry is the source of truth. A control message informs the other replicas at once; those that
 * miss it poll the registry every few seconds.
 */
export class Revocations {
  readonly #registry: ClientRegistry
  readonly #barredUntil: (clientId: string) => Date | undefined
  readonly #control: ControlBus
  readonly #sessions: Iterable<Session>
  readonly #reading: RegistryReader<Revocation>
  readonly #barred = new Map<string, Date>()

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
      list: (after) => this.#registry.listRevocations(after),
      writtenAt: ({ at }) => at,
      take: (revocation) => {
        if (!this.#knows(revocation)) this.#apply(revocation)
      },
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

  /** When the client was last revoked. */
  of(clientId: string): Date | undefined {
    return this.#barred.get(clientId)
  }

  /** Throws `UNAUTHENTICATED` if a revocation bars the token of the identity. */
  check(identity: Identity): void {
    if (!this.#bans(identity)) return
    // The same message for every refused token; only the log has the reason.
    throw new GatewayError('UNAUTHENTICATED', 'The token is not valid, or no longer valid.', {
      cause: new Error('revoked: the client was revoked after the token was issued'),
    })
  }

  /**
   * When it resolves, the revocation is in force here and in the registry; on other replicas within
   * seconds.
   */
  async revoke(clientId: string): Promise<void> {
    // A token that was issued after an earlier bar may be dated into the second after that bar.
    const last = this.#barredUntil(clientId)?.getTime() ?? 0
    const revocation = { clientId, at: new Date(Math.max(Date.now(), last + 1_000)) }
    await this.#registry.addRevocation(revocation)
    // Meanwhile a later revocation by another replica may have arrived.
    if (!this.#knows(revocation)) this.#apply(revocation)
    await this.#control.send({ kind: 'client-revoked', clientId, at: revocation.at.toISOString() })
  }

  /**
   * Applies a revocation by another replica. It is also stored here, because not every deployment
   * shares its registry.
   */
  async applyRemote(revocation: Revocation): Promise<void> {
    if (this.#knows(revocation)) return
    this.#apply(revocation)
    await this.#registry.addRevocation(revocation)
  }

  /** Reads new entries from the registry. */
  refresh(): void {
    this.#reading.refresh()
  }

  #knows({ clientId, at }: Revocation): boolean {
    const known = this.#barred.get(clientId)
    return known !== undefined && known >= at
  }

  #apply({ clientId, at }: Revocation): void {
    this.#barred.set(clientId, at)
    for (const session of this.#sessions) session.revoke((identity) => this.#bans(identity))
  }

  #bans(identity: Identity): boolean {
    const at = identity.clientId === undefined ? undefined : this.#barred.get(identity.clientId)
    return at !== undefined && issuedUpTo(identity, at)
  }
}
