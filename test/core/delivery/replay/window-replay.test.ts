import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { ChannelSubscription } from '../../../../src/core/delivery/channel-subscription.ts'
import { ReplayBatch } from '../../../../src/core/delivery/replay/replay-batch.ts'
import { WindowReplay } from '../../../../src/core/delivery/replay/window-replay.ts'
import { channelTopic } from '../../../../src/core/ports/topic.ts'
import { ChunkedHotWindow } from '../../../../src/hot-window/hot-window.ts'
import { entryAt, RecordingReplayer } from '../events.ts'

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate'] }))
afterEach(() => void jest.useRealTimers())

/** A replay of a window with the entries `first` to `last`, to a batch with one subscription. */
function replayOf(first: number, last: number, lastOffset = first - 1) {
  const hotWindow = new ChunkedHotWindow({ maxBytes: 10_000_000, maxAgeMs: 60_000 })
  for (let offset = first; offset <= last; offset += 1) hotWindow.add(entryAt(offset, 'x', { receivedAt: Date.now() }))
  const batch = new ReplayBatch(lastOffset, '00000000000000aa')
  const subscription = new ChannelSubscription({
    topic: channelTopic('alice'),
    after: undefined,
    replayer: new RecordingReplayer(),
  })
  batch.add(subscription, first)
  const outcomes: string[] = []
  const offsets: number[] = []
  const state = { isUp: true, entryMs: 0, onEntry: (_offset: number) => {} }
  const replay = new WindowReplay({
    hotWindow,
    isUp: () => state.isUp,
    deliverEntry: (of, { offset }) => {
      of.lastOffset = offset
      offsets.push(offset)
      if (state.entryMs > 0) jest.advanceTimersByTime(state.entryMs)
      state.onEntry(offset)
    },
    onEndReached: () => outcomes.push('live'),
    onInterrupted: () => outcomes.push('interrupted'),
  })
  return { replay, batch, subscription, outcomes, offsets, state }
}

/** The next slice runs in the next turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve))
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('a replay of the hot window', () => {
  // `test/models/replay-to-live.pml` found the last case: PLANT_PAST_TAIL_UNCHECKED.
  test.each([
    ['goes live behind the newest entry', 7, 'live', []],
    ['goes live after the rest of the window', 5, 'live', [6, 7]],
    ['reads the whole window if it begins just before it', 4, 'live', [5, 6, 7]],
    ['resumes again if the window evicted entries that it has not read', 3, 'interrupted', []],
    ['resumes again if a scan has read further than the tail', 8, 'interrupted', []],
  ])('%s', (_, lastOffset, outcome, read) => {
    const { replay, batch, outcomes, offsets } = replayOf(5, 7, lastOffset)
    replay.begin(batch)
    expect([outcomes, offsets, replay.busy]).toEqual([[outcome], read, false])
  })

  test('is interrupted if the window is empty', () => {
    const { replay, batch, outcomes } = replayOf(5, 4)
    replay.begin(batch)
    expect(outcomes).toEqual(['interrupted'])
  })

  test('reads 5,000 entries at a time, and leaves the event loop to others in between', async () => {
    const { replay, batch, outcomes, offsets } = replayOf(1, 10_001)
    replay.begin(batch)
    expect([offsets.length, outcomes, replay.busy]).toEqual([5_000, [], true])
    await turn()
    expect([offsets.length, outcomes, replay.busy]).toEqual([10_000, [], true])
    await turn()
    expect([offsets, outcomes, replay.busy]).toEqual([range(1, 10_001), ['live'], false])
  })

  test('reads for 20 ms at a time, and pauses afterwards for three times as long, at most 500 ms', async () => {
    const { replay, batch, outcomes, offsets, state } = replayOf(1, 4)
    expect(replay.pauseMs).toBe(0)
    state.entryMs = 10
    replay.begin(batch)
    expect([offsets, outcomes]).toEqual([[1, 2], []])
    await turn()
    expect([offsets, outcomes]).toEqual([[1, 2, 3, 4], []])
    await turn()
    expect([offsets, outcomes, replay.pauseMs]).toEqual([[1, 2, 3, 4], ['live'], 120])
    const slow = replayOf(1, 1)
    slow.state.entryMs = 1_000
    slow.replay.begin(slow.batch)
    await turn()
    expect([slow.outcomes, slow.replay.pauseMs]).toEqual([['live'], 500])
  })

  test('is interrupted if the journal goes down between two slices', async () => {
    const { replay, batch, outcomes, offsets, state } = replayOf(1, 6_000)
    replay.begin(batch)
    state.isUp = false
    await turn()
    expect([offsets.length, outcomes, replay.busy]).toEqual([5_000, ['interrupted'], false])
  })

  test('reads no further when its last subscription has left', () => {
    const { replay, batch, subscription, outcomes, offsets, state } = replayOf(1, 100)
    state.onEntry = (offset) => {
      if (offset === 10) batch.remove(subscription)
    }
    replay.begin(batch)
    expect([offsets, outcomes, replay.busy]).toEqual([range(1, 10), ['live'], false])
  })
})
