/**
 * Warren and its alternatives, in one run on one machine. `npm run bench:compare -- --help` lists
 * the options; bench/README.md explains the measurement.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { installMissing } from '../test/support/processes/debian-package.ts'
import { removeAbandonedFolders } from '../test/support/processes/run-folder.ts'
import { build } from './build.ts'
import { type ContestantName, contestantNames } from './contestant.ts'
import { contestants } from './contestants.ts'
import { benchPackages } from './debian.ts'
import { describeMachine } from './machine.ts'
import { plot } from './plot.ts'
import { type Broker, startBroker } from './rabbit/broker.ts'
import { tables, verdicts } from './report.ts'
import { type Results, rows } from './rows.ts'
import { type Measured, runOne, usualPace } from './run.ts'
import { type Scenario, scenarios } from './scenarios.ts'

const help = `npm run bench:compare -- [options]     all scenarios, all contestants: about an hour
npm run bench:table -- [options]       the requirements, with their contestants only: about half an hour

  --scenario a,b      ${scenarios.map(({ name }) => name).join(', ')}
  --contestant a,b    ${contestantNames.join(', ')}
  --rounds n          default 3; who begins changes from round to round
  --connections n     instead of the scenario's; --channels, --bytes, --window, --burst, --rate, --operations alike
  --seconds n         how long each is measured
  --save file         keeps the results as JSON
  --from file         prints kept results again instead of measuring; with scenarios named, measures those and keeps the rest
  --plot file         draws them as SVG
  --write file        puts the tables between the marks of a document, as in bench/RESULTS.md
  --profile folder    a profile of each run of a Node server, and its dearest functions (the figures are then worth nothing)`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    rows: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    contestant: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string' },
    channels: { type: 'string' },
    bytes: { type: 'string' },
    window: { type: 'string' },
    burst: { type: 'string' },
    rate: { type: 'string' },
    operations: { type: 'string' },
    seconds: { type: 'string' },
    save: { type: 'string' },
    from: { type: 'string' },
    plot: { type: 'string' },
    write: { type: 'string' },
    profile: { type: 'string' },
  },
})

if (values.help) {
  console.log(help)
} else {
  const kept = values.from === undefined ? {} : (JSON.parse(readFileSync(values.from, 'utf8')) as Results)
  const results =
    values.from !== undefined && values.scenario === undefined ? kept : { ...kept, ...(await measure(chosen(), kept)) }
  if (!values.rows) console.log(tables(results))
  console.log(`\n${verdicts(results)}`)
  if (values.plot !== undefined) write(values.plot, plot(results))
  if (values.write !== undefined) writeBetweenMarks(values.write, `${verdicts(results)}\n${tables(results)}`)
}
process.exit(0)

function chosen(): Scenario[] {
  const wanted = values.scenario?.split(',')
  const unknown = wanted?.find((name) => !scenarios.some((one) => one.name === name))
  if (unknown !== undefined) throw new Error(`--scenario: unknown "${unknown}"; see --help`)
  const numbers = ['connections', 'channels', 'bytes', 'window', 'burst', 'rate', 'operations'] as const
  const changed = Object.fromEntries(
    numbers.flatMap((key) => (values[key] === undefined ? [] : [[key, Number(values[key])]])),
  )
  return scenarios
    .filter(({ name }) => wanted?.includes(name) ?? (!values.rows || rows.some((row) => row.scenario === name)))
    .map((scenario) => ({ ...scenario, ...changed }))
}

/** The selected ones, or those of the scenario; for the table only those in its rows. */
function taking(scenario: Scenario): readonly ContestantName[] {
  if (values.contestant !== undefined)
    return contestantNames.filter((name) => values.contestant?.split(',').includes(name))
  if (!values.rows) return scenario.contestants
  const named = rows.flatMap(({ scenario: name, of = 'warren', over }) =>
    name === scenario.name ? [of, ...(over === undefined ? [] : [over])] : [],
  )
  return [...new Set(named)]
}

/** `kept`: earlier results that are saved too. */
async function measure(wanted: readonly Scenario[], kept: Results): Promise<Results> {
  removeAbandonedFolders()
  await installMissing(Object.values(benchPackages))
  await build()
  let node: Promise<Broker> | undefined
  const broker = (): Promise<Broker> => {
    node ??= startBroker()
    return node
  }
  console.log(describeMachine())
  const results: Record<string, Partial<Record<ContestantName, Measured[]>>> = {}
  try {
    for (const scenario of wanted) {
      const competing = contestants.filter(
        ({ name, sources }) => taking(scenario).includes(name) && sources.includes(scenario.source),
      )
      const those: Partial<Record<ContestantName, Measured[]>> = {}
      results[scenario.name] = those
      for (let round = 0; round < Number(values.rounds); round += 1) {
        for (const contestant of round % 2 === 0 ? competing : competing.toReversed()) {
          const pace =
            values.seconds === undefined ? usualPace : { ...usualPace, measureMs: Number(values.seconds) * 1000 }
          const measured = await runOne(
            contestant,
            scenario,
            broker,
            pace,
            profileFile(scenario, contestant.name, round),
          ).catch((error: unknown) => ({
            error: error instanceof Error ? error.message : String(error),
          }))
          process.stderr.write(`${scenario.name} ${round + 1} ${contestant.name} ${JSON.stringify(measured)}\n`)
          ;(those[contestant.name] ??= []).push(measured)
        }
      }
      // After each scenario, so that an interrupted run keeps its results.
      if (values.save !== undefined) write(values.save, `${JSON.stringify({ ...kept, ...results }, undefined, 1)}\n`)
    }
  } finally {
    await (await node)?.close()
  }
  return results
}

function profileFile({ name }: Scenario, contestant: ContestantName, round: number): string | undefined {
  if (values.profile === undefined) return undefined
  mkdirSync(values.profile, { recursive: true })
  return join(values.profile, `${name}-${contestant}-${round + 1}.cpuprofile`)
}

function writeBetweenMarks(path: string, figures: string): void {
  const [begin, end] = ['<!-- figures -->', '<!-- end of figures -->']
  const [before, rest] = readFileSync(path, 'utf8').split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${path}: expected ${begin} and ${end}`)
  const machine = `${describeMachine()}; ${new Date().toISOString().slice(0, 10)}.`
  writeFileSync(path, `${before}${begin}\n\n${machine}\n\n${figures.trim()}\n\n${end}${after}`)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
