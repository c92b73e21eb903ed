import { inspect } from 'node:util'
import { ModernFakeTimers } from '@jest/fake-timers'
import type { Circus } from '@jest/types'
import { expect } from 'expect'
import { addEventHandler, getState, resetState, run, setState } from 'jest-circus'
import { ModuleMocker } from 'jest-mock'

/**
 * What `@jest/globals` exports, without jest's module registry: test files are loaded once and
 * their tests run many times. `warm-runner.ts` resolves the name to this file.
 */
export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from 'jest-circus'
export { expect }

const timers = new ModernFakeTimers({
  config: { rootDir: process.cwd(), fakeTimers: {} } as ConstructorParameters<typeof ModernFakeTimers>[0]['config'],
  global: globalThis,
})
const mocker = new ModuleMocker(globalThis)

/** The part of jest's object that tests without a process of their own use. */
export const jest = {
  useFakeTimers: (options?: Parameters<typeof timers.useFakeTimers>[0]) => timers.useFakeTimers(options),
  useRealTimers: () => timers.useRealTimers(),
  advanceTimersByTime: (ms: number) => timers.advanceTimersByTime(ms),
  advanceTimersByTimeAsync: (ms: number) => timers.advanceTimersByTimeAsync(ms),
  setSystemTime: (now: number) => timers.setSystemTime(now),
  getTimerCount: () => timers.getTimerCount(),
  spyOn: mocker.spyOn.bind(mocker),
  fn: mocker.fn.bind(mocker),
  restoreAllMocks: () => mocker.restoreAllMocks(),
}

export interface LoadedTest {
  /** Unique among all files. */
  readonly id: string
  readonly entry: Circus.TestEntry
  readonly mode: Circus.TestMode
}

export interface TestResult {
  readonly id: string
  readonly ms: number
  /** The first error; undefined if the test passed. */
  readonly failure: string | undefined
}

/** What runs at the moment: a test, or the hooks of a file that run once. */
export type Listener = (running: LoadedTest | 'hooks' | undefined) => void

export interface RunOptions {
  /** No test after the first failure. */
  readonly bail: boolean
  readonly timeoutMs: (id: string) => number
  readonly listener?: Listener
}

const hookTimeoutMs = 30_000

export class LoadedFile {
  readonly path: string
  readonly tests: readonly LoadedTest[]
  readonly #root: Circus.DescribeBlock

  private constructor(path: string, root: Circus.DescribeBlock) {
    this.path = path
    this.#root = root
    const names = new Map<string, number>()
    this.tests = [...testsOf(root)].map((entry) => {
      const name = `${path} ${fullName(entry)}`
      const count = (names.get(name) ?? 0) + 1
      names.set(name, count)
      return { id: count === 1 ? name : `${name} #${count}`, entry, mode: entry.mode }
    })
  }

  static async load(path: string, url: string): Promise<LoadedFile> {
    resetState()
    await import(url)
    const { rootDescribeBlock } = getState()
    return new LoadedFile(path, rootDescribeBlock)
  }

  /** Runs the tests with these ids, or all. */
  async run(ids: ReadonlySet<string> | undefined, { bail, timeoutMs, listener }: RunOptions): Promise<TestResult[]> {
    const chosen = this.tests.filter(({ id }) => ids?.has(id) ?? true)
    if (chosen.length === 0) return []
    for (const { id, entry, mode } of this.tests) {
      reset(entry, ids && !ids.has(id) ? 'skip' : mode)
      entry.timeout = timeoutMs(id)
    }
    resetState()
    const state = getState()
    const root = this.#root
    setState({ ...state, rootDescribeBlock: root, currentDescribeBlock: root, testTimeout: hookTimeoutMs })
    const byEntry = new Map(this.tests.map((test) => [test.entry, test]))
    const unsubscribe = subscribe((event) => {
      if (event.name === 'test_start') listener?.(byEntry.get(event.test))
      else if (event.name === 'hook_start' && isOnce(event.hook)) listener?.('hooks')
      else if (event.name === 'test_done' || event.name === 'hook_success' || event.name === 'hook_failure') {
        if (event.name !== 'test_done' && !isOnce(event.hook)) return
        listener?.(undefined)
        if (event.name === 'test_done' && bail && event.test.errors.length > 0)
          for (const { entry } of this.tests) entry.mode = 'skip'
      }
    })
    try {
      const { unhandledErrors } = await run()
      const results = chosen.filter(({ entry }) => entry.status === 'done').map(resultOf)
      const [unhandled] = unhandledErrors
      if (unhandled !== undefined) results.push({ id: `${this.path} hooks`, ms: 0, failure: unhandled })
      return results
    } finally {
      unsubscribe()
      timers.useRealTimers()
      mocker.restoreAllMocks()
    }
  }
}

let onEvent: (event: Circus.Event) => void = () => {}
let listening = false

function subscribe(handler: (event: Circus.Event) => void): () => void {
  if (!listening) addEventHandler((event) => onEvent(event))
  listening = true
  onEvent = handler
  return () => {
    onEvent = () => {}
  }
}

function isOnce({ type }: Circus.Hook): boolean {
  return type === 'beforeAll' || type === 'afterAll'
}

function* testsOf(block: Circus.DescribeBlock): Generator<Circus.TestEntry> {
  for (const child of block.children) {
    if (child.type === 'test') yield child
    else yield* testsOf(child)
  }
}

function fullName(test: Circus.TestEntry): string {
  const names = [test.name]
  for (let block: Circus.DescribeBlock | undefined = test.parent; block?.parent; block = block.parent)
    names.unshift(block.name)
  return names.join(' ')
}

/** Circus keeps the result of a run in the entry of the test. */
function reset(entry: Circus.TestEntry, mode: Circus.TestMode): void {
  entry.mode = mode
  entry.errors = []
  entry.status = null
  entry.invocations = 0
  entry.startedAt = null
  entry.duration = null
  entry.seenDone = false
  entry.retryReasons = []
}

/** A test may fail with any value: a promise that is rejected with undefined is a failure too. */
function resultOf({ id, entry }: LoadedTest): TestResult {
  const [error] = entry.errors as readonly unknown[]
  const first: unknown = Array.isArray(error) ? error[0] : error
  const failure = first instanceof Error ? first.message : inspect(first)
  return { id, ms: entry.duration ?? 0, failure: entry.errors.length === 0 ? undefined : failure }
}
