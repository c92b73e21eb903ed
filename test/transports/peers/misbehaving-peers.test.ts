import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { type Call, callerOf, listen, publish } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFrames, type FrameClient } from '../../support/frames/frames.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { brokenLines, type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { repetitions } from '../../support/repetitions.ts'

const protocol = 'graphql-transport-ws'
const mebibyte = 1024 * 1024
/**
 * The most by which a gateway may grow during an attack: buffers and garbage, which a busy machine
 * collects later, not what it was sent.
 */
const growthBytes = 128 * mebibyte
/** The default. */
const operationsPerSecond = 200
const flood = repetitions(4_000, 100_000)
const endedAtOnce = repetitions(2_000, 20_000)
const equalRequests = repetitions(100, 1_000)
const equalAtOnce = repetitions(100, 200)
/** The longest that the gateway accepts, so that few answers fill the buffers of the system. */
const idBytes = 256
/** No byte was accepted for so long: all buffers up to the gateway are full. */
const blockedMs = repetitions(1_000, 3_000)

let gateway: GatewayProcess
let call: Call
let before: number

beforeAll(async () => {
  gateway = await startGateway({
    env: {
      WARREN_MAX_MESSAGE_BYTES: '64KiB',
      // A healthy client of a busy machine may need a second between its upgrade and its first frame.
      WARREN_AUTH_TIMEOUT: '3s',
      WARREN_REQUEST_TIMEOUT: '2s',
      WARREN_MAX_CONNECTIONS: '500',
      WARREN_MAX_CONNECTIONS_PER_ADDRESS: '500',
      WARREN_MAX_PASSWORD_FAILURES: '5',
      WARREN_MAX_SUBSCRIBE_RATE: String(operationsPerSecond),
      WARREN_PROXY_HOPS: '1',
      WARREN_LOG_FORMAT: 'json',
    },
  })
  call = callerOf(gateway.graphqlUrl, await testToken({ scope: 'operator' }))
  await stillServes()
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  before = residentBytes()
})
/**
 * After any attack the gateway serves other clients, has hardly grown, and has logged no unexpected
 * error.
 */
afterEach(async () => {
  await stillServes()
  expect(residentBytes() - before).toBeLessThan(growthBytes)
  expect(brokenLines(gateway)).toEqual([])
})

async function stillServes(): Promise<void> {
  await using healthy = await listen(gateway.graphqlSocketUrl, await testToken({ sub: 'healthy' }), {
    clientId: 'healthy',
    after: 'none',
  })
  expect((await healthy.next()).kind).toBe('GAP')
  await call(publish, { input: { clientId: 'healthy', data: 1 } })
  expect(await healthy.next()).toMatchObject({ data: 1 })
}

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024
}

/** A raw connection that keeps what it receives. */
function raw(text = ''): { socket: Socket; closed: Promise<string> } {
  const socket = connect(gateway.port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (piece: string) => {
    received += piece
  })
  socket.on('error', () => {})
  socket.write(text)
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve(received))) }
}

const upgrade = [
  'GET /graphql HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  `Sec-WebSocket-Protocol: ${protocol}`,
  '\r\n',
].join('\r\n')

describe('a body', () => {
  test('that comes in chunks without end is cut off at its limit with 413', async () => {
    const sent = httpRequest(gateway.graphqlUrl, { method: 'POST', headers: { 'content-type': 'application/json' } })
    sent.on('error', () => {})
    const answered = once(sent, 'response')
    const piece = Buffer.alloc(16 * 1024, 0x20)
    const pump = (): void => {
      while (!sent.destroyed && sent.write(piece));
      if (!sent.destroyed) sent.once('drain', () => setImmediate(pump))
    }
    pump()
    const [response] = (await answered) as [import('node:http').IncomingMessage]
    expect(response.statusCode).toBe(413)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({
      errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
    })
    sent.destroy()
  })

  test('of a size within the limit may come in chunks', async () => {
    const body = JSON.stringify({ query: `{ gateway { version } } #${'x'.repeat(32 * 1024)}` })
    const pieces = new Blob([body]).stream()
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: pieces,
      duplex: 'half',
    } as RequestInit)
    expect(await response.json()).toHaveProperty('data.gateway.version')
  })

  test('that is a gzip bomb is not decompressed', async () => {
    const body = gzipSync(Buffer.alloc(48 * mebibyte, 0x20))
    expect(body.length).toBeLessThan(64 * 1024)
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body,
    })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.status).toBeLessThan(500)
  })
})

