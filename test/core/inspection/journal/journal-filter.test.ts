import { describe, expect, test } from '@jest/globals'
import type { TracedField } from '../../../../src/core/accounting/replica-trace.ts'
import { filterTest, type JournalFilter } from '../../../../src/core/inspection/journal/journal-filter.ts'
import type { Audience } from '../../../../src/core/model/source.ts'
import type { WindowEntry } from '../../../../src/core/ports/hot-window.ts'
import { SourceRouter } from '../../../../src/core/sources/source-router.ts'

const entry = {
  exchange: 'orders',
  routingKey: 'order.17.created',
  properties: { messageId: 'o-17' },
  body: Buffer.from('{"total":9}'),
} as WindowEntry

function takes(filter: JournalFilter, audience: Audience = ['alice']): boolean {
  const sources = new SourceRouter(1_000)
  sources.bindingOf = (id) => (id === 'known' ? ({ exchange }) => exchange === 'orders' : undefined)
  const explain = () => [{ field: 'orderCreated' } as TracedField]
  return filterTest(filter, { sources, explain, audienceOf: () => audience })(entry)
}

describe('a filter of the journal', () => {
  test.each<[JournalFilter, boolean]>([
    [{}, true],
    [{ exchange: 'orders' }, true],
    [{ exchange: 'others' }, false],
    [{ routingKey: 'order.*.created' }, true],
    [{ routingKey: 'order.*' }, false],
    [{ text: '"total"' }, true],
    [{ text: 'sum' }, false],
    [{ search: 'o-17' }, true],
    [{ search: 'order 17' }, true],
    [{ search: 'order 18' }, false],
    [{ source: 'known' }, true],
    [{ channel: 'alice' }, true],
    [{ channel: 'bob' }, false],
    [{ field: 'orderCreated' }, true],
    [{ field: 'orderPaid' }, false],
    [{ exchange: 'orders', channel: 'bob' }, false],
  ])('%j takes a message: %s', (filter, expected) => {
    expect(takes(filter)).toBe(expected)
  })

  test('takes a message for everyone, whichever client is named', () => {
    expect(takes({ channel: 'bob' }, 'everyone')).toBe(true)
  })

  test.each<[string, JournalFilter]>([
    ['an unknown source', { source: 'unknown' }],
    ['an empty search', { search: ' ' }],
    ['a long search', { search: 'x'.repeat(10_000) }],
  ])('refuses %s', (_what, filter) => {
    expect(() => takes(filter)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }))
  })
})
