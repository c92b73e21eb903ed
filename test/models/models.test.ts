import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { debianPackages, installMissing, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { repetitions } from '../support/repetitions.ts'

const run = promisify(execFile)
const folders: string[] = []

/** A model, and what is searched in it. */
interface Model {
  readonly file: string
  /** Bounds within which the model has no error. */
  readonly bounds: Readonly<Record<string, readonly string[]>>
  /** As `bounds`; searched in the long run only. */
  readonly wideBounds: Readonly<Record<string, readonly string[]>>
  /**
   * The bounds in which each planted error is found. Each macro switches off one guard. They test
   * the models and not Warren, so `npm test` plants the first two; the long run plants all.
   */
  readonly plantedErrors: readonly (readonly [name: string, bounds: readonly string[]])[]
}

/**
 * The first bounds have holes and no other journal, the second replace the journal and have no
 * holes. Both have an outage, retention, and a queue of two events.
 */
const withRetention = ['-DREPLACED=0', '-DMESSAGES=2']
const withReplacement = ['-DREPLACED=1', '-DMESSAGES=2', '-DHOLES=0', '-DMESSAGES_AFTER=1']
const withHolesAndReplacement = ['-DREPLACED=1', '-DMESSAGES=2', '-DMESSAGES_AFTER=1']
const threeMessages = ['-DREPLACED=0', '-DMESSAGES=3']

const replayToLive: Model = {
  file: 'replay-to-live.pml',
  bounds: { 'holes and retention': withRetention, 'a replaced journal': withReplacement },
  wideBounds: {
    'holes, retention and three messages': threeMessages,
    'holes and a replaced journal': withHolesAndReplacement,
    'three messages and a replaced journal': ['-DREPLACED=1', '-DMESSAGES=3'],
  },
  plantedErrors: [
    ['LIVE_ONE_TURN_LATER', withRetention],
    ['POSITION_IS_TAKEN', withRetention],
    ['PAST_TAIL_UNCHECKED', threeMessages],
    ['EVICTION_UNCHECKED', threeMessages],
    ['START_IGNORED', withRetention],
    ['JUDGED_WITHOUT_MARK', withRetention],
    ['CLAMP_TRUSTED', withRetention],
    ['HOLE_UNCHECKED', threeMessages],
    ['BEHIND_STAYS_LIVE', threeMessages],
    ['TRUNCATION_WITHOUT_GAP', withRetention],
    ['WINDOW_KEPT_AT_TRUNCATION', threeMessages],
    ['SCAN_EPOCH_UNCHECKED', withReplacement],
    ['WINDOW_KEPT_AT_NEW_EPOCH', withReplacement],
    ['LOOK_BACK_IGNORED', withHolesAndReplacement],
  ],
}

const epochs = ['-DEPOCHS', '-DREPLICAS=3', '-DJOURNAL_DELETIONS=2', '-DCRASHES=1']
const oneLife = '-DCREATIONS=1'
const lateAnswer = '-DANSWERS=1'
const lateRead = '-DRESYNCS=1'
const lateBinding = '-DMAINTAINED=1'

/** Two replicas create the source twice and delete it once, if the bounds name nothing else. */
const epochsAndSources: Model = {
  file: 'epochs-and-sources.pml',
  bounds: {
    'three replicas, a deleted journal and a crash': epochs,
    'two creations and a deletion': [],
    'an answer of another replica': [lateAnswer, oneLife],
    'a read of the registry': [lateRead, oneLife],
  },
  wideBounds: {
    'two creations and an answer': [lateAnswer],
    'two creations and a read of the registry': [lateRead],
    'two creations and a binding that waits': [lateBinding],
  },
  plantedErrors: [
    ['EPOCH_UNCONFIRMED', epochs],
    ['DECLARED_UNDER_KNOWN_EPOCH', epochs],
    ['STREAM_BEFORE_EPOCH', epochs],
    ['WITHOUT_LOCK', epochs],
    ['BINDING_SHARED', []],
    ['ROW_OF_ANY_LIFE_REMOVED', []],
    ['ROW_REUSED', []],
    ['ANY_LIFE_DELETED', []],
    ['LATER_LIFE_DELETED', []],
    ['EARLIER_LIFE_STAYS_BOUND', []],
    ['FORMER_LIFE_IS_BOUND', [lateBinding]],
    ['LATE_ANSWER_TRUSTED', [lateAnswer, oneLife]],
    ['DELETED_ROW_SERVED', [lateRead, oneLife]],
    ['NEW_LIFE_REMOVED', [lateRead]],
  ],
}

beforeAll(async () => {
  await installMissing([debianPackages.spin, debianPackages.tcc, debianPackages.libc])
})

afterAll(() => {
  for (const folder of folders) removeFolder(folder)
})

/**
 * Searches all states within the bounds. An optimising compiler takes much longer than these
 * searches, so tcc compiles them.
 */
async function check(
  file: string,
  macros: readonly string[],
): Promise<{ errors: number; states: number; report: string }> {
  const folder = newFolder()
  folders.push(folder)
  const inFolder = { cwd: folder, maxBuffer: 16 * 1024 * 1024 }
  await copyFile(new URL(file, import.meta.url), join(folder, file))
  await run(locate(debianPackages.spin), ['-a', ...macros, file], inFolder)
  await run(locate(debianPackages.tcc), ['-w', '-DSAFETY', '-DNOREDUCE', '-o', 'search', 'pan.c'], inFolder)
  const { stdout } = await run(join(folder, 'search'), ['-m1000000', '-w22'], inFolder)
  if (/max search depth too small|Search not completed/.test(stdout) && /errors: 0/.test(stdout))
    throw new Error(stdout)
  const errors = Number(/errors: (\d+)/.exec(stdout)?.[1])
  const states = Number(/(\d+) states, stored/.exec(stdout)?.[1])
  return { errors, states, report: stdout }
}

describe.each([
  ['joining a replay to the live end', replayToLive],
  ['epochs and sources on several replicas', epochsAndSources],
])('the model of %s', (_title, { file, bounds, wideBounds, plantedErrors }) => {
  const searched = Object.entries({ ...bounds, ...(repetitions(0, 1) === 1 ? wideBounds : {}) })
  const planted = plantedErrors.slice(0, repetitions(2, plantedErrors.length))

  test.each(searched)('holds its invariants in every state, with %s', async (name, macros) => {
    const { errors, states, report } = await check(file, macros)
    process.stderr.write(`${file}, ${name}: ${states} states explored.\n`)
    if (errors !== 0) throw new Error(report)
    expect(states).toBeGreaterThan(10_000)
  })

  test.each(planted)('finds the planted error %s', async (name, macros) => {
    const { errors, report } = await check(file, [...macros, `-DPLANT_${name}`])
    expect({ errors, violated: /assertion violated/.test(report) }).toEqual({ errors: 1, violated: true })
  })
})
