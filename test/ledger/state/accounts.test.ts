import { describe, expect, test } from '@jest/globals'
import { type KeyedChange, type KeyedRecord, type StatePhase, settleKeyed } from './keyed-account.ts'
import { type PositionAccount, type PositionSubscription, settlePosition } from './position-account.ts'

const changes: KeyedChange[] = [
  { key: 'a', removed: false },
  { key: 'b', removed: false },
  { key: 'a', removed: true },
  { key: 'b', removed: false },
  { key: 'c', removed: false },
]

const item = (number: number, phase: StatePhase = 'LIVE', reset = false): KeyedRecord => {
  const { key, removed } = changes[number - 1] ?? { key: '', removed: false }
  return { kind: 'item', phase, reset, key, removed, number }
}
const begins: KeyedRecord = { kind: 'begin', isFresh: true, attempted: 0 }
const resumes = (attempted: number): KeyedRecord => ({ kind: 'begin', isFresh: false, attempted })

const problemsOf = (records: KeyedRecord[], lost: number[] = [], isPaced = false) =>
  settleKeyed({ changes, lost: new Set(lost), records, isPaced }).problems.map((problem) => problem.split(' (')[0])

describe('the account of keyed state', () => {
  test.each<[string, KeyedRecord[], number[]]>([
    [
      'every change',
      [begins, { kind: 'empty', phase: 'SNAPSHOT_END', reset: true }, ...changes.map((_, n) => item(n + 1))],
      [],
    ],
    ['a snapshot behind a removal', [begins, item(2, 'SNAPSHOT_END', true), item(4), item(5)], []],
    [
      'a difference',
      [begins, item(1, 'SNAPSHOT_END', true), item(2), resumes(4), item(3, 'REBASED'), item(4, 'REBASED'), item(5)],
      [],
    ],
    ['what retention deleted before it was folded', [begins, item(2, 'SNAPSHOT_END', true), item(5)], [4]],
  ])('is even for %s', (_what, records, lost) => {
    expect(problemsOf(records, lost)).toEqual([])
  })

  test.each<[string, KeyedRecord[], string]>([
    [
      'a missing live change',
      [begins, item(1, 'SNAPSHOT_END', true), item(3), item(4), item(5)],
      'number 3 came where 2 was next',
    ],
    [
      'a missing key',
      [begins, item(5, 'SNAPSHOT_END', true)],
      'the snapshot is no fold of anything: b is missing, not 4',
    ],
    [
      'a key that came back',
      [begins, item(1, 'SNAPSHOT', true), item(4, 'SNAPSHOT_END'), item(5)],
      'the snapshot is no fold of anything: a is 1, not missing',
    ],
    [
      'a difference without a removal',
      [begins, item(1, 'SNAPSHOT_END', true), item(2), resumes(4), item(4, 'REBASED'), item(5)],
      'the map at number 5, behind what came instead of a part of the journal: a is 1, not missing',
    ],
    ['an end that is too early', [begins, item(2, 'SNAPSHOT_END', true), item(4)], 'it ended at number 4 of 5'],
  ])('names %s', (_what, records, problem) => {
    expect(problemsOf(records)).toContain(problem)
  })

  test('names an older value that a pace shows after a newer one', () => {
    const records = [begins, item(2, 'SNAPSHOT_END', true), item(4), item(2), item(4), item(5)]
    expect(problemsOf(records, [], true)).toEqual(['number 2 of b came after number 4'])
  })
})

const at = 100_000
const subscription = (device: string, began: number, numbers: number[]): PositionSubscription => ({
  device,
  began,
  events: numbers.map((number) => ({ number, offset: number * 10, at: began + number })),
  gaps: [],
  ended: undefined,
})
const settle = (given: Partial<PositionAccount>) =>
  settlePosition({
    subscriptions: [],
    acks: [],
    listed: [],
    publishedAt: new Map(),
    disturbances: [],
    acksDelivered: false,
    ...given,
  })
const acked = (number: number, asked: number) => ({ number, offset: number * 10, asked, answered: asked + 1 })

describe('the account of a position', () => {
  const phone = subscription('phone', at, [1, 2, 3, 4])

  test('is even where a device continues behind the last ack', () => {
    expect(
      settle({ subscriptions: [phone, subscription('tablet', at + 20_000, [3, 4])], acks: [acked(2, at + 5)] }),
    ).toEqual([])
  })

  test('names what was passed over, and what was acked and came again', () => {
    const acks = [acked(2, at + 5)]
    expect(settle({ subscriptions: [phone, subscription('tablet', at + 20_000, [4])], acks })).toEqual([
      'tablet began with 4, and 3 was never acked',
    ])
    expect(settle({ subscriptions: [phone, subscription('tablet', at + 20_000, [2, 3])], acks })).toEqual([
      'tablet began with 2, offset 20, and 20 was stored',
    ])
    // The gateway that took the ack may have been killed before it stored it.
    const disturbances = [{ from: at, to: at + 10 }]
    expect(settle({ subscriptions: [phone, subscription('tablet', at + 20_000, [2, 3])], acks, disturbances })).toEqual(
      [],
    )
  })

  test('names an event that is missing within a subscription, and a position that moves back', () => {
    const listed = [
      { offset: 40, asked: at, answered: at + 1 },
      { offset: 30, asked: at + 2, answered: at + 3 },
    ]
    expect(settle({ subscriptions: [subscription('phone', at, [1, 3])], listed })).toEqual([
      'phone received 3 after 1',
      'the position moved back from offset 40 to 30',
    ])
  })

  test('names a subscription that continues although a later one has the position', () => {
    const older = { ...phone, events: [...phone.events, { number: 5, offset: 50, at: at + 30_000 }] }
    const newer = subscription('tablet', at + 1_000, [1, 2, 3, 4])
    const publishedAt = new Map([[5, at + 29_000]])
    expect(settle({ subscriptions: [older, newer], publishedAt })).toEqual([
      'phone received 5 while another subscription had the position',
    ])
  })
})
