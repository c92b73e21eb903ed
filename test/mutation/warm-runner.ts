import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { InstrumenterContext, MutantCoverage, MutantResult } from '@stryker-mutator/api/core'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import type { Reporter } from '@stryker-mutator/api/report'
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner'
import type { LoadedFile, TestResult } from './jest-in-process.ts'
import { isInSample, placeIn } from './sample.ts'
import { isRun } from './test-files.ts'

/** What the instrumented code reads, under the name that Stryker gives it. */
function contextOfMutants(): InstrumenterContext {
  const all = globalThis as unknown as Record<string, InstrumenterContext | undefined>
  return (all[namespace] ??= {})
}
const namespace = '__stryker__'

/**
 * Resolves `@jest/globals` to the file at `data.url`. It runs before the hooks of tsx. What a
 * module with `?load=7` imports from the sandbox is loaded again, too.
 */
const resolveHook = `
  let url, sandbox
  export const initialize = (data) => { ({ url, sandbox } = data) }
  export const resolve = async (name, context, next) => {
    if (name === '@jest/globals') return { url, format: 'module', shortCircuit: true }
    const [load] = /\\?load=\\d+$/.exec(context.parentURL ?? '') ?? []
    const found = await next(name, context)
    const isOwn = found.url.startsWith(sandbox) && !found.url.includes('/node_modules/')
    return load && isOwn && !found.url.includes('?') ? { ...found, url: found.url + load } : found
  }
`

/** What the dry run found, for the processes that start later. In the sandbox. */
interface Measured {
  /** Test files, the fastest first. */
  readonly files: readonly string[]
  readonly testMs: Readonly<Record<string, number>>
  /** For a mutant that runs while modules are loaded: the test files that use its module. */
  readonly usersOf: Readonly<Record<string, readonly string[]>>
}
/** A test that a mutant keeps waiting fails after so long. */
const fixedMs = 3_000
const slowerBy = 6
const measuredFile = 'mutation-measured.json'

/**
 * Runs the tests of many mutants in one process. jest takes 2 s for each mutant, because it loads
 * all modules again; here a mutant takes as long as the tests that cover it. For a mutant in code
 * that runs while its module is loaded, the tests and all modules are loaded once more.
 */
class WarmRunner implements TestRunner {
  readonly #context = contextOfMutants()
  readonly #files = new Map<string, LoadedFile>()
  #measured: Measured | undefined
  #noticedBefore: ReadonlyMap<string, readonly string[]> | undefined
  #uncaught: Error | undefined
  #loads = 0

  capabilities() {
    return { reloadEnvironment: true }
  }

  async init(): Promise<void> {
    const url = new URL('jest-in-process.ts', import.meta.url).href
    const sandbox = pathToFileURL(`${process.cwd()}/`).href
    register(`data:text/javascript,${encodeURIComponent(resolveHook)}`, { data: { url, sandbox } })
    process.env['NODE_ENV'] = 'test'
    // Between tests circus catches nothing. In jest such an error would fail the file.
    process.on('uncaughtException', (error) => {
      this.#uncaught ??= error
    })
  }

  async dryRun(): Promise<DryRunResult> {
    const coverage: MutantCoverage = { static: {}, perTest: {} }
    this.#context.mutantCoverage = coverage
    const results: TestResult[] = []
    const times: [path: string, ms: number][] = []
    for (const path of testFiles()) {
      const file = await this.#load(path)
      const begin = performance.now()
      const hooks = `hooks of ${path}`
      const of = await file.run(undefined, {
        bail: false,
        timeoutMs: () => 120_000,
        listener: (running) => {
          this.#context.currentTestId = running === 'hooks' ? hooks : running?.id
        },
      })
      this.#context.currentTestId = undefined
      times.push([path, performance.now() - begin])
      results.push(...of)
      addHooks(coverage, hooks, file)
    }
    const files = times.toSorted(([, a], [, b]) => a - b).map(([path]) => path)
    const testMs = Object.fromEntries(results.map(({ id, ms }) => [id, ms]))
    writeFileSync(measuredFile, JSON.stringify({ files, testMs, usersOf: usersOf(coverage) } satisfies Measured))
    return { status: DryRunStatus.Complete, tests: results.map(resultOf), mutantCoverage: coverage }
  }

