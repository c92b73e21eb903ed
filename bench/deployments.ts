/**
 * What a replica uses for messages of others if a journal is split into several deployments by
 * tenant: docs/guides/deploy.md. `npm run bench:deployments -- [--parts n] [--messages n] [--rounds n]`.
 *
 * Messages of n tenants go to one exchange, and wait for a replica without subscribers: one of a
 * single deployment, which reads all of them, and one of n deployments, which reads those of its
 * tenant.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'
import { describeMachine } from './machine.ts'
import { median } from './median.ts'
import { type Backlog, type Reader, readBacklog, startReplica } from './rabbit/backlog.ts'
import { startBroker } from './rabbit/broker.ts'

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: '4' },
    messages: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
  },
})
const parts = Number(values.parts)
const messages = Number(values.messages)
/** How much more than its share a replica may use. */
const most = 1.3
const exchange = 'orders'

const backlog: Backlog = {
  exchange,
  messages,
  bytes: 200,
  keyOf: (index) => `tenant${index % parts}.c${Math.floor(index / parts) % 1_000}`,
}

const folder = newFolder()
const broker = await startBroker()
try {
  console.log(`${describeMachine()}; ${messages} messages of 200 bytes, ${parts} tenants`)
  const costs: { readonly one: number; readonly split: number }[] = []
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const one = await costOf([`single${round}`], () => '*')
    const names = Array.from({ length: parts }, (_, index) => `part${round}-${index}`)
    const split = await costOf(names, (index) => `tenant${index}`)
    costs.push({ one, split })
    console.log(`round ${round + 1}: ${one.toFixed(2)} and ${split.toFixed(2)} CPU µs for each published message`)
  }
  const ratio = median(costs.map(({ one, split }) => split / one))
  console.log(
    `one of ${parts} deployments ÷ one of a single one: ${ratio.toFixed(3)}; at most ${(most / parts).toFixed(3)} (${most} ÷ ${parts}): ${ratio <= most / parts ? 'held' : 'NOT held'}`,
  )
} finally {
  await broker.close()
  removeFolder(folder)
}

/** The cost of the first deployment, in µs for each published message. All of them are open. */
async function costOf(namespaces: readonly string[], tenantOf: (index: number) => string): Promise<number> {
  const replicas: Reader[] = []
  try {
    for (const [index, namespace] of namespaces.entries()) {
      const sources = join(folder, `${namespace}.yaml`)
      writeFileSync(
        sources,
        JSON.stringify({ sources: [{ exchange, type: 'topic', key: `${tenantOf(index)}.{clientId}` }] }),
      )
      replicas.push(await startReplica(broker.url, namespace, { WARREN_SOURCES: sources }))
    }
    const [first] = replicas
    if (!first) throw new Error('expected a namespace')
    const share = messages / namespaces.length
    // The first messages compile the code.
    await readBacklog(first, broker.url, backlog, share)
    const { cpuSeconds } = await readBacklog(first, broker.url, backlog, share)
    return (cpuSeconds / messages) * 1e6
  } finally {
    for (const replica of replicas) await replica.close()
  }
}
