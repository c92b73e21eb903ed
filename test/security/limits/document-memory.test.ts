import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { DocumentCache } from '../../../src/transports/graphql/document-cache.ts'
import { type GatewayProcess, startGateway } from '../../support/gateway/gateway-process.ts'

const mebibyte = 1024 * 1024

let gateway: GatewayProcess
beforeAll(async () => {
  // An anonymous sender of documents could fill a larger cache too; it only takes longer.
  gateway = await startGateway({ env: { NODE_OPTIONS: '--max-old-space-size=128' } })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

async function post(query: string): Promise<string> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  return response.text()
}

const bytes = 15_000
const documents = 40

test.each<[what: string, document: (n: number) => string, answer: RegExp]>([
  [
    'unused fragments',
    (n) => `{ gateway { version } } ${'fragment F on Gateway{a}'.repeat(600)} #${n}`,
    /WARREN_MAX_QUERY_COST/,
  ],
  [
    'unknown fields',
    (n) => `{ ${Array.from({ length: 980 }, (_, field) => `x${field}`).join(' ')} #${n}${'\n#'.repeat(2_000)}\n}`,
    /GRAPHQL_VALIDATION_FAILED/,
  ],
  ['a syntax error', (n) => `{ ${'a '.repeat(7_000)} ${n}`, /Syntax Error|WARREN_MAX_QUERY_COST/],
  [
    'valid fields',
    (n) => `{ ${Array.from({ length: 490 }, (_, m) => `a${n}x${m}:gateway{version}`).join('')} }`,
    /"data":\{"a\d+x0"/,
  ],
])('different documents of 15 KB with %s are forgotten', async (_what, document, answer) => {
  for (let n = 0; n < documents; n += 10) {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, m) => post(document(n + m).slice(0, bytes))))
    for (const text of answers) expect(text.slice(0, 200)).toMatch(answer)
  }
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024
  expect(resident).toBeLessThan(400)
  expect(await post('{ gateway { broker } }')).toBe('{"data":{"gateway":{"broker":"UP"}}}')
})

test('a document cache is limited by weight, keeps those in use, and stores no large one', () => {
  const cache = new DocumentCache()
  const text = (n: number) => `query Q${n} { ${'a '.repeat(500)} }`
  cache.set('in use', parse('{ a }'))
  for (let n = 0; n < 1_000; n += 1) {
    cache.set(text(n), parse(text(n)))
    expect(cache.get('in use')).toBeDefined()
  }
  expect(cache.bytes).toBeLessThanOrEqual(16 * mebibyte)
  expect(cache.size).toBeGreaterThan(20)
  expect([cache.get(text(0)), cache.get(text(999))]).toEqual([undefined, expect.anything()])
  const large = `{ ${'a '.repeat(5_000)} }`
  cache.set(large, parse(large))
  expect(cache.get(large)).toBeUndefined()
  const before = cache.bytes
  cache.set(text(999), parse(text(999)))
  expect(cache.bytes).toBe(before)
})
