import { describe, expect, test } from '@jest/globals'
import { LastEventsSearch } from '../../../../src/core/delivery/replay/last-events.ts'
import {
  firstOffsetFor,
  gapReasonAt,
  isUnread,
  placeOf,
  scanOffsetOf,
} from '../../../../src/core/delivery/replay/resume-position.ts'
import { fingerprintOf } from '../../../../src/core/model/cursor.ts'
import { cursorAt, entryAt } from '../events.ts'

/** The hot window holds the offsets 5 to 9, without 7. */
const range = {
  epoch: '00',
  first: 5,
  last: 9,
  at: (offset: number) => (offset < 5 || offset > 9 || offset === 7 ? undefined : entryAt(offset, `body ${offset}`)),
}
const positionAt = (offset: number, more: { epoch?: string; body?: string } = {}) => ({
  ...cursorAt(offset),
  epoch: more.epoch ?? '00',
  fingerprint: fingerprintOf(entryAt(offset, more.body ?? `body ${offset}`)),
})

function searchFrom(from: number | undefined): LastEventsSearch {
  const search = new LastEventsSearch(3)
  Object.defineProperty(search, 'from', { value: from })
  return search
}

describe('a subscription is served', () => {
  test.each([
    ['from the window if that has its message: the oldest', positionAt(5), 'window'],
    ['from the window if that has its message: the newest', positionAt(9), 'window'],
    ['from the journal if its position is before the window', positionAt(4), 'journal'],
    ['after a gap if the window has another message there', positionAt(6, { body: 'other' }), 'JOURNAL_REPLACED'],
    ['after a gap if the window has no message there', positionAt(7), 'JOURNAL_REPLACED'],
    ['later if its position lies ahead', positionAt(10), 'unknown'],
    [
      'later if its position is of another epoch, also one before the window',
      positionAt(4, { epoch: '01' }),
      'unknown',
    ],
    ['after a gap if its cursor cannot be parsed', 'invalid' as const, 'INVALID_CURSOR'],
  ])('%s', (_, position, place) => {
    expect(placeOf({ position, search: undefined }, range)).toBe(place)
  })

  test.each([
    ['from the window if it searches there', undefined, 'window', 0],
    ['from the window if its search begins there', 5, 'window', 5],
    ['from the journal if its search begins before the window', 4, 'journal', 4],
  ])('%s', (_, from, place, scanOffset) => {
    const resuming = { position: undefined, search: searchFrom(from) }
    expect([placeOf(resuming, range), scanOffsetOf(resuming)]).toEqual([place, scanOffset])
  })
})

test('a position is unread in another epoch, and beyond the last entry', () => {
  expect([isUnread(positionAt(9), '00', 9), isUnread(positionAt(10), '00', 9)]).toEqual([false, true])
  expect(isUnread(positionAt(1), '01', 9)).toBe(true)
})

describe('the entry that a scan finds for a position', () => {
  const position = positionAt(5)
  test.each([
    ['is its message', entryAt(5, 'body 5'), false, undefined],
    ['is its message, and the oldest one', entryAt(5, 'body 5'), true, undefined],
    ['is another message', entryAt(5, 'other'), true, 'JOURNAL_REPLACED'],
    ['lies behind a hole of the journal', entryAt(6, 'body 5'), false, 'JOURNAL_REPLACED'],
    ['is the oldest one, because retention deleted the position', entryAt(6, 'body 5'), true, 'RETENTION'],
  ])('%s', (_, entry, isOldest, reason) => {
    expect(gapReasonAt(position, entry, isOldest)).toBe(reason)
  })
})

test('a scan begins at the position, and the subscription receives what follows it', () => {
  const resuming = { position: positionAt(5), search: undefined }
  expect([scanOffsetOf(resuming), firstOffsetFor(resuming)]).toEqual([5, 6])
  expect(firstOffsetFor({ position: { ...positionAt(5), before: true }, search: undefined })).toBe(5)
  const without = { position: undefined, search: undefined }
  expect([scanOffsetOf(without), firstOffsetFor(without)]).toEqual([0, 0])
})
