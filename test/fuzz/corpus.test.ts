import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { targets } from './targets.ts'

const corpus = fileURLToPath(new URL('corpus', import.meta.url))

test('each target has a corpus, and each corpus a target', () => {
  expect(readdirSync(corpus).toSorted()).toEqual([...targets.keys()])
})

/** What `npm run fuzz` found: inputs that reach all the code that any input reached. */
test.each([...targets])('the corpus of %s breaks nothing', async (name, fuzz) => {
  const files = readdirSync(`${corpus}/${name}`)
  expect(files.length).toBeGreaterThan(5)
  for (const file of files) await fuzz(readFileSync(`${corpus}/${name}/${file}`))
})
