import { expect, test } from '@jest/globals'
import { buildSchema, parse, validateSchema } from 'graphql'
import { infer } from '../../../src/events/inference/infer.ts'
import { repetitions } from '../../support/repetitions.ts'
import { SeededRandom } from '../seeded-random.ts'
import { typedEventsPrelude } from '../typed-events-prelude.ts'
import { randomSamples } from './random-samples.ts'
import { SdlChecker } from './sdl-checker.ts'

test('messages of any kind give valid SDL, and each JSON message fits its types', () => {
  for (let seed = 1; seed <= repetitions(100, 500); seed += 1) {
    const random = new SeededRandom(seed)
    const samples = randomSamples(random)
    const exchange = random.pick(['orders', '', 'ü', 'a.b:C', '"', 'channel', 'Query'])
    const exchangeType = random.pick(['TOPIC', 'TOPIC', 'DIRECT', 'FANOUT', 'HEADERS'] as const)
    const sdl = infer(samples, { exchange, exchangeType })
    expect({ seed, errors: validateSchema(buildSchema(typedEventsPrelude + sdl)).map(String) }).toEqual({
      seed,
      errors: [],
    })
    const checker = new SdlChecker(parse(sdl))
    const readable = samples.filter(({ body }) => body !== undefined)
    const faults = readable.flatMap((sample) => checker.faults(sample))
    expect({ seed, faults }).toEqual({ seed, faults: [] })
  }
})
