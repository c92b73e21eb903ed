import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { buildSchema, parse, validateSchema } from 'graphql'
import type { ExchangeType } from '../../../src/core/model/source.ts'
import { infer } from '../../../src/events/inference/infer.ts'
import { pick, runs } from '../../support/property.ts'
import { typedEventsPrelude } from '../typed-events-prelude.ts'
import { anySamples } from './random-samples.ts'
import { SdlChecker } from './sdl-checker.ts'

test('messages of any kind give valid SDL, and each JSON message fits its types', () => {
  const exchange = pick('orders', '', 'ü', 'a.b:C', '"', 'channel', 'Query')
  const exchangeType = pick<ExchangeType>('TOPIC', 'TOPIC', 'DIRECT', 'FANOUT', 'HEADERS')
  const check = fc.property(anySamples, exchange, exchangeType, (samples, exchange, exchangeType) => {
    const sdl = infer(samples, { exchange, exchangeType })
    expect(validateSchema(buildSchema(typedEventsPrelude + sdl)).map(String)).toEqual([])
    const checker = new SdlChecker(parse(sdl))
    const readable = samples.filter(({ body }) => body !== undefined)
    expect(readable.flatMap((sample) => checker.faults(sample))).toEqual([])
  })
  fc.assert(check, runs(60))
})
