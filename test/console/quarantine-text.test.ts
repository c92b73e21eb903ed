import { expect, test } from '@jest/globals'
import { quarantineText } from '../../src/console/views/quarantine/quarantine-text.ts'

const counts = (reasons: Readonly<Record<string, number>>) =>
  Object.entries(reasons).map(([reason, count]) => ({ reason, count }))

const text = (
  all: number,
  reasons: Readonly<Record<string, number>>,
  ofToday: Readonly<Record<string, number>>,
  unread = 0,
): string => quarantineText({ count: all, unread, reasons: counts(reasons), ofToday: counts(ofToday) })

test('the heading counts all messages and those of today, with their reasons', () => {
  expect(text(1_240, { 'broken-json': 1_000, schema: 240 }, { schema: 12 })).toBe(
    '1,240 messages cannot be read or do not fit the schema: broken JSON 1,000, schema 240. 12 came today: schema.',
  )
  expect(text(3, { 'broken-json': 3 }, { 'broken-json': 3 })).toBe(
    '3 messages cannot be read: broken JSON. All came today.',
  )
  expect(text(3, { 'broken-json': 3 }, { 'broken-json': 2 })).toBe(
    '3 messages cannot be read: broken JSON. 2 came today.',
  )
  expect(text(1, { schema: 1 }, {})).toBe('1 message does not fit the schema. It came before today.')
  expect(text(2, { schema: 2 }, {})).toBe('2 messages do not fit the schema. None came today.')
})

test('the heading has how many are counted if those are not all', () => {
  expect(text(7_000, { 'too-deep': 5_000 }, { 'too-deep': 5_000 })).toBe(
    '7,000 messages cannot be read: too deep. The first 5,000 of the queue are counted. All came today.',
  )
  // Those that RabbitMQ cannot deliver have a banner of their own.
  expect(text(5, { 'too-deep': 3 }, { 'too-deep': 3 }, 2)).toBe('5 messages cannot be read: too deep. All came today.')
})
