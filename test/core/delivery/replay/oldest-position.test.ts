import { expect, test } from '@jest/globals'
import { OldestPosition } from '../../../../src/core/delivery/replay/oldest-position.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import type { Journal } from '../../../../src/core/ports/journal.ts'
import { entryAt } from '../events.ts'

/** `scan`: what a read does with `visit`. */
function oldestOf(scan: (visit: (entry: JournalMessage) => boolean) => void, epoch: string | null = '00') {
  const reads: unknown[] = []
  const { signal } = new AbortController()
  const journal = {
    scan: async (offset: number, visit: (entry: JournalMessage) => boolean, given: AbortSignal) => {
      reads.push([offset, given === signal])
      scan(visit)
    },
  } as Partial<Journal> as Journal
  const oldest = new OldestPosition({ journal, cursors: undefined as never, epoch: () => epoch ?? undefined }, signal)
  return { oldest, reads }
}

test('the oldest position is just before the first entry; callers at the same time share a read', async () => {
  const visited: unknown[] = []
  const { oldest, reads } = oldestOf((visit) => visited.push(visit(entryAt(7))))
  const [one, other] = await Promise.all([oldest.read(), oldest.read()])
  expect([one, reads, visited]).toEqual([
    expect.objectContaining({ epoch: '00', offset: 7, before: true }),
    [[0, true]],
    [false],
  ])
  expect(other).toBe(one)
  await oldest.read()
  expect(reads).toHaveLength(2)
})

test('null is answered if the read fails, if it is stopped, or while the journal is down', async () => {
  const failing = oldestOf(() => {
    throw new Error('replaced')
  })
  const stopped = oldestOf(() => {})
  expect([await failing.oldest.read(), await stopped.oldest.read()]).toEqual([null, null])
  const visits: unknown[] = []
  const down = oldestOf((visit) => visits.push(visit(entryAt(7))), null)
  expect([await down.oldest.read(), visits]).toEqual([null, [false]])
})
