import { describe, expect, test } from '@jest/globals'
import type { Message } from '../../../src/core/model/message.ts'
import { type QuarantineOrder, QuarantinePageBuilder } from '../../../src/core/quarantine/quarantine-page.ts'

function copy(name: string, headers: Readonly<Record<string, string | number>>): Message {
  return {
    exchange: 'warren.quarantine',
    routingKey: 'k',
    body: Buffer.from(name),
    properties: { messageId: name, headers: { 'x-warren-reason': 'broken-json', ...headers } },
    redelivered: false,
    receivedAt: 0,
  }
}

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
/** As a quorum queue returns visited messages. `b` and `c` came in the same millisecond. */
const stored = [
  copy('d', { 'x-warren-received-at': at(3), 'x-warren-offset': 12 }),
  copy('b', { 'x-warren-received-at': at(2), 'x-warren-offset': 9 }),
  copy('e', { 'x-warren-received-at': at(4), 'x-warren-offset': 1 }),
  copy('c', { 'x-warren-received-at': at(2), 'x-warren-offset': 10 }),
  copy('a', { 'x-warren-received-at': at(1), 'x-warren-offset': 11 }),
]

interface Asked {
  readonly first?: number
  readonly after?: string | undefined
  readonly order: QuarantineOrder
  /** How many messages have room, whatever the page may hold. */
  readonly room?: number
}

function page({ first = 2, after, order, room = 100 }: Asked, messages: readonly Message[] = stored) {
  let taken = 0
  const builder = new QuarantinePageBuilder(first, after, order, {
    take: (_message, isFirst) => {
      if (!isFirst && taken >= room) return false
      taken += 1
      return true
    },
    release: () => {
      taken -= 1
    },
  })
  for (const message of messages) builder.pass(message)
  expect(builder.counted).toHaveLength(messages.length)
  expect(taken).toBe(builder.messages.length)
  const { hasMore, endCursor } = builder
  return { names: builder.messages.map(({ body }) => body.toString()).join(''), hasMore, endCursor }
}

const orders = [
  ['oldest_first', ['ab', 'cd', 'e']],
  ['newest_first', ['ed', 'cb', 'a']],
] as const

describe.each(orders)('%s', (order, pages) => {
  test('the pages have each message once, in whatever order each visit passes them', () => {
    const found: string[] = []
    let after: string | undefined
    for (let turn = 0, hasMore = true; hasMore; turn += 1) {
      const answer = page({ order, after }, [...stored.slice(turn), ...stored.slice(0, turn)])
      found.push(answer.names)
      ;({ hasMore, endCursor: after } = answer)
    }
    expect(found).toEqual(pages)
  })

  test('a page ends early if its messages have no room, leaves none out, and holds at least one', () => {
    const all = pages.join('')
    for (const room of [0, 1, 2, 3, 4])
      for (let turn = 0; turn < stored.length; turn += 1) {
        const { names, hasMore, endCursor } = page({ order, first: 5, room }, [
          ...stored.slice(turn),
          ...stored.slice(0, turn),
        ])
        expect(names.length).toBeGreaterThan(0)
        expect(all.startsWith(names)).toBe(true)
        expect(hasMore).toBe(true)
        expect(page({ order, first: 5, after: endCursor }).names).toBe(all.slice(names.length))
      }
    expect(page({ order, first: 5 })).toMatchObject({ names: all, hasMore: false })
  })

  test('goes on although the last message of the page before has left the quarantine', () => {
    const { names, endCursor } = page({ order })
    const left = stored.filter(({ body }) => !names.includes(body.toString()))
    expect(page({ order, after: endCursor }, left).names).toBe(pages[1])
  })
})

test('a cursor of something else is an error that names it', () => {
  expect(() => page({ order: 'newest_first', after: 'abc' })).toThrow(
    'after: expected the endCursor of a page of the quarantine, got "abc"',
  )
})

test('a header that another program wrote is not read as a time', () => {
  const builder = new QuarantinePageBuilder(1, undefined, 'newest_first', { take: () => true, release: () => {} })
  builder.pass(copy('a', { 'x-warren-received-at': at(0), 'x-warren-offset': 'first' }))
  builder.pass(copy('b', { 'x-warren-received-at': 'yesterday', 'x-warren-reason': 'schema' }))
  expect(builder.counted).toEqual([
    { reason: 'broken-json', receivedAt: Date.UTC(2026, 0, 1) },
    { reason: 'schema', receivedAt: undefined },
  ])
  expect(builder.messages.map(({ body }) => body.toString())).toEqual(['a'])
})