describe('slow peers', () => {
  const starts = {
    'in headers': 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
    'in a body':
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{',
    'in an upgrade': upgrade.slice(0, -4),
  }

  test('in the middle of headers, a body or an upgrade are cut off', async () => {
    const slow = Object.entries(starts).flatMap(([place, start]) =>
      Array.from({ length: 100 }, () => ({ place, ...raw(start) })),
    )
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write(' ')
    }, 200)
    await stillServes()
    const answers = await Promise.all(slow.map(async ({ place, closed }) => ({ place, answer: await closed })))
    clearInterval(drip)
    const isCutOff = (answer: string) => answer === '' || answer.startsWith('HTTP/1.1 408')
    for (const place of Object.keys(starts))
      expect(answers.filter((one) => one.place === place && isCutOff(one.answer))).toHaveLength(100)
  })

  test('without an identity on a WebSocket are closed with 4408', async () => {
    await using silent = await connectFrames(gateway.graphqlSocketUrl, { protocol })
    expect(await silent.closed).toMatchObject({ code: 4408 })
  })
})

describe('a flood', () => {
  test(`of ${flood} subscriptions on one socket is answered one by one with LIMIT_EXCEEDED`, async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl)
    let refused = 0
    client.frames.socket.removeAllListeners('message')
    const done = new Promise<void>((resolve) => {
      client.frames.socket.on('message', (data: Buffer) => {
        if (data.includes('LIMIT_EXCEEDED')) refused += 1
        if (data.includes(`"id":"${flood - 1}"`)) resolve()
      })
    })
    const payload = { query: '{ gateway { version } }' }
    const since = performance.now()
    for (let id = 0; id < flood; id += 1) client.frames.send({ id: String(id), type: 'subscribe', payload })
    await stillServes()
    await done
    // Those within the limit are served.
    const windows = Math.ceil((performance.now() - since) / 1_000) + 1
    expect(refused).toBeGreaterThanOrEqual(flood - operationsPerSecond * windows)
    expect(refused).toBeLessThan(flood)
    expect(await gateway.metrics()).toMatch(/warren_refusals_total\{code="LIMIT_EXCEEDED"\} [1-9]\d{3,}/)
  })

  test.each([
    [
      'subscriptions',
      (socket: WebSocket, done: () => void) =>
        socket.send(
          `{"id":"${String(Math.random()).padEnd(idBytes, '-')}","type":"subscribe","payload":{"query":"{a}"}}`,
          done,
        ),
    ],
    [
      'pings of its protocol',
      (socket: WebSocket, done: () => void) =>
        socket.send(`{"type":"ping","payload":{"a":"${'x'.repeat(1_000)}"}}`, done),
    ],
    ['pings of WebSocket', (socket: WebSocket, done: () => void) => socket.ping(Buffer.alloc(125), undefined, done)],
  ])('of %s by a peer that reads no answers stops by itself', async (_what, send) => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl)
    const { socket } = client.frames
    socket.pause()
    // Until the gateway has stopped reading and the buffers of the system are full. Then no more
    // bytes are accepted.
    let [sent, taken, blocked] = [0, 0, false]
    let moved = () => {}
    while (!blocked && sent < 1_000_000) {
      for (; socket.bufferedAmount < mebibyte; sent += 1) {
        send(socket, () => {
          taken += 1
          moved()
        })
      }
      const before = taken
      blocked = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(taken === before), blockedMs)
        moved = () => {
          clearTimeout(timer)
          resolve(false)
        }
      })
    }
    expect(blocked).toBe(true)
    await stillServes()
    socket.terminate()
  })

  test('of operations that end before they begin leaves nothing behind', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, {
      connectionParams: { token: await testToken({ sub: 'storm' }) },
    })
    const payload = { query: 'subscription { channel(clientId: "storm") { data } }' }
    for (let id = 0; id < endedAtOnce; id += 1) {
      client.frames.send({ id: 'same', type: 'subscribe', payload })
      client.frames.send({ id: 'same', type: 'complete' })
    }
    await client.request('{ gateway { version } }')
    await eventually('no subscription to be left', async () =>
      /warren_subscriptions\{transport="graphql-ws"\} 0$/m.test(await gateway.metrics()),
    )
  })

  test('of connections ends at the limit: further ones are asked to try again later', async () => {
    await eventually('the sockets of other tests to be gone', async () => (await connections()) === 0)
    const sockets: FrameClient[] = []
    const answers: Promise<boolean | number>[] = []
    const comes = async () => {
      const socket = await connectFrames(gateway.graphqlSocketUrl, { protocol })
      sockets.push(socket)
      // At once, because the time for connection_init runs while other sockets still connect.
      socket.send({ type: 'connection_init' })
      answers.push(
        socket.next().then(
          (frame) => frame.includes('connection_ack'),
          async () => (await socket.closed).code,
        ),
      )
    }
    try {
      for (let slice = 0; slice < 12; slice += 1) await Promise.all(Array.from({ length: 50 }, comes))
      const answered = await Promise.all(answers)
      expect(answered.filter((answer) => answer === true)).toHaveLength(500)
      expect(answered.filter((answer) => answer === 1013)).toHaveLength(100)
    } finally {
      await Promise.all(sockets.map((socket) => socket.close()))
    }
    await eventually('room for a connection', async () => (await connections()) === 0)
  })
})

