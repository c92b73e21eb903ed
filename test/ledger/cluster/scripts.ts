import type { Seeded } from '../seeded.ts'
import type { ClusterLedgerOptions } from './cluster-ledger.ts'
import type { Handling } from './cluster-nodes.ts'
import { type Fault, faultNamed, faults } from './faults.ts'

/** A measured loss as a command: the same fault, round after round. */
export interface Scenario {
  readonly handling: Handling
  readonly fault: Fault
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  'kill-leader': { handling: 'pause_minority', fault: { ...faultNamed('leader killed'), lasts: [6, 6] } },
  'stop-app': { handling: 'pause_minority', fault: { ...faultNamed('stop_app of the leader'), lasts: [6, 6] } },
  'ignore-partition': { handling: 'ignore', fault: faultNamed('node of a gateway cut from its peers for 60 s') },
}

/** All kinds in a seeded order, repeated up to this number. */
export function shuffled(
  random: Seeded,
  count: number,
  kinds = faults.filter(({ matrix }) => matrix !== false),
): Fault[] {
  const script: Fault[] = []
  while (script.length < count) script.push(...random.some(kinds, kinds.length))
  return script.slice(0, count)
}

/** The short form for the test suite: one partition, one `stop_app`, one killed leader. */
export function shortForm(seed: number): Omit<ClusterLedgerOptions, 'root'> {
  const kinds = ['node cut from its peers', 'stop_app of the leader', 'leader killed']
  return {
    seed,
    handling: 'pause_minority',
    ticktime: 60,
    script: kinds.map((kind) => ({ ...faultNamed(kind), lasts: [2, 4] })),
    resumes: 100,
    clientsEach: 2,
    stay: [500, 3_000],
  }
}
