import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventWeight } from '../../../src/core/delivery/event-weight.ts'
import type { MessageEvent } from '../../../src/core/model/channel-event.ts'
import { PageLimit } from '../../../src/core/sessions/page-limits.ts'
import { publish } from '../../client/numbered-messages.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

const kibibyte = 1024
const pageBytes = 256 * kibibyte
const messages = 20
const bodyBytes = 50 * kibibyte

let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway({ WARREN_MAX_HISTORY_BYTES: String(pageBytes) })
  for (let n = 0; n < messages; n += 1) await publish(gateway, 'alice', { n, pad: 'x'.repeat(bodyBytes) })
  await publish(gateway, 'large', 'x'.repeat(2 * pageBytes))
  await publish(gateway, 'large', 'small')
})
afterAll(() => gateway?.close())

interface Page {
  readonly events: readonly { readonly data: { readonly n: number } | string }[]
  readonly hasMore: boolean
  readonly cursor: string
}

interface Answer {
  readonly data: Record<string, Page> | null
  readonly errors?: readonly { readonly extensions: Record<string, unknown> }[]
}

async function overHttp(query: string, variables: Record<string, unknown> = {}): Promise<Answer> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as Answer
}

const oneOf = (clientId: string, data = 'data') =>
  `query Q($after: Cursor) { page: history(clientId: "${clientId}", first: 1000, after: $after) { events { ${data} } hasMore cursor } }`

async function pages(query: string): Promise<Page[]> {
  const all: Page[] = []
  for (let after: string | undefined; ; ) {
    const { data, errors } = await overHttp(query, { after })
    expect(errors).toBeUndefined()
    const page = data?.['page'] as Page
    all.push(page)
    after = page.cursor
    if (!page.hasMore) return all
  }
}

const refusal = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_HISTORY_BYTES' }

describe('a page of history', () => {
  test('ends before it holds too much, and its cursor continues', async () => {
    const all = await pages(oneOf('alice'))
    expect(all.flatMap(({ events }) => events.map(({ data }) => (data as { n: number }).n))).toEqual(
      Array.from({ length: messages }, (_, n) => n),
    )
    for (const { events } of all.slice(0, -1)) expect(events).toHaveLength(5)
  })

  test('holds fewer events if each is selected more often', async () => {
    const query = `${oneOf('alice', 'data again: data ...F')} fragment F on ChannelEvent { third: data }`
    const [first] = await pages(query)
    expect(first?.events).toHaveLength(1)
  })

  test('has at least one event, however large it is', async () => {
    const all = await pages(oneOf('large'))
    expect(all.map(({ events }) => events.map(({ data }) => (data as string).length))).toEqual([[2 * pageBytes], [5]])
  })
})

test('pages of one operation share their limit, and those of the next one have it again', async () => {
  const page = 'history(clientId: "alice", first: 100) { events { data } hasMore cursor }'
  for (let round = 0; round < 20; round += 1) {
    const { data, errors } = await overHttp(
      `{ a: ${page} b: history(clientId: "large") { events { data } } c: ${page} }`,
    )
    const events = Object.values(data ?? {}).flatMap((each) => each?.events ?? [])
    expect(JSON.stringify(events).length).toBeLessThan(4 * pageBytes)
    for (const { extensions } of errors ?? []) expect(extensions).toMatchObject(refusal)
    if (data === null) expect(errors?.length).toBeGreaterThan(0)
  }
  await using client = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: gateway.operatorToken },
  })
  for (let round = 0; round < 20; round += 1) {
    const { data } = await client.request(`{ ${page} }`)
    expect(data).toMatchObject({ history: { events: { length: 5 }, hasMore: true } })
  }
})

test('the memory of all pages is limited by caller and in total, and released', () => {
  const all = new PageLimit({ maxHistoryBytes: 100 })
  const open = Array.from({ length: 4 }, () => all.open())
  for (const pages of open) {
    pages.begin('alice', 60)
    expect([pages.take('alice', 40), pages.take('alice', 1)]).toEqual([true, false])
  }
  expect(() => all.open().begin('alice', 1)).toThrow(expect.objectContaining(refusal))
  const others = Array.from({ length: 12 }, (_, n) => {
    const pages = all.open()
    pages.begin(`bob ${n}`, 100)
    return pages
  })
  expect(() => all.open().begin('carol', 1)).toThrow(expect.objectContaining(refusal))
  others[0]?.close()
  all.open().begin('carol', 1)
  for (const pages of [...open, ...others]) pages.close()
  for (const pages of open) pages.close()
  expect(all.bytes).toBe(1)
})

test('an event weighs what its parsed values cost, and its headers', () => {
  const event = (body: string, headers?: Record<string, unknown>) =>
    ({ message: { body: Buffer.from(body), properties: { headers } } }) as unknown as MessageEvent
  const once = { data: 1, headers: 1 }
  expect(eventWeight(event(`[${'[],'.repeat(1_000)}0]`), once)).toBeGreaterThan(48_000)
  expect(eventWeight(event('""', { a: ['x'.repeat(1_000)] }), once)).toBeGreaterThan(1_000)
  expect(eventWeight(event('x'.repeat(1_000)), { data: 3, headers: 0 })).toBeGreaterThan(3_000)
  expect(eventWeight(event('x'.repeat(1_000)), { data: 0, headers: 0 })).toBeGreaterThan(1_000)
})