  async mutantRun({
    activeMutant,
    testFilter,
    hitLimit,
    mutantActivation,
    sandboxFileName,
  }: MutantRunOptions): Promise<MutantRunResult> {
    const place = placeIn(relative(process.cwd(), sandboxFileName), activeMutant, 1)
    if (!isInSample(place)) return { status: MutantRunStatus.Error, errorMessage: 'not in the sample' }
    this.#noticedBefore ??= noticedBefore()
    const before = this.#noticedBefore.get(place)
    if (before) return { status: MutantRunStatus.Killed, killedBy: [...before], failureMessage: 'before', nrOfTests: 0 }
    const measured = (this.#measured ??= JSON.parse(readFileSync(measuredFile, 'utf8')) as Measured)
    const ids = testFilter && new Set(testFilter)
    const wanted = ids
      ? measured.files.filter((path) => testFilter.some((id) => id.startsWith(`${path} `)))
      : measured.files.filter((path) => measured.usersOf[activeMutant.id]?.includes(path))
    this.#context.activeMutant = mutantActivation === 'static' ? activeMutant.id : undefined
    this.#context.mutantCoverage = undefined
    this.#context.hitLimit = hitLimit
    this.#context.hitCount = hitLimit === undefined ? undefined : 0
    const results: TestResult[] = []
    this.#uncaught = undefined
    const timeoutMs = (id: string) => fixedMs + slowerBy * (measured.testMs[id] ?? 0)
    try {
      for (const path of wanted) {
        let file: LoadedFile
        try {
          file = await (mutantActivation === 'static' ? this.#loadAgain(path) : this.#load(path))
        } catch (error) {
          if (mutantActivation !== 'static') throw error
          // The mutant breaks the module itself.
          results.push({ id: `${path} loading`, ms: 0, failure: String(error) })
          break
        }
        this.#context.activeMutant = activeMutant.id
        results.push(...(await file.run(ids, { bail: true, timeoutMs })))
        if (mutantActivation !== 'static') this.#context.activeMutant = undefined
        await new Promise((resolve) => setImmediate(resolve))
        if (this.#uncaught) results.push({ id: `${path} afterwards`, ms: 0, failure: String(this.#uncaught) })
        if (results.some(({ failure }) => failure !== undefined)) break
      }
    } finally {
      this.#context.activeMutant = undefined
    }
    const limited = determineHitLimitReached(this.#context.hitCount, hitLimit)
    return toMutantRunResult(limited ?? { status: DryRunStatus.Complete, tests: results.map(resultOf) })
  }

  async #load(path: string): Promise<LoadedFile> {
    const known = this.#files.get(path)
    if (known) return known
    const { LoadedFile: Loaded } = await import('./jest-in-process.ts')
    const file = await Loaded.load(path, pathToFileURL(path).href)
    this.#files.set(path, file)
    return file
  }

  /** Loads the file and all that it imports from the sandbox, whatever was loaded before. */
  async #loadAgain(path: string): Promise<LoadedFile> {
    this.#loads += 1
    const { LoadedFile: Loaded } = await import('./jest-in-process.ts')
    return Loaded.load(path, `${pathToFileURL(path).href}?load=${this.#loads}`)
  }
}

/** The tests that noticed a mutant in an earlier run, by its place (`mutate.ts`). */
function noticedBefore(): ReadonlyMap<string, readonly string[]> {
  const file = process.env['MUTATION_BEFORE']
  const lines = file === undefined ? [] : readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const results = lines.map((line) => JSON.parse(line) as MutantResult & { readonly file: string })
  return new Map(
    results
      .filter(({ status }) => status === 'Killed' || status === 'Timeout')
      .map((mutant) => [placeIn(mutant.file, mutant), mutant.killedBy ?? []]),
  )
}

/** Test files in the sandbox, relative to it. */
function testFiles(): string[] {
  const { folders } = JSON.parse(process.env['MUTATION_TESTS'] ?? '{}') as { folders: readonly string[] }
  return folders
    .flatMap((folder) =>
      folder.endsWith('.test.ts')
        ? [folder]
        : readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter(isRun)
    .toSorted()
}

/** What runs once for a file is covered by each of its tests. */
function addHooks(coverage: MutantCoverage, hooks: string, file: LoadedFile): void {
  const shared = coverage.perTest[hooks]
  if (!shared) return
  delete coverage.perTest[hooks]
  for (const { id } of file.tests) {
    const own = (coverage.perTest[id] ??= {})
    for (const [mutant, count] of Object.entries(shared)) own[mutant] = (own[mutant] ?? 0) + count
  }
}

/**
 * For each mutant that was executed while modules were loaded: the test files that execute anything
 * else in the same module.
 */
function usersOf({ static: loading, perTest }: MutantCoverage): Record<string, string[]> {
  const moduleOf = new Map<string, string>()
  for (const name of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    for (const [, id = ''] of readFileSync(join('src', name), 'utf8').matchAll(/stryMutAct_\w+\("(\d+)"\)/g))
      moduleOf.set(id, name)
  }
  const users = new Map<string, Set<string>>()
  for (const [test, covered] of Object.entries(perTest)) {
    const file = test.slice(0, test.indexOf('.test.ts') + '.test.ts'.length)
    for (const mutant of Object.keys(covered)) {
      const module = moduleOf.get(mutant)
      if (module === undefined) continue
      const known = users.get(module) ?? new Set()
      users.set(module, known.add(file))
    }
  }
  const everyFile = new Set([...users.values()].flatMap((files) => [...files]))
  return Object.fromEntries(
    Object.keys(loading).map((mutant) => [mutant, [...(users.get(moduleOf.get(mutant) ?? '') ?? everyFile)]]),
  )
}

function resultOf({ id, ms, failure }: TestResult) {
  const base = { id, name: id, timeSpentMs: ms }
  return failure === undefined
    ? ({ ...base, status: TestStatus.Success } as const)
    : ({ ...base, status: TestStatus.Failed, failureMessage: failure } as const)
}

/** Writes each result as soon as it is known, so that a run that is ended is not lost. */
class LineReporter implements Reporter {
  readonly #file = process.env['MUTATION_LINES'] ?? ''

  onMutantTested({ fileName, mutatorName, replacement, location, status, statusReason, killedBy }: MutantResult): void {
    const file = relative(process.cwd(), fileName)
    const line = { file, mutatorName, replacement, location, status, statusReason, killedBy }
    if (this.#file !== '') appendFileSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.TestRunner, 'warm', WarmRunner),
  declareClassPlugin(PluginKind.Reporter, 'lines', LineReporter),
]
