import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { Seeded } from '../../ledger/seeded.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFramed, frameBytes } from '../../support/frames/framed.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { brokenLines, type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { repetitions } from '../../support/repetitions.ts'
import { mutatedText, mutatedValue, randomBytes } from './mutations.ts'

/** FUZZ_FRAMES=1000000 FUZZ_SEED=7 npm test -- test/transports/fuzz/fuzz-plain.test.ts */
const total = Number(process.env['FUZZ_FRAMES'] ?? repetitions(3_000, 6_000))
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121)
const atOnce = 12
const perConnection = 25

let gateway: GatewayProcess
let tokens: readonly string[]

beforeAll(async () => {
  gateway = await startGateway({
    env: {
      WARREN_LOG_FORMAT: 'json',
      WARREN_MAX_MESSAGE_BYTES: '64KiB',
      WARREN_TCP_ECHO_PORT: String(await freePort()),
    },
  })
  tokens = [await testToken({ sub: 'alice' }), await testToken({ scope: 'operator' }), 'not.a.token']
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

function requestOf(seeded: Seeded): Record<string, unknown> {
  const token = seeded.pick(tokens)
  return seeded.pick<Record<string, unknown>>([
    { action: 'authenticate', token, id: 1 },
    { action: 'subscribe', channel: 'alice', after: 'none', checkpoints: true },
    { action: 'unsubscribe', channel: 'alice' },
    { action: 'publish', channel: 'alice', data: { a: [1] }, headers: { h: 1 }, idempotencyKey: 'k' },
    { action: 'publish', exchange: 'warren.events', routingKey: 'client.alice', data: null },
    { action: 'search', value: 'a' },
    { action: 'pong' },
  ])
}

function frameOf(seeded: Seeded): Buffer {
  const request = requestOf(seeded)
  const chance = seeded.next()
  if (chance < 0.5)
    return frameBytes(Buffer.from(JSON.stringify(chance < 0.1 ? request : mutatedValue(request, seeded))))
  const content = Buffer.from(mutatedText(JSON.stringify(request), seeded))
  if (chance < 0.7)
    return frameBytes(content, { 'content-encoding': seeded.pick(['utf-16', 'utf-8', 'latin-1', 'rot13', 'ascii']) })
  if (chance < 0.8)
    return frameBytes(randomBytes(seeded, 40), { 'content-type': seeded.pick(['binary/x', '', 'text/json']) })
  if (chance < 0.97) {
    const header = mutatedValue(
      { 'content-length': content.length, byteorder: 'big', 'content-type': 'text/json' },
      seeded,
    )
    return frameBytes(
      content,
      typeof header === 'object' && header !== null ? { ...header } : { 'content-length': 2 ** 40 },
    )
  }
  return randomBytes(seeded, 60)
}

async function overTcp(seeded: Seeded, port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {}).resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect').catch(() => undefined)
  for (let count = 0; count < perConnection && socket.writable; count += 1) {
    const frame = frameOf(seeded)
    await new Promise<void>((resolve) => socket.write(frame, () => resolve()))
  }
  if (seeded.next() < 0.5) socket.resetAndDestroy()
  else socket.end()
  await closed
}

async function overWebSocket(seeded: Seeded): Promise<void> {
  const token = seeded.pick(tokens)
  const query = seeded.pick([
    `?token=${token}`,
    '',
    `?channel=alice&token=${token}`,
    `?channel=alice&after=x&envelope=none&token=${token}`,
    '?channel=%00&token=%ff',
    '?envelope=json',
  ])
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws${query}`)
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await Promise.race([once(socket, 'open'), closed])
  for (let count = 0; count < perConnection && socket.readyState === WebSocket.OPEN; count += 1) {
    const chance = seeded.next()
    const text = mutatedText(JSON.stringify({ token }), seeded)
    const frame = chance < 0.3 ? JSON.stringify({ token }) : chance < 0.8 ? text : randomBytes(seeded, 40)
    await new Promise<void>((resolve) => socket.send(frame, () => resolve()))
  }
  if (seeded.next() < 0.5) socket.terminate()
  else socket.close()
  await closed
}

/** No sender ends what others do: an exchange over each endpoint still works. */
async function stillServes(): Promise<void> {
  const operator = await testToken({ scope: 'operator' })
  await using client = await connectFramed(gateway.tcpPort)
  await client.ask({ action: 'authenticate', token: operator })
  await client.ask({ action: 'subscribe', channel: 'healthy' })
  await client.ask({ action: 'publish', channel: 'healthy', data: 'well' })
  await client.nextJson((json) => json['data'] === 'well')
  const url = `ws://127.0.0.1:${gateway.port}/ws?token=${operator}&envelope=json`
  await using one = await connectFrames(url)
  await using two = await connectFrames(url)
  for (const each of [one, two]) expect(JSON.parse(await each.next())).toEqual({ kind: 'joined' })
  one.send('well')
  expect(JSON.parse(await two.nextMatching((frame) => frame.includes('"well"')))).toEqual({
    kind: 'other',
    text: 'well',
  })
}

test(
  `${total} mutated frames (seed ${seed}) over framed TCP, echo and plain WebSocket break nothing, and leave nothing behind`,
  async () => {
    const echoPort = Number(gateway.env['WARREN_TCP_ECHO_PORT'])
    let sent = 0
    const lane = async (_: unknown, number: number) => {
      const seeded = new Seeded(seed + number)
      while (sent < total) {
        sent += 2 * perConnection
        await overTcp(seeded, gateway.tcpPort)
        await overWebSocket(seeded)
        if (seeded.next() < 0.1) await overTcp(seeded, echoPort)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    await stillServes()
    await eventually('every session and subscription to be gone', async () => {
      const metrics = await gateway.metrics()
      return ['connections', 'subscriptions'].every((what) =>
        ['tcp', 'websocket'].every((transport) => metrics.includes(`warren_${what}{transport="${transport}"} 0\n`)),
      )
    })
    expect(await gateway.metrics()).toMatch(/warren_outbox_bytes 0\n/)
    expect(brokenLines(gateway)).toEqual([])
    expect(await gateway.stop()).toBe(0)
  },
  90_000 + total * 5,
)
