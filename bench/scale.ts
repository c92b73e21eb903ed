/**
 * A machine full of clients: `npm run bench:scale -- --help`. One gateway with workers on a RabbitMQ,
 * and as many load generators as the limit of open files asks for. Each step adds clients, and then
 * measures what one more message costs. After the last one, it measures the memory once more when
 * nothing has happened for three minutes.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { installMissing } from '../test/support/processes/debian-package.ts'
import { removeAbandonedFolders } from '../test/support/processes/run-folder.ts'
import { build } from './build.ts'
import { benchPackages } from './debian.ts'
import { machineName } from './machine.ts'
import { FullMachine } from './scale/full-machine.ts'
import { plotScale } from './scale/plot.ts'
import { printScale } from './scale/table.ts'

const help = `npm run bench:scale -- [options]     a machine full of clients

  --steps a,b,c      how many clients in all, one step after another; default 1000,10000,50000,100000,250000
  --workers n        processes of the gateway; default one for each 15,000 clients
  --channels n       at the end, messages to n channels of ten clients each; default 10000, 0: none
  --no-restart       without the rolling restart at the end
  --plot file        draws what a client costs at each step, as SVG

It needs Linux, a C compiler and RabbitMQ, and 12 KiB of memory for each client, the kernel's share
included, besides 150 MiB for each worker.`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    steps: { type: 'string', default: '1000,10000,50000,100000,250000' },
    workers: { type: 'string' },
    channels: { type: 'string', default: '10000' },
    'no-restart': { type: 'boolean', default: false },
    plot: { type: 'string' },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const steps = values.steps.split(',').map(Number)
const most = Math.max(...steps)
if (!steps.every((step, at) => Number.isInteger(step) && step > (steps[at - 1] ?? 0)))
  throw new Error(`--steps: expected growing whole numbers, got "${values.steps}"`)
const channels = Number(values.channels)
if (!Number.isInteger(channels) || channels < 0)
  throw new Error(`--channels: expected a whole number, got "${values.channels}"`)
const workers = Number(values.workers ?? Math.max(1, Math.ceil((most + channels * 10) / 15_000)))
if (!Number.isInteger(workers) || workers < 1)
  throw new Error(`--workers: expected a whole number from 1 on, got "${values.workers}"`)

removeAbandonedFolders()
await installMissing(Object.values(benchPackages))
await build()
console.log(`${machineName()}; ${workers} workers, nothing pinned\n`)
await using machine = await FullMachine.start(workers, most + channels * 10)
const rows = []
for (const step of steps) {
  rows.push(await machine.grow(step))
  process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`)
}
console.log(printScale(rows))
if (values.plot !== undefined) writeFileSync(values.plot, plotScale(rows))
console.log(await machine.quiet())
if (channels > 0) console.log(await machine.manyChannels(channels))
if (!values['no-restart']) console.log(await machine.restart())
