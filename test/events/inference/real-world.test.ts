import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { buildSchema, parse, validateSchema } from 'graphql'
import { infer } from '../../../src/events/inference/infer.ts'
import { typedEventsPrelude } from '../typed-events-prelude.ts'
import { realWorldShapes } from './real-world-samples.ts'
import { SdlChecker } from './sdl-checker.ts'

describe.each(realWorldShapes)('500 messages: $name', ({ name, options, samples }) => {
  const sdl = infer(samples, options)

  test('gives the SDL that was reviewed', () => {
    expect(sdl).toBe(readFileSync(new URL(`./golden/${name}.sdl`, import.meta.url), 'utf8'))
  })

  test('gives SDL that is valid with the directives of typed events', () => {
    expect(validateSchema(buildSchema(typedEventsPrelude + sdl))).toEqual([])
  })

  test('gives types that each message fits', () => {
    const checker = new SdlChecker(parse(sdl))
    expect(samples.flatMap((sample) => checker.faults(sample))).toEqual([])
  })

  test('shows no value of a message without examples', () => {
    const bare = infer(samples, { ...options, examples: false })
    expect(bare).not.toContain('such as')
    expect(bare.replace(/ #.*$/gm, '')).toBe(sdl.replace(/ #.*$/gm, ''))
  })
})
