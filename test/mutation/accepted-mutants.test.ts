import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

test('every accepted mutant is of a line that exists', () => {
  const list = JSON.parse(readFileSync(new URL('accepted-mutants.json', import.meta.url), 'utf8')) as readonly {
    readonly file: string
    readonly code: string
  }[]
  const lost = list.filter(({ file, code }) => {
    const lines = readFileSync(file, 'utf8').split('\n')
    return !lines.some((line) => line.trim() === code)
  })
  expect(list.length).toBeGreaterThan(100)
  expect(lost).toEqual([])
})
