import type { Tracer } from './accounting/message-trace.ts'
import type { BarredTokens } from './clients/barred-tokens.ts'
import type { DeploymentKeys } from './clients/deployment-keys.ts'
import type { Cluster } from './cluster/cluster.ts'
import { Throttle } from './limits/throttle.ts'
import type { ControlBus, ControlMessage } from './ports/control-bus.ts'
import type { Positions } from './positions/positions.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { SourceSync } from './sources/source-sync.ts'

export interface ControlListenerParts {
  /** The id of this replica. */
  readonly replica: string
  readonly cluster: Pick<Cluster, 'onControl' | 'onResync'> | undefined
  readonly sourceSync: Pick<SourceSync, 'onControl' | 'resync' | 'readRegistry'>
  readonly tracer: Pick<Tracer, 'onControl' | 'onOlderReplica' | 'onResync'>
  readonly barredTokens: Pick<BarredTokens, 'bans' | 'revocations' | 'refresh'>
  readonly positions: Pick<Positions, 'onControl' | 'onResync'>
  readonly sessions: Pick<Sessions, 'endChannel'>
  readonly logError: (what: string, error: unknown) => void
}

/**
 * The shortest time between two reads of the registry that unsigned control messages cause, in ms.
 */
const unsignedThrottleMs = 1_000

/**
 * Receives what the control bus reads: passes each message of another replica to the part that it
 * is for, and makes up for messages that this replica missed.
 */
export class ControlListener {
  readonly #parts: ControlListenerParts
  /**
   * Everyone who can publish to the control exchange can send an unsigned message. It only causes a
   * read of the registry, at a bounded rate.
   */
  readonly #unsignedThrottle = new Throttle(() => this.#readRegistry(), unsignedThrottleMs)

  constructor(parts: ControlListenerParts) {
    this.#parts = parts
  }

  listen(control: Pick<ControlBus, 'listen'>, keys: Pick<DeploymentKeys, 'onAdopted'>): void {
    control.listen(
      (message) =>
        void this.#onControl(message).catch((error: unknown) =>
          this.#parts.logError('handling a control message', error),
        ),
      () => this.#resync(),
      () => this.#unsignedThrottle.call(),
    )
    // Replicas with another key ignored this replica's control messages, and it ignored theirs.
    keys.onAdopted(() => this.#resync())
  }

  close(): void {
    this.#unsignedThrottle.close()
  }

  async #onControl(message: ControlMessage): Promise<void> {
    const { replica, cluster, sourceSync, tracer, barredTokens, positions, sessions } = this.#parts
    switch (message.kind) {
      case 'sources-wanted':
      case 'source-known':
        if (message.replica === undefined) tracer.onOlderReplica()
        await sourceSync.onControl(message)
        return
      case 'client-deleted':
        // This replica has ended its own already. Replicas up to 0.1 send no time.
        if (message.by !== replica)
          sessions.endChannel(message.clientId, message.at === undefined ? Date.now() : Date.parse(message.at))
        barredTokens.bans.refresh()
        return
      case 'client-barred':
        barredTokens.bans.refresh()
        return
      case 'client-revoked':
        await barredTokens.revocations.applyRemote({ clientId: message.clientId, at: new Date(message.at) })
        return
      case 'position-taken':
      case 'position-returned':
      case 'position-deleted':
        positions.onControl(message)
        return
      case 'trace-wanted':
      case 'trace-known':
        await tracer.onControl(message)
        return
      default:
        await cluster?.onControl(message)
    }
  }

  #resync(): void {
    const { cluster, tracer, positions, barredTokens, sourceSync, logError } = this.#parts
    cluster?.onResync()
    tracer.onResync()
    positions.onResync()
    barredTokens.refresh()
    sourceSync.resync().catch((error: unknown) => logError('reading the registry again', error))
  }

  #readRegistry(): void {
    const { barredTokens, sourceSync, logError } = this.#parts
    barredTokens.refresh()
    sourceSync.readRegistry().catch((error: unknown) => logError('reading the registry again', error))
  }
}
