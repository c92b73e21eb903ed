/**
 * The ledger of a cluster: three RabbitMQ nodes and three gateways in network namespaces, faults by
 * seed, and an account of every accepted number, from its publisher to its client. `npm run
 * ledger:cluster -- --help` lists the options; docs/testing.md explains them. Exit status 1 if
 * anything was lost, doubled, misordered, skipped or closed; 77 if the machine permits no
 * namespaces.
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type ClusterLedgerOptions, runClusterLedger } from '../test/ledger/cluster/cluster-ledger.ts'
import { handlings } from '../test/ledger/cluster/cluster-nodes.ts'
import { type Fault, faultNamed, faults } from '../test/ledger/cluster/faults.ts'
import { namespacesPermitted } from '../test/ledger/cluster/namespaces.ts'
import { healTable, type NamedResult, publisherTable, roundTable } from '../test/ledger/cluster/report.ts'
import { scenarios, shortForm, shuffled } from '../test/ledger/cluster/scripts.ts'
import { Seeded } from '../test/ledger/seeded.ts'
import { rabbitMq4 } from '../test/support/rabbitmq/rabbitmq-4.ts'

const help = `npm run ledger:cluster -- [options]

  --short              one partition, one leader killed, one stop_app, under 90 s
  --scenario NAME      kill-leader, stop-app or ignore-partition, --rounds times
  --rounds N           of a scenario (10)
  --seed N             (1)
  --faults N           in all, over all clusters (100)
  --from N             begins at this place of the seed's order (0), to go on where another run ended
  --only KINDS         kinds of faults, separated by commas, in place of all
  --resumes N          how often clients come back, at least, over all clusters (0)
  --rabbitmq 3|4|all   (3)
  --handling NAME      pause_minority, ignore, autoheal or all (all)
  --ticktime S         Erlang's net_ticktime (60, RabbitMQ's default)
  --logs FOLDER        keeps what the gateways logged
  --clients N          clients for each of the seven kinds of publishers (6)

Kinds of faults: ${faults.map(({ kind }) => kind).join(', ')}.
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '100' },
    from: { type: 'string', default: '0' },
    only: { type: 'string' },
    resumes: { type: 'string', default: '0' },
    rabbitmq: { type: 'string', default: '3' },
    handling: { type: 'string', default: 'all' },
    ticktime: { type: 'string', default: '60' },
    logs: { type: 'string' },
    clients: { type: 'string', default: '6' },
  },
})

const skipped = 77
if (values.help) {
  console.log(help)
  process.exit(0)
}
const permission = await namespacesPermitted()
if (!permission.permitted) {
  console.log(`The ledger of a cluster is skipped: ${permission.why}`)
  process.exit(skipped)
}

type Combination = Pick<ClusterLedgerOptions, 'handling' | 'root'> & { readonly rabbitmq: string }

async function rootOf(rabbitmq: string): Promise<string | undefined> {
  if (rabbitmq === '3') return undefined
  const { root, why } = { why: '', ...(await rabbitMq4()) }
  if (root === undefined) throw new Error(why)
  return root
}

const versions = values.rabbitmq === 'all' ? ['3', '4'] : [values.rabbitmq]
const scenario = values.scenario === undefined ? undefined : scenarios[values.scenario]
if (values.scenario !== undefined && scenario === undefined)
  throw new Error(`--scenario: expected one of ${Object.keys(scenarios).join(', ')}`)
const chosen = handlings.filter((one) => values.handling === 'all' || values.handling === one)
const combinations: Combination[] = []
for (const rabbitmq of versions) {
  const root = await rootOf(rabbitmq)
  for (const handling of values.short ? handlings.slice(0, 1) : scenario ? [scenario.handling] : chosen)
    combinations.push({ rabbitmq, handling, root })
}
if (combinations.length === 0) throw new Error(`--handling: expected all or one of ${handlings.join(', ')}`)

/** One order for all clusters, so that together they run every kind. */
function scripts(): (readonly Fault[])[] {
  if (scenario) return combinations.map(() => Array.from({ length: Number(values.rounds) }, () => scenario.fault))
  const from = Number(values.from)
  const kinds = values.only?.split(',').map(faultNamed)
  const order = shuffled(new Seeded(Number(values.seed)), from + Number(values.faults), kinds).slice(from)
  const share = Math.ceil(order.length / combinations.length)
  return combinations.map((_, index) => order.slice(index * share, (index + 1) * share))
}

const allScripts = scripts()
const results: NamedResult[] = []
const began = Date.now()
for (const [index, { rabbitmq, handling, root }] of combinations.entries()) {
  const seed = Number(values.seed) + index
  console.log(`RabbitMQ ${rabbitmq}, ${handling}, net_ticktime ${values.ticktime} s, seed ${seed}`)
  const long: Omit<ClusterLedgerOptions, 'root'> = {
    seed,
    handling,
    ticktime: Number(values.ticktime),
    script: allScripts[index] ?? [],
    resumes: Math.ceil(Number(values.resumes) / combinations.length),
    clientsEach: Number(values.clients),
    stay: [2_000, 12_000],
  }
  const form = values.short ? shortForm(seed) : long
  const result = await runClusterLedger({ ...form, root, logs: values.logs, log: (line) => console.log(line) })
  results.push({ rabbitmq, handling, result })
  if (scenario) console.log(roundTable(result))
  console.log(`sockets ended with their gateway: ${JSON.stringify(result.closed)}`)
  for (const fault of result.faults) console.log(`FAULT ${fault}`)
}

const sum = (value: (one: NamedResult) => number): number => results.reduce((total, one) => total + value(one), 0)
const count = sum(({ result }) => result.faults.length)
console.log(`\n${publisherTable(results)}\n\n${healTable(results)}\n`)
console.log(
  [
    `${sum(({ result }) => result.records.length)} faults, ${sum(({ result }) => result.resumes)} resumes`,
    `(${sum(({ result }) => result.refusals)} answered "later"), ${sum(({ result }) => result.republished)} published again,`,
    `${sum(({ result }) => result.lostByRabbit)} confirmed by RabbitMQ to a shared channel and not stored,`,
    `${Math.round((Date.now() - began) / 1_000)} s from seed ${values.seed} at a load of ${loadavg()[1]?.toFixed(1)}: ${count} faults found`,
  ].join(' '),
)
process.exitCode = count === 0 ? 0 : 1
