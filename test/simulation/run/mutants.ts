import { rmSync } from 'node:fs'
import { build } from './build.ts'
import { type Mutant, mutants } from './mutant-list.ts'
import { runSeeds } from './seeds.ts'
import { WorkerHangs } from './worker-process.ts'

export interface MutantSearch {
  readonly from: number
  readonly to: number
  readonly size: number
  /** How many bugs are searched for at the same time, each in one process. */
  readonly workers: number
  /** Only bugs with this text in their name. */
  readonly only: string
}

/** Plants the bugs one at a time. Returns whether the seeds find each of them. */
export async function proveThatItBites({ only, workers, ...range }: MutantSearch): Promise<boolean> {
  const wanted = mutants.filter(({ name }) => name.includes(only))
  const waiting = [...wanted]
  const missed: string[] = []
  console.log('| bug | first seed | seconds | the promise that fails |\n|---|---|---|---|')
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const began = performance.now()
      const found = await searchFor(mutant, range)
      if (!found) missed.push(mutant.name)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const { seed, why } = found ?? { seed: 'missed', why: '' }
      console.log(`| ${mutant.name} | ${seed} | ${seconds} | ${why.replaceAll('|', '/')} |`)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  console.log(
    `\n${wanted.length - missed.length} of ${wanted.length} bugs found within seeds ${range.from} to ${range.to}`,
  )
  return missed.length === 0 && wanted.length > 0
}

async function searchFor(
  { patches }: Mutant,
  range: { readonly from: number; readonly to: number; readonly size: number },
): Promise<{ readonly seed: number | string; readonly why: string } | undefined> {
  const out = build(patches)
  try {
    const { failed } = await runSeeds(out, { ...range, workers: 1, stopAfter: 1 }, () => undefined)
    const [first] = failed
    return (
      first && { seed: first.seed, why: (first.result.violation?.details ?? '').split('\n')[0]?.slice(0, 120) ?? '' }
    )
  } catch (error) {
    // A loop without an event between its rounds.
    if (error instanceof WorkerHangs) return { seed: 'a run that does not end', why: error.message.slice(0, 120) }
    throw error
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
