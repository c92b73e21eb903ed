import { expect, test } from '@jest/globals'
import type { ConsoleStats } from '../../src/console/shell/stats.tsx'
import { concernsOf } from '../../src/console/views/overview/concerns-of.ts'

type Ended = Parameters<typeof concernsOf>[1]['ended'][number]

const cutOff: Ended = {
  id: '1-1',
  replica: 'vm:4870',
  clientId: 'tablet-17',
  transport: 'sse',
  address: '127.0.0.1:4000',
  reason: 'slow-consumer',
  endedAt: '2026-11-29T15:48:33.120Z',
  delivered: 10,
  dropped: 42,
}

/** The members that the concerns read. */
interface Given {
  readonly dropped?: number
  readonly waitingClients?: readonly string[]
  readonly withoutClient?: number
}

function statsOf({ dropped = 0, waitingClients = [], withoutClient = 0 }: Given = {}) {
  const replica = {
    name: 'vm:4870',
    state: 'SERVING',
    load: null,
    sessions: 1,
    outbox: { waitingSessions: waitingClients.length, waitingClients },
  }
  return {
    accounts: { total: { difference: 0, dropped } },
    replicas: [replica],
    byOutcome: [],
    withoutClient: { total: withoutClient, perSecond: 0 },
  } as unknown as ConsoleStats
}

const listed = (stats: ConsoleStats, ended: readonly Ended[] = [], quarantined = 0) =>
  concernsOf(stats, { brokerAway: false, ended, zone: 'utc', quarantined }).map(({ title, text }) => [
    title,
    // The date is there unless it is today's.
    text.replace('2026-11-29 ', ''),
  ])

test('dropped events are named with the client and the time, after the client has gone', () => {
  expect(listed(statsOf({ dropped: 42 }), [cutOff])).toEqual([
    ['42 events were dropped', 'Last at 15:48:33: tablet-17, slow consumer, 42 dropped.'],
  ])
  expect(listed(statsOf({ dropped: 1 }))).toEqual([
    ['1 event was dropped', 'By the overflow policy, in sessions that are open.'],
  ])
})

test('a client that was cut off is named, although no event was dropped', () => {
  const others = [
    { ...cutOff, dropped: 0 },
    { ...cutOff, id: '1-2', clientId: 'bob', dropped: 0 },
  ]
  expect(listed(statsOf(), others)).toEqual([
    ['2 clients were cut off', 'Last at 15:48:33: tablet-17, slow consumer. 1 other client before.'],
  ])
  expect(listed(statsOf())).toEqual([])
})

test('slow sessions are named', () => {
  const [[title] = []] = listed(statsOf({ waitingClients: ['tablet-17'] }))
  expect(title).toBe('1 session is slow on vm:4870: tablet-17')
})

test('the numbers are those of the sources and of the quarantine, for both kinds of messages in it', () => {
  expect(listed(statsOf({ withoutClient: 53 }), [], 74)).toEqual([
    ['53 messages found no client', 'Since the replicas started, none now. The sources show samples with the reason.'],
    [
      '74 messages are in the quarantine',
      'A body that cannot be read, or that does not fit the schema. The messages around them were delivered.',
    ],
  ])
})
