import { badInput } from '../../../errors.ts'
import type { Gathering } from '../../cluster/gathering.ts'
import { numberOrNull, objectOf, textOf, textOrNull } from '../../cluster/wire-values.ts'
import type { Gateway } from '../../gateway.ts'
import type { ReportedState } from './replica-report.ts'

/** What the rest of the process does while this replica is drained. */
export interface DrainListener {
  /** Refuse new connections, and be unready. */
  onDrain(): void
  onUndrain(): void
}

export interface ReplicaDrainParts {
  readonly gateway: Gateway
  readonly gathering: Gathering
  /** `WARREN_DRAIN`, in milliseconds. Read at each use. */
  readonly drainMs: () => number
  /** Whether several processes share the ports of this one. */
  readonly isWorker: boolean
}

/** A replica as `ReplicaDrain` needs it. `state` undefined: it did not answer. */
export interface DrainableReplica {
  readonly name: string
  readonly state: ReportedState | undefined
}

export interface DrainOptions {
  /** Over how long its sessions end, in milliseconds. Null: over its WARREN_DRAIN. */
  readonly overMs: number | null
  readonly evenIfLast: boolean
}

/**
 * Takes a replica out of service without ending its process, and puts it back. A drained replica
 * is unready and opens no session but those of operators. A restart puts it back, too.
 */
export class ReplicaDrain {
  readonly #parts: ReplicaDrainParts
  #listener: DrainListener | undefined

  constructor(parts: ReplicaDrainParts) {
    this.#parts = parts
    parts.gathering.answer('drain', (args) => {
      const { replica, overMs, undo } = objectOf(args)
      if (replica !== parts.gateway.replica) return null
      return { refused: undo === true ? this.#undrainHere() : this.#drainHere(numberOrNull(overMs)) }
    })
  }

  listen(listener: DrainListener): void {
    this.#listener = listener
  }

  /** Rejects with `BAD_USER_INPUT`. `replicas`: all that are known. */
  async drain(
    replica: string,
    replicas: readonly DrainableReplica[],
    { overMs, evenIfLast }: DrainOptions,
  ): Promise<void> {
    checkKnown(replica, replicas)
    const serves = ({ state }: DrainableReplica) => state === 'serving' || state === 'behind'
    if (!evenIfLast && !replicas.some((other) => other.name !== replica && serves(other)))
      throw badInput(
        'replica',
        `no other replica serves, so clients of "${replica}" could connect to none: pass evenIfLast: true to drain it all the same`,
      )
    await this.#ask({ replica, overMs, undo: false })
  }

  /** Rejects with `BAD_USER_INPUT`. */
  async undrain(replica: string, replicas: readonly DrainableReplica[]): Promise<void> {
    checkKnown(replica, replicas)
    await this.#ask({ replica, undo: true })
  }

  async #ask(args: {
    readonly replica: string
    readonly undo: boolean
    readonly overMs?: number | null
  }): Promise<void> {
    const { answers } = await this.#parts.gathering.ask('drain', args, (value) =>
      value === null ? { isOther: true } : { isOther: false, refused: textOrNull(objectOf(value)['refused']) },
    )
    const own = answers.find(({ value }) => !value.isOther)?.value
    if (!own) throw badInput('replica', `"${textOf(args.replica)}" did not answer in time: ask again`)
    if (own.refused) throw badInput('replica', own.refused)
  }

  /** Returns why it cannot be drained, or null. */
  #drainHere(overMs: number | null): string | null {
    const { gateway, drainMs, isWorker } = this.#parts
    if (isWorker) return 'a worker shares its ports with others: end its whole process group with SIGTERM instead'
    if (gateway.endsAll) return 'it is being shut down'
    this.#listener?.onDrain()
    void gateway.drainClients(overMs ?? drainMs())
    return null
  }

  #undrainHere(): string | null {
    const { gateway } = this.#parts
    if (gateway.endsAll) return 'it is being shut down'
    gateway.undrain()
    this.#listener?.onUndrain()
    return null
  }
}

function checkKnown(replica: string, replicas: readonly DrainableReplica[]): void {
  const known = replicas.find(({ name }) => name === replica)
  if (!known)
    throw badInput('replica', `expected the name of a replica (${replicas.map(({ name }) => name).join(', ')})`)
  if (known.state === undefined) throw badInput('replica', `"${replica}" does not answer`)
}
