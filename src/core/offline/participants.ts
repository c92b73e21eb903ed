import type { Cluster } from '../cluster/cluster.ts'

/**
 * The replicas that publish offline notices: those of older releases, and those with
 * `WARREN_OFFLINE=off`, do not announce themselves. The eldest is responsible, because it has read
 * every message that the younger ones have.
 */
export class Participants {
  readonly #cluster: Pick<Cluster, 'replica' | 'startedAt' | 'members'>
  /** When each started, by its own clock. */
  readonly #others = new Map<string, number>()

  constructor(cluster: Pick<Cluster, 'replica' | 'startedAt' | 'members'>) {
    this.#cluster = cluster
  }

  add(replica: string, startedAt: number): void {
    this.#others.set(replica, startedAt)
  }

  remove(replica: string): void {
    this.#others.delete(replica)
  }

  get isEldest(): boolean {
    return this.isEldestExcept(undefined)
  }

  isEldestExcept(except: string | undefined): boolean {
    const { replica, startedAt, members } = this.#cluster
    for (const [other, otherStartedAt] of this.#others) {
      if (other === except || !members.isAlive(other)) continue
      if (otherStartedAt < startedAt || (otherStartedAt === startedAt && other < replica)) return false
    }
    return true
  }
}
