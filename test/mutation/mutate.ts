import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { LogLevel } from '@stryker-mutator/api/core'
import { Stryker } from '@stryker-mutator/core'
import { acceptedMutants, type FoundMutant, placeOf } from './accepted-mutants.ts'
import { isInSample, placeIn } from './sample.ts'
import { foldersIn, testFoldersOf } from './test-files.ts'

/**
 * npm run mutate [-- src/core/json src/auth/secret.ts]
 *
 * Mutates each source file in turn, runs the tests that cover the mutant, and prints the score of
 * each folder and the mutants that no test notices. MUTATION_WORKERS=2 uses two processes.
 * MUTATION_RESULTS names the file of all results, so that runs of several folders keep theirs.
 * MUTATION_BEFORE names results of an earlier run over the same sources: what was noticed then is
 * not tried again. MUTATION_STATIC=0 does not load modules again: what runs only while they are
 * loaded is left out, and the rest is tried in loaded modules. MUTATION_SAMPLE: see sample.ts.
 */
const paths = process.argv.slice(2)
const wanted = (paths.length > 0 ? paths : ['src/auth', 'src/transports/websocket', 'src/core']).flatMap(foldersIn)
const cache = '.cache/mutation'
const lines = resolve(process.env['MUTATION_RESULTS'] ?? join(cache, 'results.jsonl'))
mkdirSync(cache, { recursive: true })
rmSync(lines, { force: true })
process.env['MUTATION_LINES'] = lines
process.env['PROPERTY_RUNS'] = '0.02'
const before = process.env['MUTATION_BEFORE']
if (before !== undefined) process.env['MUTATION_BEFORE'] = resolve(before)
let excluded: string[] = []
for (const path of wanted) {
  await mutate(path, excluded)
  excluded = [...excluded, `!${patternOf(path)}`]
}
report(existsSync(lines) ? readFileSync(lines, 'utf8').split('\n').filter(Boolean).map(parse) : [])

function patternOf(path: string): string {
  return path.endsWith('.ts') ? path : `${path}/**/*.ts`
}

async function mutate(path: string, without: readonly string[]): Promise<void> {
  process.env['MUTATION_TESTS'] = JSON.stringify({ folders: testFoldersOf(path) })
  await new Stryker({
    mutate: [patternOf(path), ...without],
    testRunner: 'warm',
    plugins: ['./test/mutation/warm-runner.ts'],
    testRunnerNodeArgs: ['--import', 'tsx'],
    checkerNodeArgs: ['--import', 'tsx'],
    coverageAnalysis: 'perTest',
    ignoreStatic: process.env['MUTATION_STATIC'] === '0',
    // Modules that were loaded again stay in memory.
    maxTestRunnerReuse: 300,
    concurrency: Number(process.env['MUTATION_WORKERS'] ?? 1),
    // Most texts are messages for people.
    mutator: { excludedMutations: ['StringLiteral'], plugins: null },
    ignorePatterns: ['dist', 'data', 'bench', 'k8s', 'examples', '.cache', 'test/fuzz/corpus'],
    tempDirName: `${cache}/sandboxes`,
    disableTypeChecks: false,
    // Stryker would rewrite it with an API that TypeScript 7 does not have.
    tsconfigFile: 'none',
    timeoutMS: 12_000,
    // On a busy machine.
    dryRunTimeoutMinutes: 30,
    reporters: ['lines'],
    allowConsoleColors: false,
    logLevel: 'warn' as LogLevel,
  }).runMutationTest()
}

function parse(line: string): FoundMutant {
  return JSON.parse(line) as FoundMutant
}

/** A mutant is noticed if a test fails or waits in vain. Those that do not compile do not count. */
function report(results: readonly FoundMutant[]): void {
  const folders = new Map<string, { noticed: number; accepted: number; all: number }>()
  const open: string[] = []
  const accepted = acceptedMutants()
  for (const mutant of results) {
    if (
      mutant.status !== 'Killed' &&
      mutant.status !== 'Timeout' &&
      mutant.status !== 'Survived' &&
      mutant.status !== 'NoCoverage'
    )
      continue
    if (!isInSample(placeIn(mutant.file, mutant))) continue
    const folder = dirname(mutant.file)
    const count = folders.get(folder) ?? { noticed: 0, accepted: 0, all: 0 }
    folders.set(folder, count)
    count.all += 1
    if (mutant.status === 'Killed' || mutant.status === 'Timeout') count.noticed += 1
    else if (accepted.has(placeOf(mutant))) count.accepted += 1
    else
      open.push(
        `${mutant.file}:${mutant.location.start.line}:${mutant.location.start.column} ${mutant.mutatorName} → ${mutant.replacement.replaceAll(/\s+/g, ' ').slice(0, 90)}${mutant.status === 'NoCoverage' ? ' (not covered)' : ''}`,
      )
  }
  for (const line of open.toSorted()) console.log(line)
  const total = { noticed: 0, accepted: 0, all: 0 }
  for (const [folder, count] of [...folders].toSorted(([one], [other]) => one.localeCompare(other))) {
    print(folder, count)
    for (const name of ['noticed', 'accepted', 'all'] as const) total[name] += count[name]
  }
  print('all', total)
}

function print(name: string, { noticed, accepted, all }: { noticed: number; accepted: number; all: number }): void {
  const score = (100 * noticed) / (all - accepted)
  console.log(
    `${name.padEnd(28)} ${score.toFixed(1).padStart(5)} %  ${noticed} of ${all} noticed, ${accepted} accepted as equivalent`,
  )
}
