import { describe, expect, test } from '@jest/globals'
import type { TracedField } from '../../src/core/accounting/replica-trace.ts'
import { MessageReader, type MessageReaderParts } from '../../src/core/message-reader.ts'
import { type Cursor, cursorOf } from '../../src/core/model/cursor.ts'
import type { Audience } from '../../src/core/model/source.ts'
import type { RoutedMessage } from '../../src/core/offline/offline-hook.ts'
import type { WindowEntry } from '../../src/core/ports/hot-window.ts'
import { noRecipients } from '../../src/core/ports/topic.ts'
import { testCursors } from '../support/gateway/deployment-keys.ts'

const epoch = '00112233aabbccdd'
const entry = (offset: number, given: Partial<WindowEntry> = {}) =>
  ({
    offset,
    receivedAt: 1_000 + offset,
    exchange: 'orders',
    routingKey: 'order.created',
    properties: {},
    body: Buffer.from(`${offset}`),
    ...given,
  }) as WindowEntry
const entries = [entry(1), entry(2, { mark: true }), entry(3, { unreadable: true }), entry(4), entry(5)]

function readerOf(given: Partial<MessageReaderParts> = {}): MessageReader {
  return new MessageReader({
    hotWindow: {
      visit: (offset, visit) => void entries.filter((one) => one.offset > offset).every((one) => visit(one)),
    },
    sources: {
      audienceOf: () => ['read'],
      knownAudienceOf: () => ['remembered'],
      matchingIds: () => ['first', 'second'],
    },
    events: undefined,
    listener: {
      cursorOf: (message) => cursorOf(testCursors, epoch, message),
      recipientsOf: ({ offset }) => ({ ...noRecipients, clients: [`client-${offset}`] }),
    },
    ...given,
  })
}

const parsed = (text: string): Cursor | undefined => testCursors.parse(text)

describe('a message', () => {
  test('has the clients that the sources find, or found before', () => {
    expect([readerOf().audienceOf(entry(1)), readerOf().audienceOf(entry(1), 'window')]).toEqual([
      ['read'],
      ['remembered'],
    ])
  })

  test.each<['window' | 'journal']>([['window'], ['journal']])(
    'from the %s has no clients if its body cannot be decoded',
    (from) => {
      const fail = (): Audience => {
        throw new Error('no gzip')
      }
      const sources = { audienceOf: fail, knownAudienceOf: fail, matchingIds: () => [] }
      expect(readerOf({ sources }).audienceOf(entry(1), from)).toEqual([])
    },
  )

  test('is explained by the schema, which may ask for its cursor', () => {
    const asked: string[] = []
    const field = { field: 'orderCreated' } as TracedField
    const explain: NonNullable<MessageReaderParts['events']>['explain'] = (_message, cursor) => {
      asked.push(cursor())
      return [field]
    }
    expect(readerOf({ events: { explain } }).explain(entry(4))).toEqual([field])
    expect(asked.map((text) => parsed(text)?.offset)).toEqual([4])
    expect(readerOf().explain(entry(4))).toEqual([])
  })

  test('is described with its cursor, the one before it, and its first source', () => {
    const { describe: describeIt, ...rest } = readerOf().routed(entry(4), 'everyone')
    expect(rest).toEqual({ offset: 4, at: 1_004, clients: 'everyone' })
    const { cursor, after, ...described } = describeIt()
    expect(described).toEqual({ source: 'first', exchange: 'orders' })
    expect([parsed(cursor), parsed(after)]).toMatchObject([
      { offset: 4, before: false },
      { offset: 4, before: true },
    ])
  })
})

test('the messages of the hot window are visited until it is enough, without marks', () => {
  const visited: RoutedMessage[] = []
  readerOf().visitRecent(0, (message) => visited.push(message) < 2)
  expect(visited.map(({ offset, clients }) => [offset, clients])).toEqual([
    [1, ['client-1']],
    [4, ['client-4']],
  ])
})
