import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { RateLimit } from '../../../src/core/limits/rate-limit.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

const perSecond = 5
let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway({ WARREN_MAX_SUBSCRIBE_RATE: String(perSecond), WARREN_PROXY_HOPS: '1' })
})
afterAll(() => gateway?.close())
/** A second of its own for each test, which lasts as long as the requests need. */
let now = Date.now()
beforeEach(() => {
  now += 2_000
  jest.spyOn(Date, 'now').mockReturnValue(now)
})
afterEach(() => void jest.restoreAllMocks())

interface Asking {
  readonly from: string
  readonly token?: string
  readonly path?: string
  readonly query?: string
}

/** The statuses of `count` requests at once. */
async function ask(count: number, { from, token, path = '/graphql', query = '{ gateway { version } }' }: Asking) {
  const headers = {
    'content-type': 'application/json',
    'x-forwarded-for': from,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const init = path === '/graphql' ? { method: 'POST', body: JSON.stringify({ query }) } : {}
  return Promise.all(
    Array.from({ length: count }, async () => {
      const response = await fetch(`${gateway.url}${path}`, { ...init, headers })
      return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
    }),
  )
}

const refused = (answers: Awaited<ReturnType<typeof ask>>) => answers.filter(({ status }) => status === 429)

test.each([
  ['operations', {}],
  ['invalid operations', { query: '{ nothing }' }],
  ['requests with an invalid token', { token: 'not-a-token' }],
  ['calls of the REST API', { path: '/jwt' }],
])('%s are refused above the rate of an address, with the time to wait', async (what, asking) => {
  const answers = refused(await ask(5 * perSecond, { from: `192.0.2.${what.length}`, ...asking }))
  expect(answers).toHaveLength(4 * perSecond)
  for (const { retryAfter, text } of answers) {
    expect(retryAfter).toBe('1')
    expect(text).toContain('"code":"LIMIT_EXCEEDED"')
    expect(text).toContain('"limit":"WARREN_MAX_SUBSCRIBE_RATE"')
  }
})

test('an address counts as its network, and each network separately', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 * perSecond }, (_, n) => ask(1, { from: `2001:db8:1:2::${n.toString(16)}` })),
  )
  expect(refused(answers.flat())).toHaveLength(4 * perSecond)
  const elsewhere = await Promise.all([
    ask(1, { from: '2001:db8:1:3::1' }),
    ask(1, { from: '192.0.2.200' }),
    ask(1, { from: '::ffff:192.0.2.201' }),
  ])
  expect(refused(elsewhere.flat())).toEqual([])
})

test('a client id is counted across addresses, and its neighbours at one address are not', async () => {
  const alice = await gateway.clientToken('alice')
  const answers = await Promise.all(
    Array.from({ length: 5 * perSecond }, (_, n) => ask(1, { from: `198.51.100.${n}`, token: alice })),
  )
  expect(refused(answers.flat())).toHaveLength(4 * perSecond)
  const others = await Promise.all(
    Array.from({ length: 4 * perSecond }, async (_, n) =>
      ask(1, { from: '198.51.100.1', token: await gateway.clientToken(`bob-${n}`) }),
    ),
  )
  expect(refused(others.flat())).toEqual([])
})

test('publishers have ten times as many', async () => {
  expect(refused(await ask(5 * perSecond, { from: '203.0.113.1', token: gateway.publisherToken }))).toEqual([])
  const answers = refused(await ask(30 * perSecond, { from: '203.0.113.2', token: gateway.publisherToken }))
  expect(answers).toHaveLength(20 * perSecond)
})

test('counts restart each second, and callers beyond the tracked number share one count', () => {
  const rates = new RateLimit()
  const at = 1_000_000
  expect([1, 2, 3].map(() => rates.exceeds('a', 2, at))).toEqual([undefined, undefined, 1_000])
  expect(rates.exceeds('a', 2, at + 1_000)).toBeUndefined()
  for (let n = 0; n < 99_999; n += 1) rates.exceeds(`caller ${n}`, 1, at + 1_000)
  expect([1, 2].map((n) => rates.exceeds(`late ${n}`, 1, at + 1_001))).toEqual([undefined, 999])
  expect(rates.exceeds('a', 1, at)).toBeUndefined()
})
