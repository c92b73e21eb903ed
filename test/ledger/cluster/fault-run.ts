import { pause } from '../pause.ts'
import { type Applied, type Fault, type Scene, shortName } from './faults.ts'
import type { Probes } from './probes.ts'
import type { GatewayReplica } from './replicas.ts'

/** The measurements of one fault; times in milliseconds. */
export interface FaultRecord {
  readonly kind: string
  readonly what: string
  /** The node that led the journal before the fault; undefined if no node knew. */
  readonly leader: string | undefined
  readonly from: number
  /** When its repair began. */
  readonly mendedFrom: number
  /** When delivery was steady and the cluster whole again. */
  readonly to: number
  /**
   * During the fault: the longest silence of delivery, over the gateways that reached a majority;
   * undefined if none did.
   */
  readonly still: number | undefined
  /** From the repair on: the longest silence of delivery over all gateways. */
  readonly stillAfter: number
  /** How long gateways delivered while `/readyz` failed, summed over gateways. */
  readonly unreadyWhileDelivering: number
  /** The log lines of the gateway that logged most, and the minutes. */
  readonly logLines: number
  readonly minutes: number
}

const pollMs = 500

export interface FaultRun {
  readonly scene: Scene
  readonly probes: Probes
  /** Called with each part that did not recover. */
  readonly problem: (text: string) => void
}

const nothing: Applied = { what: 'nothing', undo: async () => {} }

/**
 * Applies a fault, repairs it, waits until everything works again, and measures delivery
 * throughout.
 */
export async function runFault(fault: Fault, { scene, probes, problem }: FaultRun): Promise<FaultRecord> {
  const { replicas, cluster, random } = scene
  const leader = await cluster.leader().then(shortName, () => undefined)
  const from = Date.now()
  probes.forget(from - 1_000)
  const lines = new Map(replicas.map((replica) => [replica, linesOf(replica)]))
  const readiness = new ReadinessWatch(replicas, probes)
  const {
    what,
    without = [],
    undo,
  } = await fault.apply(scene).catch((error: unknown) => {
    problem(`${fault.kind} could not be brought about: ${String(error)}`)
    return nothing
  })
  await pause(1_000 * random.between(...fault.lasts))
  const mendedFrom = Date.now()
  await undo().catch((error: unknown) => problem(`${fault.kind} (${what}) could not be mended: ${String(error)}`))
  const mended = Date.now()
  await cluster
    .whole(scene.handling, () => probes.steady)
    .catch((error: unknown) => problem(`${fault.kind} (${what}): ${String(error)}; ${probes.unsteady}`))
  const to = Date.now()
  const reaching = without === 'all' ? [] : replicas.filter((replica) => !without.includes(replica))
  return {
    kind: fault.kind,
    what,
    leader,
    from,
    mendedFrom,
    to,
    still: reaching.length === 0 ? undefined : probes.longestSilence(reaching, from, mendedFrom),
    stillAfter: probes.longestSilence(replicas, without === 'all' ? mended : mendedFrom, to),
    unreadyWhileDelivering: await readiness.end(),
    logLines: Math.max(...replicas.map((replica) => linesOf(replica) - (lines.get(replica) ?? 0))),
    minutes: (to - from) / 60_000,
  }
}

/** Each cut of a client is a line too; the ledger itself causes those. */
function linesOf({ output }: GatewayReplica): number {
  return output.split('\n').filter((line) => !line.includes('"msg":"a session ended"')).length
}

/** Queries `/readyz` of all gateways twice a second. */
class ReadinessWatch {
  readonly #ending = new AbortController()
  readonly #done: Promise<void>[]
  #unready = 0

  constructor(replicas: readonly GatewayReplica[], probes: Probes) {
    this.#done = replicas.map(async (replica) => {
      while (!this.#ending.signal.aborted) {
        const status = await replica.readiness()
        if (status === 503 && probes.delivers(replica, pollMs)) this.#unready += pollMs
        await pause(pollMs)
      }
    })
  }

  async end(): Promise<number> {
    this.#ending.abort()
    await Promise.all(this.#done)
    return this.#unready
  }
}
