import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { scriptOf } from '../world/draw.ts'
import type { Script } from '../world/script.ts'
import type { RunResult } from '../world/world.ts'
import { build } from './build.ts'
import { proveThatItBites } from './mutants.ts'
import { runSeeds } from './seeds.ts'
import { shrink } from './shrink.ts'
import { WorkerProcess } from './worker-process.ts'

const usage = `npm run simulate -- [options]

  --seeds 1..1000     the seeds to run (default 1..1000)
  --size 1            how much happens in one run; below 1 no run is long (with --mutants 0.9)
  --script file.json  run one script, and print what happened
  --mutants           plant each bug of mutant-list.ts, and search for it with the seeds
  --only name         with --mutants: only bugs with this text in their name
  --workers n         processes (default: one for each processor, at most 2)

Ctrl+C ends a run of seeds, and prints the results of those that were run.`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..1000' },
    size: { type: 'string' },
    script: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    help: { type: 'boolean', default: false },
  },
})

const [from = Number.NaN, to = from] = values.seeds.split('..').map(Number)
const size = Number(values.size ?? (values.mutants ? 0.9 : 1))
const workers = Number(values.workers)
if (values.help || !Number.isInteger(from) || !Number.isInteger(to) || !(size > 0) || !(workers > 0)) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

if (values.mutants) process.exitCode = (await proveThatItBites({ from, to, size, workers, only: values.only })) ? 0 : 1
else {
  const out = build()
  try {
    process.exitCode = values.script === undefined ? await seeds(out) : await oneScript(out, values.script)
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

async function seeds(out: string): Promise<number> {
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const range = { from, to, size, workers, stopAfter: 20, signal: interrupted.signal }
  const summary = await runSeeds(out, range, ({ seed, result }) =>
    console.log(`seed ${seed}: ${result.violation?.details}`),
  )
  console.log(summary.text)
  const [first] = summary.failed
  if (!first?.result.violation) return summary.failed.length === 0 ? 0 : 1
  const worker = new WorkerProcess(out)
  const smallest = await shrink(scriptOf(first.seed, size), first.result.violation.promise, (script) =>
    ran(worker, script, false),
  )
  const file = join(tmpdir(), `warren-seed-${first.seed}.json`)
  writeFileSync(file, JSON.stringify(smallest, null, 2))
  console.log(`\nThe smallest script of seed ${first.seed}:\n${printed(smallest)}`)
  console.log(`\nRun it again: npm run simulate -- --script ${file}`)
  console.log(`or its seed:  npm run simulate -- --seeds ${first.seed}..${first.seed} --size ${size}`)
  worker.end()
  return 1
}

async function oneScript(out: string, file: string): Promise<number> {
  const worker = new WorkerProcess(out)
  const result = await ran(worker, JSON.parse(readFileSync(file, 'utf8')) as Script, true)
  worker.end()
  for (const line of result.log) console.log(line)
  console.log(`digest ${result.digest}`)
  if (result.violation) console.log(result.violation.details)
  return result.violation ? 1 : 0
}

async function ran(worker: WorkerProcess, script: Script, keepsLog: boolean): Promise<RunResult> {
  let result: RunResult | undefined
  await worker.run({ kind: 'script', script, keepsLog }, (report) => {
    if (report.kind === 'ran') result = report.result
  })
  if (!result) throw new Error('the worker ran nothing')
  return result
}

function printed({ settings, clients, actions, lengthMs }: Script): string {
  const lines = [
    `settings ${JSON.stringify(settings)}, ${lengthMs} ms`,
    ...clients.map((client, index) => `client ${index} ${JSON.stringify(client)}`),
    ...actions.map(({ at, kind, ...rest }) => `${String(at).padStart(6)} ms  ${kind} ${JSON.stringify(rest)}`),
  ]
  return lines.join('\n')
}
