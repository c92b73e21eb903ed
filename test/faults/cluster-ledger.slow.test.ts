import { expect, test } from '@jest/globals'
import { runClusterLedger } from '../ledger/cluster/cluster-ledger.ts'
import { namespacesPermitted } from '../ledger/cluster/namespaces.ts'
import { shortForm } from '../ledger/cluster/scripts.ts'

const permission = await namespacesPermitted()
if (!permission.permitted) process.stderr.write(`The ledger of a cluster is skipped: ${permission.why}\n`)
const testInNamespaces = permission.permitted ? test : test.skip

testInNamespaces(
  'what a cluster accepted reaches its clients once and in order through a partition, a stop_app and the loss of a leader',
  async () => {
    const log: string[] = []
    const result = await runClusterLedger({ ...shortForm(20_261_128), root: undefined, log: (line) => log.push(line) })
    if (result.faults.length > 0) console.warn(log.join('\n'))
    expect(result.faults).toEqual([])
    expect(result.records).toHaveLength(3)
    expect(result.resumes).toBeGreaterThanOrEqual(100)
    // Every kind of publisher took part, and its clients received what it published.
    for (const { accepted, received } of Object.values(result.kinds)) {
      expect(accepted).toBeGreaterThan(20)
      expect(received).toBeGreaterThan(20)
    }
  },
)
