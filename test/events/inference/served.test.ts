import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { ExchangeType } from '../../../src/core/model/source.ts'
import { infer } from '../../../src/events/inference/infer.ts'
import { readEventSchema } from '../../../src/events/sdl/read-event-schema.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'
import { pick, runs } from '../../support/property.ts'
import { anySamples } from './random-samples.ts'
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

  test('messages of any kind', () => {
    const exchange = pick('orders', 'ü', 'channel')
    const exchangeType = pick<ExchangeType>('TOPIC', 'DIRECT', 'FANOUT', 'HEADERS')
    const check = fc.property(anySamples, exchange, exchangeType, (samples, exchange, exchangeType) => {
      expect(mistakesIn(infer(samples, { exchange, exchangeType }))).toEqual([])
    })
    fc.assert(check, runs(20))
  })
})
