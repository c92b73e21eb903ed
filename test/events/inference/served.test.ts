import { describe, expect, test } from '@jest/globals'
import { infer } from '../../../src/events/inference/infer.ts'
import { readEventSchema } from '../../../src/events/sdl/read-event-schema.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'
import { repetitions } from '../../support/repetitions.ts'
import { SeededRandom } from '../seeded-random.ts'
import { randomSamples } from './random-samples.ts'
import { realWorldShapes } from './real-world-samples.ts'

const options = { coreSchema, core: true, exchangeMap: new Map<string, string>(), namespace: 'warren' }

function mistakesIn(text: string): readonly string[] {
  const reading = readEventSchema([{ path: 'draft.graphql', text }], options)
  return 'mistakes' in reading ? reading.mistakes.map(({ message }) => message) : []
}

describe('the gateway accepts the draft for', () => {
  for (const { name, options, samples } of realWorldShapes) {
    test(name, () => {
      expect(mistakesIn(infer(samples, options))).toEqual([])
    })
  }

  test('random messages', () => {
    for (let seed = 1; seed <= repetitions(40, 200); seed += 1) {
      const random = new SeededRandom(seed)
      const samples = randomSamples(random)
      const exchangeType = random.pick(['TOPIC', 'DIRECT', 'FANOUT', 'HEADERS'] as const)
      const mistakes = mistakesIn(infer(samples, { exchange: random.pick(['orders', 'ü', 'channel']), exchangeType }))
      expect({ seed, mistakes }).toEqual({ seed, mistakes: [] })
    }
  })
})
