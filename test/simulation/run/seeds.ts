import { createHash } from 'node:crypto'
import type { RunResult } from '../world/world.ts'
import { WorkerProcess } from './worker-process.ts'

export interface SeedRange {
  readonly from: number
  readonly to: number
  readonly size: number
  /** How many processes share the seeds. */
  readonly workers: number
  /** No more seeds are begun after this many have failed. */
  readonly stopAfter: number
  /** Once it is aborted, no more seeds are begun. The summary has those that were run. */
  readonly signal?: AbortSignal
}

export interface FailedSeed {
  readonly seed: number
  readonly result: RunResult
}

export interface Summary {
  readonly seeds: number
  readonly failed: readonly FailedSeed[]
  readonly simulatedHours: number
  readonly hours: number
  readonly delivered: number
  /** Of all runs together, in the order of the seeds. */
  readonly digest: string
  readonly text: string
}

/** How many seeds a worker gets at a time. */
const batchSeeds = 20

/** Runs the seeds in worker processes. `out`: the folder of `build`. */
export async function runSeeds(
  out: string,
  range: SeedRange,
  onFailed: (failed: FailedSeed) => void,
): Promise<Summary> {
  const { from, to, size, workers, stopAfter, signal } = range
  const sum = { seeds: 0, simulatedMs: 0, events: 0, delivered: 0, confirmed: 0, resumed: 0, gaps: 0, processorMs: 0 }
  const failed: FailedSeed[] = []
  const digests = new Map<number, string>()
  const began = performance.now()
  let next = from
  const isInterrupted = () => signal?.aborted === true
  const work = async (): Promise<void> => {
    const worker = new WorkerProcess(out)
    try {
      while (next <= to && failed.length < stopAfter && !isInterrupted()) {
        const first = next
        const last = Math.min(to, first + batchSeeds - 1)
        next = last + 1
        const left = stopAfter - failed.length
        await worker.run({ kind: 'seeds', from: first, to: last, size, stopAfter: left }, (report) => {
          if (report.kind === 'failed') {
            failed.push(report)
            onFailed(report)
          } else if (report.kind === 'done') {
            digests.set(first, report.digest)
            for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += report[name]
          }
        })
      }
    } finally {
      worker.end()
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const hours = (performance.now() - began) / 3_600_000
  const simulatedHours = sum.simulatedMs / 3_600_000
  const inOrder = [...digests].sort(([one], [other]) => one - other).map(([, digest]) => digest)
  const digest = createHash('sha1').update(inOrder.join(' ')).digest('hex').slice(0, 16)
  const text = [
    `${sum.seeds} seeds in ${(hours * 3600).toFixed(1)} s, ${failed.length} failed`,
    `${simulatedHours.toFixed(2)} simulated hours, ${Math.round(simulatedHours / hours)} an hour on ${workers} processes`,
    `${Math.round((simulatedHours * 3_600_000) / sum.processorMs)} simulated hours an hour of processor time`,
    `${sum.delivered} messages delivered, ${sum.confirmed} accepted, ${sum.resumed} resumes, ${sum.gaps} gaps, ${sum.events} events`,
    `digest ${digest}`,
  ].join('\n')
  failed.sort((one, other) => one.seed - other.seed)
  return { seeds: sum.seeds, failed, simulatedHours, hours, delivered: sum.delivered, digest, text }
}
