import { rmSync } from 'node:fs'
import { build } from './build.ts'
import { mutants } from './mutant-list.ts'
import { runSeeds } from './seeds.ts'

export interface MutantSearch {
  readonly from: number
  readonly to: number
  readonly size: number
  readonly workers: number
  /** Only bugs with this text in their name. */
  readonly only: string
}

/** Plants the bugs one at a time. Returns whether the seeds find each of them. */
export async function proveThatItBites({ only, ...range }: MutantSearch): Promise<boolean> {
  let missed = 0
  for (const { name, patches } of mutants) {
    if (!name.includes(only)) continue
    const out = build(patches)
    try {
      const { failed, seeds } = await runSeeds(out, { ...range, stopAfter: 1 }, () => undefined)
      const [first] = failed
      if (first) console.log(`found    ${name}: seed ${first.seed}, ${first.result.violation?.details.slice(0, 150)}`)
      else {
        missed += 1
        console.log(`missed   ${name}: ${seeds} seeds`)
      }
    } catch (error) {
      // A worker that hangs or ends has found it, too.
      console.log(`found    ${name}: ${String(error).slice(0, 200)}`)
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  }
  return missed === 0
}
