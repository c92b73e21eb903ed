import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { RegistryReader } from '../../../src/core/clients/registry-reader.ts'

interface Row {
  readonly id: string
  readonly at: Date
}

const minute = 60_000
let asked: (number | undefined)[]
let taken: string[]
let errors: unknown[]
let answers: (() => Promise<Row[]>)[]
let reader: RegistryReader<Row>

beforeEach(() => {
  jest.useFakeTimers()
  asked = []
  taken = []
  errors = []
  answers = []
  reader = new RegistryReader<Row>({
    list: (after) => {
      asked.push(after?.getTime())
      return answers.shift()?.() ?? Promise.resolve([])
    },
    writtenAt: ({ at }) => at,
    take: ({ id }) => taken.push(id),
    logError: (error) => errors.push(error),
  })
})
afterEach(() => {
  reader.close()
  jest.useRealTimers()
})

const rows = (...given: readonly (readonly [id: string, at: number])[]) =>
  answers.push(async () => given.map(([id, at]) => ({ id, at: new Date(at) })))

test('reads all rows once, and every two seconds those written since, and five minutes before', async () => {
  rows(['a', 20 * minute], ['b', 10 * minute])
  await reader.open()
  expect([asked, taken]).toEqual([[undefined], ['a', 'b']])
  rows(['c', 30 * minute])
  await jest.advanceTimersByTimeAsync(1_999)
  expect(asked).toHaveLength(1)
  await jest.advanceTimersByTimeAsync(1)
  await jest.advanceTimersByTimeAsync(2_000)
  expect([asked, taken]).toEqual([
    [undefined, 15 * minute, 25 * minute],
    ['a', 'b', 'c'],
  ])
})

test('does not open if the registry does not answer', async () => {
  answers.push(() => Promise.reject(new Error('away')))
  await expect(reader.open()).rejects.toThrow('away')
  expect([jest.getTimerCount(), errors]).toEqual([0, []])
})

test('reads once more if it is asked to during a read, however often', async () => {
  const ends: (() => void)[] = []
  const waits = () => new Promise<Row[]>((resolve) => ends.push(() => resolve([])))
  answers.push(waits, waits)
  for (let calls = 0; calls < 3; calls += 1) reader.refresh()
  await jest.advanceTimersByTimeAsync(0)
  expect(asked).toHaveLength(1)
  ends.shift()?.()
  await jest.advanceTimersByTimeAsync(0)
  expect(asked).toHaveLength(2)
  ends.shift()?.()
  await jest.advanceTimersByTimeAsync(0)
  expect(asked).toHaveLength(2)
  reader.refresh()
  expect(asked).toHaveLength(3)
})

test('logs an error, and reads again later', async () => {
  await reader.open()
  const error = new Error('away')
  answers.push(() => Promise.reject(error))
  rows(['a', minute])
  await jest.advanceTimersByTimeAsync(4_000)
  expect([errors, taken]).toEqual([[error], ['a']])
})

test('reads no more after its end', async () => {
  await reader.open()
  reader.close()
  await jest.advanceTimersByTimeAsync(10_000)
  expect(asked).toHaveLength(1)
})
