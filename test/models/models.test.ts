import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { debianPackages, installMissing, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const run = promisify(execFile)
const model = 'replay-to-live.pml'
const folders: string[] = []

/**
 * Bounds of the search. The first has holes and no other journal, the second replaces the journal
 * and has no holes. Both have an outage, retention, and a queue of two events.
 */
const withRetention = ['-DREPLACED=0', '-DMESSAGES=3']
const withReplacement = ['-DREPLACED=1', '-DMESSAGES=2', '-DHOLES=0', '-DMESSAGES_AFTER=1']

/** Each macro switches off one guard of the code. */
const plantedErrors: readonly (readonly [name: string, bounds: readonly string[]])[] = [
  ['LIVE_ONE_TURN_LATER', withRetention],
  ['POSITION_IS_TAKEN', withRetention],
  ['PAST_TAIL_UNCHECKED', withRetention],
  ['EVICTION_UNCHECKED', withRetention],
  ['START_IGNORED', withRetention],
  ['JUDGED_WITHOUT_MARK', withRetention],
  ['CLAMP_TRUSTED', withRetention],
  ['HOLE_UNCHECKED', withRetention],
  ['BEHIND_STAYS_LIVE', withRetention],
  ['TRUNCATION_WITHOUT_GAP', withRetention],
  ['WINDOW_KEPT_AT_TRUNCATION', withRetention],
  ['SCAN_EPOCH_UNCHECKED', withReplacement],
  ['WINDOW_KEPT_AT_NEW_EPOCH', withReplacement],
]

beforeAll(async () => {
  await installMissing([debianPackages.spin, debianPackages.compiler, debianPackages.libc])
})

afterAll(() => {
  for (const folder of folders) removeFolder(folder)
})

/** Searches all states within the bounds. */
async function check(macros: readonly string[]): Promise<{ errors: number; states: number; report: string }> {
  const folder = newFolder()
  folders.push(folder)
  const inFolder = { cwd: folder, maxBuffer: 16 * 1024 * 1024 }
  await copyFile(new URL(model, import.meta.url), join(folder, model))
  await run(locate(debianPackages.spin), ['-a', ...macros, model], inFolder)
  await run(locate(debianPackages.compiler), ['-O1', '-w', '-DSAFETY', '-DNOREDUCE', '-o', 'search', 'pan.c'], inFolder)
  const { stdout } = await run(join(folder, 'search'), ['-m1000000', '-w20'], inFolder)
  if (/max search depth too small|Search not completed/.test(stdout) && /errors: 0/.test(stdout))
    throw new Error(stdout)
  const errors = Number(/errors: (\d+)/.exec(stdout)?.[1])
  const states = Number(/(\d+) states, stored/.exec(stdout)?.[1])
  return { errors, states, report: stdout }
}

describe('the model of joining a replay to the live end', () => {
  test.each([
    ['holes and retention', withRetention],
    ['a replaced journal', withReplacement],
  ])('holds its invariants in every state, with %s', async (name, bounds) => {
    const { errors, states, report } = await check(bounds)
    process.stderr.write(`replay-to-live, ${name}: ${states} states explored.\n`)
    if (errors !== 0) throw new Error(report)
    expect(states).toBeGreaterThan(10_000)
  })

  test.each(plantedErrors)('finds the planted error %s', async (name, bounds) => {
    const { errors, report } = await check([...bounds, `-DPLANT_${name}`])
    expect({ errors, violated: /assertion violated/.test(report) }).toEqual({ errors: 1, violated: true })
  })
})
