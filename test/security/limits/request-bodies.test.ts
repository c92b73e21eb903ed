import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

let gateway: GatewayProcess
let tokens: Record<'anonymous' | 'alice' | 'publisher', string | undefined>

beforeAll(async () => {
  gateway = await startGateway({ env: { WARREN_PROXY_HOPS: '1' } })
  tokens = {
    anonymous: undefined,
    alice: await testToken({ sub: 'alice' }),
    publisher: await testToken({ scope: 'publish' }),
  }
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

/** The status of an answer to a body of this many bytes. */
async function post(
  bytes: number,
  { who, chunked, path = '/graphql' }: { who: keyof typeof tokens; chunked: boolean; path?: string },
): Promise<number> {
  const query = '{ gateway { version } }'
  const empty = JSON.stringify({ query, variables: { pad: '' } })
  const body = JSON.stringify({ query, variables: { pad: 'x'.repeat(bytes - empty.length) } })
  const outgoing = request(`${gateway.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bytes) }),
      ...(tokens[who] === undefined ? {} : { authorization: `Bearer ${tokens[who]}` }),
    },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [{ statusCode: number; resume(): void }]
  response.resume()
  return response.statusCode
}

describe('a body may be as large as its sender needs', () => {
  test.each([
    ['anonymous', 64 * kibibyte],
    ['alice', mebibyte],
    ['publisher', 4 * mebibyte],
  ] as const)('%s: at most %d bytes, with and without a length', async (who, most) => {
    for (const chunked of [false, true]) {
      expect([await post(most, { who, chunked }), await post(most + 1, { who, chunked })]).toEqual([200, 413])
    }
  })
})

test('unread bodies are not held in memory', async () => {
  const large = { who: 'publisher', chunked: false } as const
  for (let n = 0; n < 6; n += 1) expect(await post(4 * mebibyte, { ...large, path: '/nothing' })).toBe(404)
  expect(await post(4 * mebibyte, large)).toBe(200)
})

test('unfinished bodies are limited by address, and other addresses send theirs', async () => {
  const residentBytes = () =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * kibibyte
  const before = residentBytes()
  const piece = 'x'.repeat(4 * mebibyte - 1_000)
  const statusOf = async (from: string): Promise<string> => {
    const socket = connect(gateway.port, '127.0.0.1')
    const head = [
      'POST /graphql HTTP/1.1',
      'host: localhost',
      `x-forwarded-for: ${from}`,
      `authorization: Bearer ${tokens.publisher}`,
      'content-type: application/json',
      `content-length: ${4 * mebibyte}`,
    ]
    const sent = new Promise<string>((resolve) =>
      socket.write(`${head.join('\r\n')}\r\n\r\n${piece}`, () => resolve('sent')),
    )
    const answered = once(socket, 'data').then(([data]) => String(data).slice(0, 12))
    sockets.push(socket)
    // A refused client receives the answer while it still sends its body.
    return Promise.race([answered, sent.then(() => Promise.race([answered, settled]))])
  }
  const sockets: { destroy(): void }[] = []
  let settle: (status: string) => void = () => {}
  const settled = new Promise<string>((resolve) => {
    settle = resolve
  })
  const many = Array.from({ length: 20 }, () => statusOf('192.0.2.1'))
  const refusals = Array.from({ length: 15 }, () => 'HTTP/1.1 429')
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    for (const each of many) {
      void each.then((status) => {
        seen.push(status)
        if (seen.length === refusals.length) resolve()
      })
    }
  })
  expect(seen).toEqual(refusals)
  expect(residentBytes() - before).toBeLessThan(96 * mebibyte)
  expect(await post(64 * kibibyte, { who: 'anonymous', chunked: false })).toBe(200)
  settle('held')
  for (const socket of sockets) socket.destroy()
})
