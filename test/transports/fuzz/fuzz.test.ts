import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { channelQuery, listen } from '../../e2e/back-end/graphql-caller.ts'
import { Seeded } from '../../ledger/seeded.ts'
import { eventually } from '../../support/eventually.ts'
import { brokenLines, type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { repetitions } from '../../support/repetitions.ts'
import { mutatedText, mutatedValue, randomBytes } from './mutations.ts'

/** FUZZ_FRAMES=3000000 FUZZ_SEED=7 npm test -- test/transports/fuzz/fuzz.test.ts */
const total = Number(process.env['FUZZ_FRAMES'] ?? repetitions(3_000, 20_000))
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121)
const atOnce = 16
const perConnection = 25
const withinMs = 300_000 + total * 5

let gateway: GatewayProcess
let tokens: readonly string[]

beforeAll(async () => {
  gateway = await startGateway({
    env: { WARREN_LOG_FORMAT: 'json', WARREN_MAX_MESSAGE_BYTES: '64KiB', WARREN_TEST_ROUTES: 'on' },
  })
  tokens = [await testToken({ sub: 'alice' }), await testToken({ scope: 'operator' }), 'not.a.token']
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

const documents: readonly [query: string, variables: Record<string, unknown>][] = [
  [channelQuery, { clientId: 'alice', after: 'none' }],
  ['query Q($id: ID!) { clientChannel(clientId: $id) { name cursor } gateway { broker } }', { id: 'alice' }],
  [
    'query H($first: Int) { history(clientId: "alice", first: $first) { events { data } gap { reason } } }',
    { first: 3 },
  ],
  [
    'mutation P($input: PublishInput!) { publish(input: $input) { messageId } }',
    { input: { clientId: 'alice', data: { a: [1] }, headers: { h: 1 }, type: 't' } },
  ],
  [
    'mutation R($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }',
    { input: { routingKey: 'f.{clientId}', clientId: null } },
  ],
  ['mutation S($token: String!) { refreshSession(token: $token) { clientId } }', { token: 'x' }],
  ['fragment F on Gateway { version } query I { gateway { ...F ...F } __schema { queryType { name } } }', {}],
]

function payloadOf(seeded: Seeded): Record<string, unknown> {
  const [query, variables] = seeded.pick(documents)
  const extensions = seeded.next() < 0.2 ? { headers: { Authorization: `Bearer ${seeded.pick(tokens)}` } } : {}
  return { query, variables, extensions, operationName: null }
}

function frameOf(seeded: Seeded): string | Buffer {
  const id = String(Math.floor(seeded.next() * 5))
  const frame = seeded.pick<Record<string, unknown>>([
    { id, type: 'subscribe', payload: payloadOf(seeded) },
    { id, type: 'subscribe', payload: payloadOf(seeded) },
    { id, type: 'complete' },
    { type: 'ping', payload: { a: 1 } },
    { type: 'pong' },
    { id, type: 'next', payload: {} },
  ])
  const chance = seeded.next()
  if (chance < 0.2) return JSON.stringify(frame)
  if (chance < 0.75) return JSON.stringify(mutatedValue(frame, seeded))
  if (chance < 0.95) return mutatedText(JSON.stringify(frame), seeded)
  return randomBytes(seeded, 40)
}

/** Whole frames over a well-behaved WebSocket. */
async function overWebSocket(seeded: Seeded): Promise<void> {
  const socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws')
  socket.on('error', () => {})
  await once(socket, 'open')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const init = { type: 'connection_init', payload: { token: seeded.pick(tokens) } }
  socket.send(JSON.stringify(seeded.next() < 0.8 ? init : mutatedValue(init, seeded)))
  for (let count = 0; count < perConnection && socket.readyState === WebSocket.OPEN; count += 1) {
    await new Promise<void>((resolve) => socket.send(frameOf(seeded), () => resolve()))
  }
  // The gateway may have closed it.
  if (seeded.next() < 0.5) socket.terminate()
  else socket.close()
  await closed
}

/** Bytes over a TCP socket: requests, and upgrades with broken frames behind them. */
async function overTcp(seeded: Seeded): Promise<void> {
  const socket = connect(gateway.port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const body = JSON.stringify(mutatedValue(payloadOf(seeded), seeded))
  const lines = [
    `${seeded.pick(['GET', 'POST', 'OPTIONS', 'PUT', 'HEAD', 'CONNECT'])} ${seeded.pick(['/graphql', '/', '/graphql?query={gateway{version}}', '//', '/%00', '*', '/graphql?token=x'])} HTTP/1.1`,
    'Host: localhost',
    `Accept: ${seeded.pick(['application/json', 'text/event-stream', '*/*', '', 'text/html'])}`,
    `Content-Type: ${seeded.pick(['application/json', 'application/graphql', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'text/plain'])}`,
    `Authorization: Bearer ${seeded.pick(tokens)}`,
    seeded.pick([
      'Connection: close',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws',
    ]),
    seeded.pick([
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Transfer-Encoding: chunked',
      'Content-Length: -1',
      'X: y',
    ]),
  ]
  const request = `${lines.join('\r\n')}\r\n\r\n`
  socket.write(seeded.next() < 0.6 ? request : mutatedText(request, seeded))
  // WebSocket frames: one that announces a gibibyte, reserved bits, no mask, a control frame that
  // is too long.
  const frames = [
    Buffer.from('818000000000', 'hex'),
    Buffer.from('81ff0000000040000000aabbccdd', 'hex'),
    Buffer.from('f18000000000', 'hex'),
    Buffer.from('8103616263', 'hex'),
    Buffer.from('89fe0100aabbccdd', 'hex'),
    randomBytes(seeded, 30),
  ]
  socket.write(seeded.next() < 0.5 ? body : seeded.pick(frames))
  socket.end()
  // The gateway waits for the rest of a request with a body that is too short; the test does not.
  const timer = setTimeout(() => socket.destroy(), 300)
  await closed
  clearTimeout(timer)
}

test(
  `${total} mutated frames and requests (seed ${seed}) break nothing, and leave nothing behind`,
  async () => {
    const lanes = Array.from({ length: atOnce }, (_, lane) => new Seeded(seed + lane))
    let sent = 0
    const run = async (seeded: Seeded) => {
      while (sent < total) {
        sent += perConnection
        await overWebSocket(seeded)
        // At the same time, because most wait for a time-out. Each draws its numbers before it waits.
        await Promise.all([overTcp(seeded), overTcp(seeded), overTcp(seeded)])
      }
    }
    // Measured when caches and buffers have reached their size.
    const residentBytes = () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024
    const before = residentBytes()
    await Promise.all(lanes.map(run))
    expect(residentBytes() - before).toBeLessThan(256 * 1024 * 1024)

    await eventually('every session and subscription to be gone', async () => {
      const metrics = await gateway.metrics()
      return ['connections', 'subscriptions'].every((what) =>
        ['graphql-ws', 'sse'].every((transport) => metrics.includes(`warren_${what}{transport="${transport}"} 0\n`)),
      )
    })
    await using listener = await listen(gateway.graphqlSocketUrl, tokens[0] ?? '', { clientId: 'alice', after: 'none' })
    expect((await listener.next()).kind).toBe('GAP')
    expect(brokenLines(gateway)).toEqual([])
    expect(await gateway.stop()).toBe(0)
  },
  withinMs,
)
