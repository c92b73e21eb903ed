import { describe, expect, test } from '@jest/globals'
import { ReplayBatch } from '../../../../src/core/delivery/replay/replay-batch.ts'
import { WindowReplay } from '../../../../src/core/delivery/replay/window-replay.ts'
import { ChunkedHotWindow } from '../../../../src/hot-window/hot-window.ts'
import { entryAt } from '../events.ts'

describe('a replay of the hot window', () => {
  // `test/models/replay-to-live.pml` found the last case: PLANT_PAST_TAIL_UNCHECKED.
  test.each([
    ['goes live behind the newest entry', 7, 'live'],
    ['goes live after the rest of the window', 5, 'live'],
    ['resumes again if the window evicted entries that it has not read', 3, 'interrupted'],
    ['resumes again if a scan has read further than the tail', 8, 'interrupted'],
  ])('%s', (_, lastOffset, expected) => {
    const hotWindow = new ChunkedHotWindow({ maxBytes: 100_000, maxAgeMs: 60_000 })
    for (const offset of [5, 6, 7]) hotWindow.add(entryAt(offset, 'x', { receivedAt: Date.now() }))
    const outcomes: string[] = []
    const replay = new WindowReplay({
      hotWindow,
      isUp: () => true,
      deliverEntry: () => {},
      onEndReached: () => outcomes.push('live'),
      onInterrupted: () => outcomes.push('interrupted'),
    })
    const batch = new ReplayBatch(lastOffset, '00000000000000aa')
    replay.begin(batch)
    expect(outcomes).toEqual([expected])
  })
})
