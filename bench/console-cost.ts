/**
 * What the console costs a gateway under load. `npm run bench:console -- --help` lists the options;
 * bench/README.md explains how to read the result.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LoadedGateway } from './console/loaded-gateway.ts'
import { ThreeConsoles } from './console/three-consoles.ts'
import { type BoundVerdict, type MedianInterval, medianInterval, pairsNeeded, verdictOn } from './interval.ts'
import { describeMachine, pin, prefer } from './machine.ts'

const help = `npm run bench:console -- [options]     three open consoles against none, in about eight minutes on a quiet machine

  --pairs n          slices of each kind, default 12 and at least ${pairsNeeded}; more make the intervals narrower
  --seconds n        of a slice, default 10: the longest period at which the pages ask for something
  --clients n        subscribers that all receive each message, default 100
  --rate n           messages a second, default 1000
  --profile folder   writes a CPU profile of a slice of each kind, and decides nothing

Ends with 0 if all that must hold is shown, with 1 if something does not hold, and with 2 if the
intervals do not decide.`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    pairs: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '10' },
    clients: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    profile: { type: 'string' },
  },
})
const bounds = { closed: 1.02, openShare: 0.03, openMiB: 10 }
/** How long hidden pages are watched, in milliseconds. */
const watchedMs = 10_000

if (values.help) {
  console.log(help)
  process.exit(0)
}
const pairs = wholeNumber('pairs', pairsNeeded)
const seconds = wholeNumber('seconds', 1)
const load = { clients: wholeNumber('clients', 1), rate: wholeNumber('rate', 1) }
// What starts from here on, too: only the gateways have the other processor.
pin(process.pid, 'load')
await (values.profile === undefined ? compareKinds() : profileKinds(values.profile))

interface Slice {
  /** Of a processor. */
  readonly share: number
  readonly residentMiB: number
  /** After a collection of the garbage. */
  readonly heldMiB: number
}

async function compareKinds(): Promise<void> {
  await using without = await LoadedGateway.open('off', load)
  await using loaded = await LoadedGateway.open('ops', load)
  await using consoles = await ThreeConsoles.launch(loaded)
  // After Chromium, which would inherit it: messages are published in time.
  prefer(process.pid)
  const none: Slice[] = []
  const closed: Slice[] = []
  const open: Slice[] = []
  const kinds = [
    { name: 'no console', slices: none, measure: () => sliceOf(without) },
    { name: 'closed', slices: closed, measure: () => sliceOf(loaded) },
    {
      name: 'three open',
      slices: open,
      measure: async () => {
        await consoles.open()
        const slice = await sliceOf(loaded)
        await consoles.close()
        return slice
      },
    },
  ]
  console.log(describeMachine())
  console.log(`${load.clients} clients, ${load.rate} messages a second to all of them, slices of ${seconds} s`)
  for (let turn = 0; turn <= pairs; turn += 1) {
    for (const { slices, measure } of turn % 2 === 0 ? kinds : kinds.toReversed()) slices.push(await measure())
    const shares = kinds.map(({ name, slices }) => `${name} ${percent(slices.at(-1)?.share ?? Number.NaN)}`)
    console.log(`${turn === 0 ? 'warm-up' : turn}: ${shares.join(', ')}`)
  }
  for (const { slices } of kinds) slices.shift()

  const paired = (combine: (one: Slice, other: Slice) => number, one: Slice[], other: Slice[]): MedianInterval =>
    medianInterval(one.flatMap((slice, at) => (other[at] ? [combine(slice, other[at])] : [])))
  const verdicts = [
    report(
      'closed ÷ no console',
      paired((a, b) => a.share / b.share, closed, none),
      bounds.closed,
      (n) => n.toFixed(3),
    ),
    report(
      'three open − closed, of a processor',
      paired((a, b) => a.share - b.share, open, closed),
      bounds.openShare,
      percent,
    ),
    report(
      'three open − no console, resident',
      paired((a, b) => a.residentMiB - b.residentMiB, open, none),
      bounds.openMiB,
      mebibytes,
    ),
  ]
  const held = paired((a, b) => a.heldMiB - b.heldMiB, open, none)
  console.log(`  of which held after a collection: ${mebibytes(held.median)}`)

  await consoles.open()
  await consoles.hide()
  const before = consoles.requests
  await new Promise((resolve) => setTimeout(resolve, watchedMs))
  const asked = consoles.requests - before
  verdicts.push(asked === 0 ? 'holds' : 'does not hold')
  console.log(`hidden pages: 0 subscriptions, ${asked} requests in ${watchedMs / 1_000} s`)
  process.exitCode = verdicts.includes('does not hold') ? 1 : verdicts.includes('not decided') ? 2 : 0
}

/** A slice begins with a small young generation, so that all are alike. */
async function sliceOf(loaded: LoadedGateway): Promise<Slice> {
  await loaded.collectGarbage()
  const share = await loaded.deliver(seconds)
  const { residentMiB } = loaded
  await loaded.collectGarbage()
  return { share, residentMiB, heldMiB: loaded.residentMiB }
}

function report(what: string, interval: MedianInterval, bound: number, print: (value: number) => string): BoundVerdict {
  const verdict = verdictOn(interval, bound)
  const [middle, from, to] = [interval.median, interval.from, interval.to].map(print)
  console.log(`${what}: ${middle} (${from} to ${to}); at most ${print(bound)}: ${verdict}`)
  return verdict
}

async function profileKinds(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  await using loaded = await LoadedGateway.open('ops', load)
  await using consoles = await ThreeConsoles.launch(loaded)
  await loaded.inspector.call('Profiler.enable')
  for (const kind of ['warm-up', 'closed', 'open']) {
    if (kind !== 'closed') await consoles.open()
    await loaded.inspector.call('Profiler.start')
    const share = await loaded.deliver(seconds)
    const { profile } = (await loaded.inspector.call('Profiler.stop')) as { profile: unknown }
    await consoles.close()
    if (kind === 'warm-up') continue
    const file = join(folder, `console-${kind}.cpuprofile`)
    writeFileSync(file, JSON.stringify(profile))
    console.log(`${kind}: ${percent(share)} of a processor, ${file}`)
  }
}

function wholeNumber(name: 'pairs' | 'seconds' | 'clients' | 'rate', least: number): number {
  const number = Number(values[name])
  if (!Number.isInteger(number) || number < least)
    throw new Error(`--${name}: expected a whole number from ${least} on, got "${values[name]}"`)
  return number
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}

function mebibytes(value: number): string {
  return `${value.toFixed(1)} MiB`
}
