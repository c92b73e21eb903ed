/**
 * Whether this tree delivers more cheaply or more dearly than another commit. `npm run bench:guard
 * -- --help` lists the options; bench/README.md explains how to read the result.
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installMissing } from '../test/support/processes/debian-package.ts'
import { newFolder, removeAbandonedFolders, removeFolder } from '../test/support/processes/run-folder.ts'
import { commitId, unpackCommit } from '../test/support/processes/unpack-commit.ts'
import { build, buildCommit } from './build.ts'
import { warrenOf } from './contestants.ts'
import { benchPackages } from './debian.ts'
import { type Comparison, compare, pairsNeeded } from './interval.ts'
import { describeMachine } from './machine.ts'
import { type Broker, startBroker } from './rabbit/broker.ts'
import { type Pace, runOne } from './run.ts'
import { scenarios } from './scenarios.ts'

const guarded = ['fan-out', 'four', 'each', 'each-2k', 'rabbit-each']

const help = `npm run bench:guard -- [options]     compares this tree with a commit, in under six minutes

  --against commit    default HEAD: what the changes that are not committed cost
  --scenario a,b      default ${guarded.join(',')}
  --node file         the Node.js that runs this tree, for scenarios in process; the commit keeps the present one
  --rounds n          pairs of runs, default and least ${pairsNeeded}; more make the interval narrower

Ends with 1 if a scenario is slower beyond the noise.`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    against: { type: 'string', default: 'HEAD' },
    node: { type: 'string' },
    scenario: { type: 'string', default: guarded.join(',') },
    rounds: { type: 'string', default: String(pairsNeeded) },
  },
})
const pace: Pace = { warmMs: 1_000, measureMs: 1_500, settleMs: 500 }

if (values.help) {
  console.log(help)
  process.exit(0)
}
process.exit((await guard()).some(({ verdict }) => verdict === 'slower') ? 1 : 0)

async function guard(): Promise<readonly Comparison[]> {
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < pairsNeeded)
    throw new Error(`--rounds: expected a whole number from ${pairsNeeded} on, got "${values.rounds}"`)
  const chosen = values.scenario.split(',').map((name) => {
    const scenario = scenarios.find((one) => one.name === name)
    if (!scenario || !['closed', 'tail'].includes(scenario.mode))
      throw new Error(`--scenario: "${name}" does not exist, or has no cost of a delivery`)
    return scenario
  })
  const commit = await commitId(values.against)
  if (commit === undefined) throw new Error(`--against: this clone has no commit "${values.against}"`)

  removeAbandonedFolders()
  await installMissing(Object.values(benchPackages))
  const folder = newFolder()
  let node: Promise<Broker> | undefined
  const broker = (): Promise<Broker> => {
    node ??= startBroker()
    return node
  }
  try {
    const checkout = join(folder, commit)
    await unpackCommit(commit, checkout)
    await Promise.all([build(), buildCommit(checkout)])
    const tree = warrenOf({ node: values.node })
    const other = warrenOf({ checkout })
    console.log(`${describeMachine()}; this tree against ${values.against} (${commit.slice(0, 8)})\n`)
    console.log('| scenario | CPU a delivery, this tree ÷ the commit | with 95 % | |\n|---|---|---|---|')
    const comparisons: Comparison[] = []
    for (const scenario of chosen) {
      const ratios: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        const costs = new Map<unknown, number>()
        for (const contestant of round % 2 === 0 ? [tree, other] : [other, tree]) {
          const { error, cpuMicros, missing } = await runOne(contestant, scenario, broker, pace)
          if (cpuMicros === undefined || missing !== 0)
            throw new Error(`${scenario.name}: ${error ?? `${missing} deliveries are missing`}`)
          costs.set(contestant, cpuMicros)
        }
        ratios.push((costs.get(tree) ?? Number.NaN) / (costs.get(other) ?? Number.NaN))
      }
      const comparison = compare(ratios)
      comparisons.push(comparison)
      const [ratio, from, to] = [comparison.ratio, comparison.from, comparison.to].map((value) => value.toFixed(3))
      console.log(`| ${scenario.title} (\`${scenario.name}\`) | ${ratio} | ${from} to ${to} | ${comparison.verdict} |`)
    }
    return comparisons
  } finally {
    await (await node)?.close()
    removeFolder(folder)
  }
}
