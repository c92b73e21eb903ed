import { expect, test } from '@jest/globals'
import type { Gateway } from '../../../../src/core/gateway.ts'
import { JournalBrowser } from '../../../../src/core/inspection/journal/journal-browser.ts'
import type { ReplicaOutcomes } from '../../../../src/core/inspection/replica-outcomes.ts'
import type { Cursor } from '../../../../src/core/model/cursor.ts'
import type { Journal } from '../../../../src/core/ports/journal.ts'
import { storedEntries } from './stored-entries.ts'

test.each([
  ['in memory', 80],
  ['in the journal only', 98],
])('a cursor of a message %s finds the message, and a cursor of a mark finds nothing', async (_where, windowFrom) => {
  const { journal, hotWindow } = storedEntries({ windowFrom })
  const gateway = {
    epoch: 'one',
    exactPosition: async () => undefined,
    cursors: { parse: (text: string) => ({ epoch: 'one', offset: Number(text) }) as Cursor },
    tracer: { describe: () => ({}) },
  } as unknown as Gateway
  const outcomes = {
    complete: async (entries: readonly unknown[]) => ({ entries, unanswered: [] }),
  } as unknown as ReplicaOutcomes
  const browser = new JournalBrowser(gateway, journal as Journal, hotWindow, outcomes)
  expect((await browser.at('94'))?.entry.offset).toBe(94)
  expect(await browser.at('95')).toBeUndefined()
})
