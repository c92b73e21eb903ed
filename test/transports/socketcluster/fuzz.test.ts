import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { Seeded } from '../../ledger/seeded.ts'
import { shakeHands, socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { eventually } from '../../support/eventually.ts'
import { brokenLines, type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { repetitions } from '../../support/repetitions.ts'
import { mutatedText, mutatedValue, randomBytes } from '../fuzz/mutations.ts'

/** FUZZ_FRAMES=3000000 FUZZ_SEED=7 npm test -- test/transports/socketcluster/fuzz.test.ts */
const total = Number(process.env['FUZZ_FRAMES'] ?? repetitions(2_000, 8_000))
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121)
const atOnce = 16
const perConnection = 25
const withinMs = 300_000 + total * 5

let gateway: GatewayProcess
let tokens: readonly (string | null)[]

beforeAll(async () => {
  gateway = await startGateway({
    env: {
      WARREN_LOG_FORMAT: 'json',
      WARREN_MAX_MESSAGE_BYTES: '64KiB',
      WARREN_LEGACY_ACCESS: 'open',
      // Otherwise most of the time would go into hashing passwords.
      WARREN_MAX_PASSWORD_FAILURES: '1',
    },
  })
  tokens = [
    await testToken({ sub: 'alice' }),
    await testToken({ sub: 'alice', scope: 'operator' }),
    'not.a.token',
    null,
  ]
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

function packetOf(seeded: Seeded): Record<string, unknown> {
  const cid = Math.floor(seeded.next() * 20)
  const channel = seeded.pick(['alice', 'bob', 'room.1', '__proto__'])
  return seeded.pick<Record<string, unknown>>([
    { event: '#subscribe', data: { channel, data: { after: 'none', cursors: true } }, cid },
    { event: '#subscribe', data: channel, cid },
    { event: '#unsubscribe', data: channel, cid },
    { event: '#publish', data: { channel, data: { a: [1, { b: null }] } }, cid },
    { event: '#publish', data: { channel, data: 'text' } },
    { event: '#authenticate', data: seeded.pick(tokens), cid },
    { event: '#removeAuthToken' },
    { event: '#handshake', data: { authToken: seeded.pick(tokens) }, cid },
    { event: 'login', data: { clientId: 'alice', name: 'A', email: 'a', password: 'p' }, cid },
    { event: 'chat', data: 1, cid },
    { rid: cid, data: null, error: null },
  ])
}

function frameOf(seeded: Seeded): string | Buffer {
  const chance = seeded.next()
  if (chance < 0.03) return seeded.pick(['', '#1', '#2'])
  const packet =
    chance < 0.9 ? packetOf(seeded) : Array.from({ length: 1 + Math.floor(seeded.next() * 6) }, () => packetOf(seeded))
  const kind = seeded.next()
  if (kind < 0.3) return JSON.stringify(packet)
  if (kind < 0.8) return JSON.stringify(mutatedValue(packet, seeded)) ?? ''
  if (kind < 0.96) return mutatedText(JSON.stringify(packet), seeded)
  return randomBytes(seeded, 40)
}

async function connection(seeded: Seeded): Promise<number> {
  const query = seeded.pick(['', '?protocolVersion=1', '?protocolVersion=2', '?protocolVersion=%00'])
  const socket = new WebSocket(socketClusterUrl(gateway.url, query))
  socket.on('error', () => {})
  let received = 0
  let done: (value?: unknown) => void = () => {}
  const answered = new Promise((resolve) => {
    done = resolve
  })
  socket.on('message', (data: Buffer) => {
    received += 1
    if (data.toString().includes('"rid":"last"')) done()
  })
  await once(socket, 'open')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const handshake = { event: '#handshake', data: { authToken: seeded.pick(tokens) }, cid: 1 }
  socket.send(JSON.stringify(seeded.next() < 0.85 ? handshake : mutatedValue(handshake, seeded)))
  for (let count = 0; count < perConnection && socket.readyState === WebSocket.OPEN; count += 1) {
    await new Promise<void>((resolve) => socket.send(frameOf(seeded), () => resolve()))
  }
  // A client without a handshake gets no answer and closes by itself.
  if (seeded.next() < 0.7) {
    socket.send('{"event":"#handshake","data":{},"cid":"last"}', () => {})
    await Promise.race([answered, closed])
  }
  // The gateway may have closed the connection already.
  if (seeded.next() < 0.5) socket.terminate()
  else socket.close()
  await closed
  return received
}

test(
  `${total} mutated frames (seed ${seed}) break nothing, and leave nothing`,
  async () => {
    const lanes = Array.from({ length: atOnce }, (_, lane) => new Seeded(seed + lane))
    let sent = 0
    let received = 0
    const run = async (seeded: Seeded) => {
      while (sent < total) {
        sent += perConnection
        const answers = await connection(seeded)
        received += answers
      }
    }
    const residentBytes = () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024
    const before = residentBytes()
    await Promise.all(lanes.map(run))
    expect(residentBytes() - before).toBeLessThan(256 * 1024 * 1024)
    // Otherwise no frame would have come behind a handshake.
    expect(received).toBeGreaterThan(total / 4)

    await eventually('every session and subscription to be gone', async () => {
      const metrics = await gateway.metrics()
      return ['connections', 'subscriptions'].every((what) =>
        metrics.includes(`warren_${what}{transport="socketcluster"} 0\n`),
      )
    })
    await using client = await shakeHands(socketClusterUrl(gateway.url), tokens[1] ?? null)
    expect(await client.call('#subscribe', { channel: 'bob' })).not.toHaveProperty('error')
    expect(await client.call('#publish', { channel: 'bob', data: 'alive' })).not.toHaveProperty('error')
    expect(await client.event('#publish')).toMatchObject({ data: { data: 'alive' } })
    expect(brokenLines(gateway)).toEqual([])
    expect(await gateway.stop()).toBe(0)
  },
  withinMs,
)
