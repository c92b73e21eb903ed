import { beforeEach, expect, jest, test } from '@jest/globals'
import { JournalListener, type JournalListenerParts } from '../../src/core/journal-listener.ts'

let lost: jest.Mock<() => Promise<void>>
let listener: JournalListener

beforeEach(async () => {
  lost = jest.fn(() => Promise.resolve())
  const cleared = { clear: () => {} }
  listener = new JournalListener({
    journal: { repeats: true },
    hotWindow: cleared,
    quarantine: cleared,
    invalidEvents: cleared,
    observer: { log: () => {} },
    onMarksLost: lost,
  } as unknown as JournalListenerParts)
  await listener.onEpoch('00000000000000aa')
})

test('marks may be lost before the first epoch', () => {
  expect(lost).toHaveBeenCalledTimes(1)
})

test('marks are lost when the journal was replaced, and the new epoch waits for what replaces them', async () => {
  lost.mockClear()
  let done: () => void = () => undefined
  lost.mockReturnValueOnce(
    new Promise((resolve) => {
      done = resolve
    }),
  )
  let begun = false
  const begins = listener.onEpoch('00000000000000bb').then(() => {
    begun = true
  })
  await Promise.resolve()
  expect([lost.mock.calls.length, begun]).toEqual([1, false])
  done()
  await begins
  expect(begun).toBe(true)
})

test('marks are lost when retention deleted what the tail had not read, and the next entry waits', async () => {
  lost.mockClear()
  const replaced = Promise.resolve()
  lost.mockReturnValueOnce(replaced)
  expect(listener.onTruncated()).toBe(replaced)
  expect(lost).toHaveBeenCalledTimes(1)
})
