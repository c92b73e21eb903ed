import { GatewayError } from '../../errors.ts'
import type { Identity } from '../model/identity.ts'
import type { ClientRegistry, Revocation } from '../ports/client-registry.ts'
import type { ControlBus } from '../ports/control-bus.ts'
import type { Session } from '../sessions/session.ts'
import { issuedUpTo } from './issued-up-to.ts'
import { RegistryReader } from './registry-reader.ts'

/**
 * Whose tokens are barred: those of a revoked client that were issued in the second of the
 * revocation or before it. The registry is the truth, a control message tells the other replicas at
 * once, and a question every few seconds those that did not hear it.
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
    /** Up to when tokens of a client are barred, by whatever barred them. */
    barredUntil: (clientId: string) => Date | undefined
    logError: (error: unknown) => void
  }) {
    this.#registry = options.registry
    this.#barredUntil = options.barredUntil
    this.#control = options.control
    this.#sessions = options.sessions
    this.#reading = new RegistryReader({
      list: (behind) => this.#registry.listRevocations(behind),
      writtenAt: ({ at }) => at,
      take: (revocation) => {
        if (!this.#knows(revocation)) this.#apply(revocation)
      },
      logError: options.logError,
    })
  }

  /** Resolves when all that the registry has is in force here. */
  open(): Promise<void> {
    return this.#reading.open()
  }

  close(): void {
    this.#reading.close()
  }

  /** When the client was revoked last. */
  of(clientId: string): Date | undefined {
    return this.#barred.get(clientId)
  }

  /** Throws `UNAUTHENTICATED` where a revocation bars the token that the identity was read from. */
  check(identity: Identity): void {
    if (!this.#bans(identity)) return
    // The sentence for every token that is refused; the log has the reason.
    throw new GatewayError('UNAUTHENTICATED', 'The token is not valid, or no longer valid.', {
      cause: new Error('revoked: the client was revoked after the token was issued'),
    })
  }

  /**
   * In force here and in the registry when this resolves, and on the other replicas within seconds.
   */
  async revoke(clientId: string): Promise<void> {
    // A token that was issued after an earlier bar may be dated into the second behind that one.
    const last = this.#barredUntil(clientId)?.getTime() ?? 0
    const revocation = { clientId, at: new Date(Math.max(Date.now(), last + 1_000)) }
    await this.#registry.addRevocation(revocation)
    this.#apply(revocation)
    await this.#control.send({ kind: 'client-revoked', clientId, at: revocation.at.toISOString() })
  }

  /** Another replica says so. It is kept here too, for not every deployment shares its registry. */
  async heard(revocation: Revocation): Promise<void> {
    if (this.#knows(revocation)) return
    this.#apply(revocation)
    await this.#registry.addRevocation(revocation)
  }

  /** Reads from the registry what is new. */
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
