import { describe, expect, test } from '@jest/globals'
import type { Message } from '../../../src/core/model/message.ts'
import { type QuarantineOrder, QuarantinePageBuilder } from '../../../src/core/quarantine/quarantine-page.ts'
import { quarantineId } from '../../../src/core/quarantine/quarantined-message.ts'

function copy(name: string, headers: Record<string, string> = {}): Message {
  return {
    exchange: 'warren.quarantine',
    routingKey: 'k',
    body: Buffer.from(name),
    properties: { messageId: name, headers: { 'x-warren-reason': 'broken-json', ...headers } },
    redelivered: false,
    receivedAt: 0,
  }
}

const stored = ['a', 'b', 'c', 'd', 'e'].map((name) => copy(name))
const idOf = (name: string): string => quarantineId(copy(name))

/** `room`: how many messages have room, whatever the page may hold. */
function page({
  first = 2,
  after,
  order,
  room = 100,
}: {
  first?: number
  after?: string
  order: QuarantineOrder
  room?: number
}) {
  let taken = 0
  const builder = new QuarantinePageBuilder(first, after === undefined ? undefined : idOf(after), order, {
    take: (_message, isFirst) => {
      if (!isFirst && taken >= room) return false
      taken += 1
      return true
    },
    release: () => {
      taken -= 1
    },
  })
  for (const message of stored) builder.pass(message)
  const { messages, hasMore, foundAfter, counted } = builder
  expect(counted).toHaveLength(stored.length)
  expect(taken).toBe(messages.length)
  return { names: messages.map(({ body }) => body.toString()).join(''), hasMore, foundAfter }
}

const orders = [
  ['oldest_first', ['ab', 'cd', 'e']],
  ['newest_first', ['ed', 'cb', 'a']],
] as const

describe.each(orders)('%s', (order, pages) => {
  test('the pages have each message once, in this order', () => {
    const found: string[] = []
    let after: string | undefined
    for (let hasMore = true; hasMore; ) {
      const answer = page({ order, ...(after === undefined ? {} : { after }) })
      expect(answer.foundAfter).toBe(true)
      found.push(answer.names)
      hasMore = answer.hasMore
      after = answer.names.at(-1)
    }
    expect(found).toEqual(pages)
  })

  test('a page ends early if its messages have no room, and holds at least one', () => {
    expect(page({ order, first: 5, room: 3 })).toMatchObject({ names: pages.join('').slice(0, 3), hasMore: true })
    expect(page({ order, first: 5, room: 0 })).toMatchObject({ names: pages.join('').slice(0, 1), hasMore: true })
    expect(page({ order, first: 5 })).toMatchObject({ names: pages.join(''), hasMore: false })
  })

  test('tells that the message which it continues after has left the quarantine', () => {
    expect(page({ order, after: 'gone' }).foundAfter).toBe(false)
  })
})

test('a header that another program wrote is not read as a time', () => {
  const builder = new QuarantinePageBuilder(1, undefined, 'newest_first', { take: () => true, release: () => {} })
  builder.pass(copy('a', { 'x-warren-received-at': '2026-01-01T00:00:00.000Z' }))
  builder.pass(copy('b', { 'x-warren-received-at': 'yesterday', 'x-warren-reason': 'schema' }))
  expect(builder.counted).toEqual([
    { reason: 'broken-json', receivedAt: Date.UTC(2026, 0, 1) },
    { reason: 'schema', receivedAt: undefined },
  ])
})
