import { beforeEach, expect, jest, test } from '@jest/globals'
import { JournalListener, type JournalListenerParts } from '../../src/core/journal-listener.ts'

let missed: jest.Mock
let listener: JournalListener

beforeEach(() => {
  missed = jest.fn()
  const cleared = { clear: () => {} }
  listener = new JournalListener({
    journal: { repeats: true },
    hotWindow: cleared,
    quarantine: cleared,
    observer: { log: () => {} },
    onMarksMissed: missed,
  } as unknown as JournalListenerParts)
  listener.onEpoch('00000000000000aa')
})

test('the first epoch has no marks that were missed', () => {
  expect(missed).not.toHaveBeenCalled()
})

test('marks are missed when the journal was replaced', () => {
  listener.onEpoch('00000000000000bb')
  expect(missed).toHaveBeenCalledTimes(1)
})

test('marks are missed when retention deleted what the tail had not read', () => {
  listener.onTruncated()
  expect(missed).toHaveBeenCalledTimes(1)
})
