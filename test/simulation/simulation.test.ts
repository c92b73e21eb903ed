import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { repetitions } from '../support/repetitions.ts'
import { build, patched } from './run/build.ts'
import { mutants } from './run/mutant-list.ts'
import { runSeeds } from './run/seeds.ts'
import { WorkerProcess } from './run/worker-process.ts'
import type { Script } from './world/script.ts'
import type { RunResult } from './world/world.ts'

/** `npm run simulate` runs as many as wanted. */
const seeds = { from: 1, to: repetitions(100, 3_000), size: 0.5, workers: 2, stopAfter: 1 }
/** A run of the test file may share its processors. */
const timeoutMs = 1_800_000
/** Runs that failed once, made smaller. Their names are what was wrong. */
const scripts = join(dirname(fileURLToPath(import.meta.url)), 'scripts')

let out = ''

beforeAll(() => {
  out = build()
})

afterAll(() => rmSync(out, { recursive: true, force: true }))

test(
  `keeps the promises of docs/delivery.md in ${seeds.to} simulated runs`,
  async () => {
    const { failed, seeds: ran, delivered } = await runSeeds(out, seeds, () => undefined)
    const found = failed.map(({ seed, result }) => `seed ${seed}: ${result.violation?.details}`)
    expect(found).toEqual([])
    expect(ran).toBe(seeds.to)
    expect(delivered).toBeGreaterThan(seeds.to)
  },
  timeoutMs,
)

test(
  'repeats a run bit for bit',
  async () => {
    const some = { ...seeds, to: repetitions(8, 20) }
    const first = await runSeeds(out, { ...some, workers: 1 }, () => undefined)
    const second = await runSeeds(out, { ...some, workers: 1 }, () => undefined)
    expect(second.digest).toBe(first.digest)
  },
  timeoutMs,
)

describe('scripts', () => {
  let worker: WorkerProcess
  beforeAll(() => {
    worker = new WorkerProcess(out)
  })
  afterAll(() => worker.end())

  test.each(readdirSync(scripts))(
    'keeps the promises in the run %s',
    async (name) => {
      const script = JSON.parse(readFileSync(join(scripts, name), 'utf8')) as Script
      const results: RunResult[] = []
      await worker.run({ kind: 'script', script, keepsLog: true }, (report) => {
        if (report.kind === 'ran') results.push(report.result)
      })
      expect(results.map(({ violation }) => violation)).toEqual([undefined])
    },
    timeoutMs,
  )
})

describe('planted bugs', () => {
  test('are changes of code that exists', () => {
    for (const { patches } of mutants) {
      for (const { file, from, to } of patches) {
        const text = patched(file, patches)
        expect(text).toContain(to)
        expect(from).not.toBe(to)
      }
    }
    expect(mutants.length).toBeGreaterThanOrEqual(15)
  })

  test(
    'are found',
    async () => {
      const planted = build(mutants.find(({ name }) => name === 'the first entry of a replay is skipped')?.patches)
      try {
        const { failed } = await runSeeds(planted, { ...seeds, to: 120, size: 0.9 }, () => undefined)
        expect(failed.length).toBeGreaterThan(0)
      } finally {
        rmSync(planted, { recursive: true, force: true })
      }
    },
    timeoutMs,
  )
})
