/**
 * What the console costs a gateway under load. `npm run bench:console -- --help` lists the options;
 * bench/README.md explains how to read the result.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { consoleShareOf } from './console/console-share.ts'
import { type HeldMemory, LoadedGateway } from './console/loaded-gateway.ts'
import { ThreeConsoles } from './console/three-consoles.ts'
import { type BoundVerdict, type MedianInterval, pairedInterval, pairsNeeded, verdictOn } from './interval.ts'
import { describeMachine, pin, prefer } from './machine.ts'
import { median } from './median.ts'

const help = `npm run bench:console -- [options]     three open consoles against none, in about ten minutes on a quiet machine

  --pairs n          slices with closed and with open consoles, an even number, default 16 and at least ${pairsNeeded};
                     more make the intervals narrower
  --seconds n        of a slice, default 5
  --clients n        subscribers that all receive each message, default 20
  --rate n           messages a second, default 300
  --only what        processor, or memory: the other is not measured
  --profile folder   writes the two CPU profiles there

Ends with 0 if all that must hold is shown, with 1 if something does not hold, and with 2 if the
intervals do not decide.`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    pairs: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '20' },
    rate: { type: 'string', default: '300' },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
})
const bounds = { closedShare: 0.001, openShare: 0.03, openMiB: 10 }
/** Before anything is measured, so that V8 has compiled what delivers. */
const warmUpSeconds = 20
const profileSeconds = 20
/** Samples of the memory with open and with closed consoles. */
const memorySamples = 4
/** How long hidden pages are watched, in milliseconds. */
const watchedMs = 10_000

if (values.help) {
  console.log(help)
  process.exit(0)
}
const pairs = wholeNumber('pairs', pairsNeeded)
if (pairs % 2 !== 0) throw new Error(`--pairs: expected an even number, got ${pairs}`)
const seconds = wholeNumber('seconds', 1)
const load = { clients: wholeNumber('clients', 1), rate: wholeNumber('rate', 1) }
const { profile: folder, only } = values
if (only !== undefined && only !== 'processor' && only !== 'memory')
  throw new Error(`--only: expected processor or memory, got "${only}"`)
// What starts from here on, too: only the gateway has the other processor.
pin(process.pid, 'load')
await measure()

async function measure(): Promise<void> {
  await using loaded = await LoadedGateway.open(load)
  console.log(describeMachine())
  console.log(`${load.clients} clients, ${load.rate} messages a second to all of them`)
  await loaded.deliver(warmUpSeconds)
  const before: HeldMemory[] = []
  const count = only === 'processor' ? 0 : memorySamples
  for (let sample = 0; sample < count; sample += 1) {
    await loaded.deliver(1)
    before.push(await loaded.held())
  }
  await using consoles = await ThreeConsoles.launch(loaded)
  // After Chromium, which would inherit it: messages are published in time.
  prefer(process.pid)
  const verdicts: BoundVerdict[] = []
  if (only !== 'processor')
    verdicts.push(await compareMemory(loaded, consoles, before), await watchHidden(loaded, consoles))
  if (only !== 'memory') verdicts.push(...(await compareProcessor(loaded, consoles)))
  process.exitCode = verdicts.includes('does not hold') ? 1 : verdicts.includes('not decided') ? 2 : 0
}

async function compareProcessor(loaded: LoadedGateway, consoles: ThreeConsoles): Promise<BoundVerdict[]> {
  const { differences, closed, open } = await compareSlices(loaded, consoles)
  const byPairs = report('three open − closed, of a processor', pairedInterval(differences), bounds.openShare, percent)
  const ofClosed = await profileKind(loaded, { kind: 'closed', share: median(closed), bound: bounds.closedShare })
  await consoles.open()
  const ofOpen = await profileKind(loaded, { kind: 'three open', share: median(open), bound: bounds.openShare })
  return [byPairs, ofClosed, ofOpen]
}

interface Slices {
  /** The share of a processor with open consoles, less that with closed ones, in each pair. */
  readonly differences: number[]
  readonly closed: number[]
  readonly open: number[]
}

