import { expect, test } from '@jest/globals'
import { PageLimit } from '../../../src/core/sessions/page-limits.ts'

const full = expect.objectContaining({ code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_HISTORY_BYTES' })

test('the pages of an operation share its limit, to the byte', () => {
  const pages = new PageLimit({ maxHistoryBytes: 100 }).open()
  pages.begin('a', 40)
  expect([pages.take('a', 60), pages.take('a', 1)]).toEqual([true, false])
  expect(() => pages.begin('a', 1)).toThrow(full)
})

test('the first event of a page is accepted at any size', () => {
  const limit = new PageLimit({ maxHistoryBytes: 100 })
  const pages = limit.open()
  pages.begin('a', 1_000)
  expect([pages.take('a', 1), limit.bytes]).toEqual([false, 1_000])
})

test('a payer holds four times as much in all its operations, and all payers sixteen times', () => {
  const limit = new PageLimit({ maxHistoryBytes: 100 })
  for (let n = 0; n < 4; n += 1) limit.open().begin('a', 100)
  expect(() => limit.open().begin('a', 1)).toThrow(full)
  for (const payer of ['b', 'c', undefined]) for (let n = 0; n < 4; n += 1) limit.open().begin(payer, 99)
  expect(limit.bytes).toBe(400 + 12 * 99)
  limit.open().begin(undefined, 12)
  expect(() => limit.open().begin('d', 1)).toThrow(full)
})

test('closing gives back what the pages held, once, and counts nothing afterwards', () => {
  const limit = new PageLimit({ maxHistoryBytes: 100 })
  const pages = limit.open()
  pages.begin('a', 30)
  expect(pages.take(undefined, 20)).toBe(true)
  expect(pages.take('a', 10)).toBe(true)
  expect(limit.bytes).toBe(60)
  pages.close()
  pages.close()
  expect(limit.bytes).toBe(0)
  pages.take('a', 10)
  expect(limit.bytes).toBe(0)
})

test('an event that the page does not contain after all makes room for others', () => {
  const limit = new PageLimit({ maxHistoryBytes: 100 })
  const pages = limit.open()
  pages.begin('a', 60)
  expect([pages.take('a', 40), pages.take('a', 40)]).toEqual([true, false])
  pages.release('a', 40)
  expect([limit.bytes, pages.take('a', 41), pages.take('a', 40)]).toEqual([60, false, true])
  pages.close()
  expect(limit.bytes).toBe(0)
})
