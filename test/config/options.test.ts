import { readdirSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { optionNames } from '../../src/config/options/options.ts'

test('each option is in the file of one area, and each area is in the table', async () => {
  const areas = readdirSync('src/config/options').filter((name) => !['option.ts', 'options.ts'].includes(name))
  const names = await Promise.all(
    areas.map(async (name) => {
      const exported = (await import(`../../src/config/options/${name}`)) as Record<string, object>
      return Object.values(exported).flatMap((table) => Object.keys(table))
    }),
  )
  expect(names.flat().toSorted()).toEqual(optionNames.toSorted())
})
