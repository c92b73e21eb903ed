import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { build, patched } from './run/build.ts'
import { mutants } from './run/mutant-list.ts'
import { runSeeds } from './run/seeds.ts'

/** How many runs are part of every test run. `npm run simulate` runs as many as wanted. */
const seeds = { from: 1, to: 400, size: 0.5, workers: 2, stopAfter: 1 }
/** A run of the test file may share its processors. */
const timeoutMs = 600_000

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
    const some = { ...seeds, to: 40, size: 1 }
    const first = await runSeeds(out, { ...some, workers: 1 }, () => undefined)
    const second = await runSeeds(out, some, () => undefined)
    expect(second.digest).toBe(first.digest)
  },
  timeoutMs,
)

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

  test.each([
    'resume at the cursor instead of after it',
    'off by one at the hole of a segment',
    'a grant is not checked again when the token is renewed',
  ])(
    'are found: %s',
    async (name) => {
      const planted = build(mutants.find((mutant) => mutant.name === name)?.patches)
      try {
        const { failed } = await runSeeds(planted, { ...seeds, size: 1 }, () => undefined)
        expect(failed.length).toBeGreaterThan(0)
      } finally {
        rmSync(planted, { recursive: true, force: true })
      }
    },
    timeoutMs,
  )
})
