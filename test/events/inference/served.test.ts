import { existsSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { GraphQLSchema } from 'graphql'
import { infer } from '../../../src/events/inference/infer.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'
import { SeededRandom } from '../seeded-random.ts'
import { randomSamples } from './random-samples.ts'
import { realWorldShapes } from './real-world-samples.ts'

/** The reader of SDL files is another part of typed events; without it these tests are skipped. */
const reader = new URL('../../../src/events/sdl/read-event-schema.ts', import.meta.url)
const testIfRead = existsSync(reader) ? test : test.skip

type Read = (
  files: readonly { readonly path: string; readonly text: string }[],
  options: {
    readonly coreSchema: GraphQLSchema
    readonly core: boolean
    readonly exchangeMap: ReadonlyMap<string, string>
    readonly namespace: string
  },
) => { readonly mistakes?: readonly { readonly message: string }[] }

async function mistakesIn(text: string): Promise<readonly string[]> {
  const { readEventSchema } = (await import(reader.href)) as { readEventSchema: Read }
  const options = { coreSchema, core: true, exchangeMap: new Map<string, string>(), namespace: 'warren' }
  const { mistakes = [] } = readEventSchema([{ path: 'draft.graphql', text }], options)
  return mistakes.map(({ message }) => message)
}

describe('the gateway accepts the draft for', () => {
  for (const { name, options, samples } of realWorldShapes) {
    testIfRead(name, async () => {
      expect(await mistakesIn(infer(samples, options))).toEqual([])
    })
  }

  testIfRead('random messages', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new SeededRandom(seed)
      const samples = randomSamples(random)
      const exchangeType = random.pick(['TOPIC', 'DIRECT', 'FANOUT', 'HEADERS'] as const)
      const mistakes = await mistakesIn(
        infer(samples, { exchange: random.pick(['orders', 'ü', 'channel']), exchangeType }),
      )
      expect({ seed, mistakes }).toEqual({ seed, mistakes: [] })
    }
  })
})
