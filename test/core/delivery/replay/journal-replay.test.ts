import { describe, expect, test } from '@jest/globals'
import { ChannelSubscription } from '../../../../src/core/delivery/channel-subscription.ts'
import { JournalReplay } from '../../../../src/core/delivery/replay/journal-replay.ts'
import { ReplayBatch } from '../../../../src/core/delivery/replay/replay-batch.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import type { HotWindow } from '../../../../src/core/ports/hot-window.ts'
import type { Journal } from '../../../../src/core/ports/journal.ts'
import { channelTopic } from '../../../../src/core/ports/topic.ts'
import { cursorAt, entryAt, RecordingReplayer } from '../events.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** A replay of a journal with entries `first` to `last`. The window has the last ten of them. */
function replayOf(first: number, last: number) {
  const entries = range(first, last).map((offset) => entryAt(offset, `body ${offset}`))
  const scans: unknown[] = []
  const story: unknown[] = []
  const state = { epoch: '00' as string | undefined, failure: undefined as Error | undefined, joins: true, entries }
  const { signal } = new AbortController()
  const journal = {
    repeats: true,
    scan: async (offset: number, visit: (entry: JournalMessage) => boolean, given: AbortSignal) => {
      scans.push([offset, given === signal])
      state.entries.filter((entry) => entry.offset >= offset).every(visit)
      if (state.failure) throw state.failure
    },
  } as Partial<Journal> as Journal
  const replay = new JournalReplay(
    {
      journal,
      hotWindow: { first: last - 9 } as HotWindow,
      epoch: () => state.epoch,
      onReached: (batch, subscription, { offset }, isOldest) => {
        story.push([subscription.channel, offset, isOldest])
        if (state.joins) batch.add(subscription, offset)
      },
      deliverEntry: (_, { offset }) => story.push(offset),
      onWindowReached: ({ lastOffset }) => story.push(`window at ${lastOffset}`),
      onInterrupted: () => story.push('interrupted'),
      onEnd: (_, unreached) => story.push(['end', ...unreached.map(({ channel }) => channel)]),
    },
    signal,
  )
  return { replay, scans, story, state, batch: new ReplayBatch(-1, '00') }
}

function subscribed(clientId: string, after: number): ChannelSubscription {
  const replayer = new RecordingReplayer()
  return new ChannelSubscription({ topic: channelTopic(clientId), after: cursorAt(after), replayer })
}

describe('a replay of the journal', () => {
  test('reads once for all up to the window; each subscription joins at its offset', async () => {
    const { replay, scans, story, batch } = replayOf(0, 20)
    await replay.begin(batch, [subscribed('late', 9), subscribed('early', 6), subscribed('too', 9)])
    expect(scans).toEqual([[0, true]])
    const joined = [['early', 6, false], 6, 7, 8, ['late', 9, false], ['too', 9, false], 9]
    expect(story).toEqual([...joined, 10, 11, 'window at 11', ['end']])
  })

  test('looks back over 1,000 entries, and leaves out a message that was published twice', async () => {
    const { replay, scans, story, state, batch } = replayOf(0, 2_010)
    state.entries = state.entries.map((entry) =>
      [1_500, 1_999].includes(entry.offset)
        ? { ...entry, body: Buffer.from('twice'), properties: { messageId: 'twice' }, redelivered: true }
        : entry,
    )
    await replay.begin(batch, [subscribed('alice', 1_998)])
    expect([scans, story]).toEqual([
      [[998, true]],
      [['alice', 1_998, false], 1_998, 2_000, 2_001, 'window at 2001', ['end']],
    ])
  })

  test('knows that no entry is older if the first one is not before the positions', async () => {
    const { replay, story, state, batch } = replayOf(10, 25)
    state.joins = false
    await replay.begin(batch, [subscribed('one', 3), subscribed('two', 10), subscribed('three', 11)])
    expect(story).toEqual([['one', 10, true], ['two', 10, true], 10, ['three', 11, false], 11, 'interrupted', ['end']])
  })

  test('is interrupted if the scan fails, and names the subscriptions that it has not reached', async () => {
    const { replay, story, state, batch } = replayOf(0, 20)
    state.entries.splice(4)
    state.failure = new Error('truncated')
    await replay.begin(batch, [subscribed('one', 2), subscribed('two', 7)])
    expect(story).toEqual([['one', 2, false], 2, 3, 'interrupted', ['end', 'two']])
  })

  test.each([undefined, '01'])('is interrupted at the window if the epoch has become %s', async (epoch) => {
    const { replay, story, state, batch } = replayOf(0, 12)
    state.epoch = epoch
    await replay.begin(batch, [subscribed('one', 2)])
    expect(story).toEqual([['one', 2, false], 2, 3, 'interrupted', ['end']])
  })
})