async function connections(): Promise<number> {
  return Number(/^warren_connections\{transport="graphql-ws"\} (\d+)$/m.exec(await gateway.metrics())?.[1])
}

describe('passwords', () => {
  const create = `mutation Create($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }`
  const input = { clientId: `guarded-${Math.random()}`, name: 'G', email: 'g@example.com', password: 'correct horse' }

  async function answerTo(query: string, variables: object, from: string) {
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `198.51.100.9, ${from}` },
      body: JSON.stringify({ query, variables }),
    })
    const { errors } = (await response.json()) as { errors?: { extensions: { code: string; limit?: string } }[] }
    return errors?.[0]?.extensions ?? 'answered'
  }

  test('cannot be guessed from one address; the owner at another address is not locked out', async () => {
    expect(await answerTo(create, { input }, '192.0.2.1')).toBe('answered')
    const from = `192.0.2.66-${Math.random()}`
    const wrong = () => answerTo(create, { input: { ...input, password: `${Math.random()}` } }, from)
    for (let attempt = 0; attempt < 5; attempt += 1) expect(await wrong()).toEqual({ code: 'CLIENT_ID_TAKEN' })
    const refused = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_PASSWORD_FAILURES' }
    expect(await wrong()).toEqual(refused)
    expect(await answerTo(create, { input }, from)).toEqual(refused)
    expect(await answerTo(create, { input }, '192.0.2.1')).toBe('answered')
  })

  test('are not checked by the dozen in one operation', async () => {
    const fields = Array.from({ length: 60 }, (_, index) => `a${index}: createClientChannel(input: $input) { token }`)
    const query = `mutation Many($input: CreateClientChannelInput!) { ${fields.join(' ')} }`
    expect(await answerTo(query, { input }, '192.0.2.1')).toEqual({
      code: 'LIMIT_EXCEEDED',
      limit: 'WARREN_MAX_QUERY_COST',
    })
  })

  test(`of ${equalRequests} equal requests, ${equalAtOnce} at once, are one hash, and make one client`, async () => {
    const same = { ...input, clientId: 'popular' }
    const answers: unknown[] = []
    while (answers.length < equalRequests) {
      const from = answers.length
      // More at once take longer to send than WARREN_REQUEST_TIMEOUT on a busy machine.
      const slice = Array.from({ length: equalAtOnce }, (_, n) => from + n)
      answers.push(
        ...(await Promise.all(slice.map((n) => answerTo(create, { input: same }, `198.18.${n >> 8}.${n & 255}`)))),
      )
    }
    expect(answers.filter((answer) => answer !== 'answered')).toEqual([])
  })
})