async function compareSlices(loaded: LoadedGateway, consoles: ThreeConsoles): Promise<Slices> {
  const slices: Slices = { differences: [], closed: [], open: [] }
  // The first turn warms up. Closed, open, open, closed: either kind is first as often.
  for (let turn = 0; turn <= pairs / 2; turn += 1) {
    const closedFirst = await loaded.deliver(seconds)
    await consoles.open()
    const open = [await loaded.deliver(seconds), await loaded.deliver(seconds)] as const
    await consoles.close()
    const closedLast = await loaded.deliver(seconds)
    console.log(
      `${turn === 0 ? 'warm-up' : turn}: closed ${percent(closedFirst)}, open ${open.map(percent).join(', ')}, closed ${percent(closedLast)}`,
    )
    if (turn === 0) continue
    slices.differences.push(open[0] - closedFirst, open[1] - closedLast)
    slices.closed.push(closedFirst, closedLast)
    slices.open.push(...open)
  }
  return slices
}

/**
 * Live memory: the largest with open consoles less the smallest before the first one was opened, so
 * that it bounds the difference. Beside it the difference of open and closed, in pairs.
 */
async function compareMemory(
  loaded: LoadedGateway,
  consoles: ThreeConsoles,
  before: readonly HeldMemory[],
): Promise<BoundVerdict> {
  const open: HeldMemory[] = []
  const closed: HeldMemory[] = []
  for (let sample = 0; sample < memorySamples; sample += 1) {
    await consoles.open()
    await loaded.deliver(seconds)
    open.push(await loaded.held())
    await consoles.close()
    await loaded.deliver(1)
    closed.push(await loaded.held())
  }
  const live = ({ liveMiB }: HeldMemory): number => liveMiB
  const resident = ({ residentMiB }: HeldMemory): number => residentMiB
  const range = (read: (held: HeldMemory) => number): string =>
    [before, open, closed]
      .map((all) => `${mebibytes(Math.min(...all.map(read)))} to ${mebibytes(Math.max(...all.map(read)))}`)
      .join('; ')
  console.log(`live memory before the first console; three open; closed again: ${range(live)}`)
  console.log(`resident, the same: ${range(resident)}`)
  const most = Math.max(...open.map(live)) - Math.min(...before.map(live))
  const verdict: BoundVerdict = most <= bounds.openMiB ? 'holds' : 'does not hold'
  console.log(
    `three open − never opened, live memory: at most ${mebibytes(most)}; bound ${mebibytes(bounds.openMiB)}: ${verdict}`,
  )
  return verdict
}

async function watchHidden(loaded: LoadedGateway, consoles: ThreeConsoles): Promise<BoundVerdict> {
  await consoles.open()
  await consoles.hide()
  const before = consoles.requests
  await new Promise((resolve) => setTimeout(resolve, watchedMs))
  await loaded.hasOtherSubscriptions(0)
  const asked = consoles.requests - before
  const verdict: BoundVerdict = asked === 0 ? 'holds' : 'does not hold'
  console.log(`hidden pages: 0 subscriptions, ${asked} requests in ${watchedMs / 1_000} s: ${verdict}`)
  await consoles.close()
  return verdict
}

/**
 * `share`: of a processor, in slices of this kind without the profiler, which takes time itself. A
 * profile gives the part of it that is in code of the console.
 */
async function profileKind(
  loaded: LoadedGateway,
  { kind, share, bound }: { kind: 'closed' | 'three open'; share: number; bound: number },
): Promise<BoundVerdict> {
  const profile = await loaded.profile(profileSeconds)
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `console-${kind.replace(' ', '-')}.cpuprofile`), JSON.stringify(profile))
  }
  const found = consoleShareOf(profile)
  const part = found.console / found.busy
  const verdict: BoundVerdict = part * share <= bound ? 'holds' : 'does not hold'
  console.log(
    `${kind}, in code of the console: ${percent(part)} of what the gateway does, so ${percent(part * share)} of a processor (${found.samples} samples); at most ${percent(bound)}: ${verdict}`,
  )
  return verdict
}

function report(what: string, interval: MedianInterval, bound: number, print: (value: number) => string): BoundVerdict {
  const verdict = verdictOn(interval, bound)
  const [middle, from, to] = [interval.median, interval.from, interval.to].map(print)
  console.log(`${what}: ${middle} (${from} to ${to}); at most ${print(bound)}: ${verdict}`)
  return verdict
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
