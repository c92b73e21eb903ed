import { scriptOf } from '../world/draw.ts'
import type { Script } from '../world/script.ts'
import { type RunResult, World } from '../world/world.ts'

/** What a worker does for one line of its standard input. */
export type Order =
  | {
      readonly kind: 'seeds'
      readonly from: number
      readonly to: number
      readonly size: number
      /** The worker leaves out the rest after so many failures. */
      readonly stopAfter: number
    }
  | { readonly kind: 'script'; readonly script: Script; readonly keepsLog: boolean }

/** One line of its standard output. */
export type Report =
  | { readonly kind: 'failed'; readonly seed: number; readonly result: RunResult }
  | { readonly kind: 'ran'; readonly result: RunResult }
  | {
      readonly kind: 'done'
      readonly seeds: number
      readonly simulatedMs: number
      readonly events: number
      readonly delivered: number
      readonly confirmed: number
      readonly resumed: number
      readonly gaps: number
      /** The processor time of the runs, in milliseconds. */
      readonly processorMs: number
      readonly digest: string
    }

const realImmediate = setImmediate
let violate: ((promise: string, details: string) => void) | undefined

process.on('unhandledRejection', (error) =>
  violate?.('no unhandled rejection', String((error as Error)?.stack ?? error)),
)
process.on('uncaughtException', (error) => violate?.('no uncaught exception', String(error?.stack ?? error)))

export async function runScript(script: Script, keepsLog: boolean): Promise<RunResult> {
  // A stack costs more than the error. A seed that fails is repeated as a script.
  Error.stackTraceLimit = keepsLog ? 30 : 1
  const world = new World(script, keepsLog)
  violate = (promise, details) => world.violated(promise, details)
  try {
    const result = await world.run()
    // Node reports unhandled rejections between two turns.
    await new Promise<void>((resolve) => void realImmediate(resolve))
    return result
  } catch (error) {
    const details = String((error as Error).stack ?? error)
    return {
      violation: { promise: 'no uncaught exception', details },
      digest: '',
      simulatedMs: world.simulatedMs,
      events: world.clock.events,
      delivered: 0,
      confirmed: 0,
      resumed: 0,
      gaps: 0,
      log: [],
    }
  }
}

/** Reads orders, one JSON text a line, and answers each with reports. */
async function serve(): Promise<void> {
  const print = (report: Report): void => void process.stdout.write(`${JSON.stringify(report)}\n`)
  let rest = ''
  for await (const chunk of process.stdin) {
    rest += String(chunk)
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const order = JSON.parse(rest.slice(0, end)) as Order
      rest = rest.slice(end + 1)
      if (order.kind === 'script') print({ kind: 'ran', result: await runScript(order.script, order.keepsLog) })
      else await runSeeds(order, print)
    }
  }
}

async function runSeeds(
  { from, to, size, stopAfter }: Extract<Order, { kind: 'seeds' }>,
  print: (report: Report) => void,
): Promise<void> {
  let left = stopAfter
  const sum = { seeds: 0, simulatedMs: 0, events: 0, delivered: 0, confirmed: 0, resumed: 0, gaps: 0 }
  const digests: string[] = []
  const before = process.cpuUsage()
  for (let seed = from; seed <= to && left > 0; seed += 1) {
    const result = await runScript(scriptOf(seed, size), false)
    sum.seeds += 1
    for (const name of ['simulatedMs', 'events', 'delivered', 'confirmed', 'resumed', 'gaps'] as const)
      sum[name] += result[name]
    digests.push(result.digest)
    if (!result.violation) continue
    left -= 1
    print({ kind: 'failed', seed, result })
  }
  const { user, system } = process.cpuUsage(before)
  print({ kind: 'done', ...sum, processorMs: (user + system) / 1_000, digest: digests.join(' ') })
}

await serve()
