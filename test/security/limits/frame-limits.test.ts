import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectFramed, frameBytes, requestBytes } from '../../support/frames/framed.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { maskedHeader, upgradeRequest } from '../../support/frames/masked-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'

const KiB = 1024
let gateway: InProcessGateway
let open: InProcessGateway
let tcpPort: number
let openTcpPort: number

beforeAll(async () => {
  ;[tcpPort, openTcpPort] = [await freePort(), await freePort()]
  gateway = await openGateway({ WARREN_TCP_PORT: String(tcpPort), WARREN_AUTH_TIMEOUT: '500ms' })
  open = await openGateway({
    WARREN_TCP_PORT: String(openTcpPort),
    WARREN_LEGACY_ACCESS: 'open',
    WARREN_REQUEST_TIMEOUT: '500ms',
  })
})
afterAll(async () => {
  await gateway?.close()
  await open?.close()
})

const socketUrl = (of: InProcessGateway, path: string) => of.url.replace('http', 'ws') + path

/** A raw WebSocket that can send any bytes. */
async function upgraded(of: InProcessGateway, path: string, headers: readonly string[] = []) {
  const socket = connect(Number(new URL(of.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let received: Buffer = Buffer.alloc(0)
  const code = new Promise<number | undefined>((resolve) => socket.once('close', () => resolve(closeCodeIn(received))))
  socket.write(upgradeRequest(path, headers))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  received = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
  socket.on('data', (piece: Buffer) => {
    received = Buffer.concat([received, piece])
  })
  return { socket, code }
}

/** The code of the last frame, if that is a close frame. */
function closeCodeIn(bytes: Buffer): number | undefined {
  const at = bytes.lastIndexOf(0x88)
  return at < 0 || at + 4 > bytes.length ? undefined : bytes.readUInt16BE(at + 2)
}

const transports = [
  { path: '/graphql', headers: ['Sec-WebSocket-Protocol: graphql-transport-ws'] },
  { path: '/ws', headers: [] },
  { path: '/socketcluster/', headers: [] },
]

describe.each(transports)('before a client of $path has authenticated', ({ path, headers }) => {
  test('a frame of 16 KiB and one byte is refused by its header', async () => {
    const { socket, code } = await upgraded(gateway, path, headers)
    socket.write(maskedHeader(16 * KiB + 1))
    expect(await code).toBe(1009)
  })

  test('fragments count together', async () => {
    const { socket, code } = await upgraded(gateway, path, headers)
    socket.write(Buffer.concat([maskedHeader(16 * KiB, { last: false }), Buffer.alloc(16 * KiB, 0x20)]))
    socket.write(maskedHeader(1, { opcode: 0, last: false }))
    expect(await code).toBe(1009)
  })

  test('an unfinished message is refused in time', async () => {
    const { socket, code } = await upgraded(gateway, path, headers)
    socket.write(Buffer.concat([maskedHeader(16 * KiB), Buffer.alloc(100, 0x20)]))
    // 4408, 4401 and 4005: the time limit for authentication, which ends at about the same moment.
    expect([1008, 4408, 4401, 4005]).toContain(await code)
  })
})

test('a connection acknowledged without a token keeps the limit of 16 KiB', async () => {
  await using client = await connectGraphql(gateway.graphqlSocketUrl)
  expect(await client.request(`{ gateway { version } } #${'x'.repeat(15 * KiB)}`)).toHaveProperty('data')
  client.subscribe(`{ gateway { version } } #${'x'.repeat(16 * KiB)}`)
  expect(await client.closed).toMatchObject({ code: 1009 })
})

test('and its unfinished message is refused in time', async () => {
  const { socket, code } = await upgraded(gateway, '/graphql', ['Sec-WebSocket-Protocol: graphql-transport-ws'])
  const init = Buffer.from('{"type":"connection_init"}')
  socket.write(Buffer.concat([maskedHeader(init.length), init, maskedHeader(1_000)]))
  expect(await code).toBe(1008)
})

test('a client with a token may send 64 KiB and more, up to WARREN_MAX_FRAME_BYTES', async () => {
  await using client = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: await gateway.clientToken('alice') },
  })
  const query = '{ gateway { version } }'
  expect(await client.request(query, { padding: 'x'.repeat(200 * KiB) })).toHaveProperty('data')
  client.subscribe(query, { padding: 'x'.repeat(256 * KiB) })
  expect(await client.closed).toMatchObject({ code: 1009 })
})

test('a client that may publish sends frames up to WARREN_MAX_MESSAGE_BYTES', async () => {
  await using client = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: gateway.publisherToken },
  })
  const input = { clientId: 'alice', data: 'x'.repeat(2 * KiB * KiB) }
  const published = await client.request('mutation ($input: PublishInput!) { publish(input: $input) { messageId } }', {
    input,
  })
  expect(published.errors).toBeUndefined()
})

test('a publisher on /ws with its token in the URL may send a large first frame at once', async () => {
  await using client = await connectFrames(
    socketUrl(gateway, `/ws?channel=alice&token=${gateway.operatorToken}&envelope=json`),
  )
  client.send('x'.repeat(KiB * KiB))
  expect(await client.nextMatching((frame) => frame.includes('"sent"'))).toContain('messageId')
})

describe('the framed protocol', () => {
  test.each([
    ['a content', frameBytes(Buffer.alloc(0), { 'content-length': 16 * KiB + 1 })],
    ['a header', Buffer.from([0x40, 0x01])],
  ])('refuses %s of more than 16 KiB before authentication', async (_what, bytes) => {
    await using client = await connectFramed(tcpPort)
    client.socket.write(bytes)
    expect(await client.nextJson(({ error }) => error !== undefined)).toMatchObject({
      error: { code: 'PAYLOAD_TOO_LARGE' },
    })
  })

  test('accepts a large frame in one piece with `authenticate`, as later', async () => {
    await using client = await connectFramed(tcpPort)
    const publish = { action: 'publish', channel: 'alice', data: 'x'.repeat(KiB * KiB), id: 'large' }
    client.socket.write(
      Buffer.concat([requestBytes({ action: 'authenticate', token: gateway.publisherToken }), requestBytes(publish)]),
    )
    expect(await client.nextJson(({ id }) => id === 'large')).toHaveProperty('result.messageId')
  })

  test('refuses a request id of more than 256 characters', async () => {
    await using client = await connectFramed(tcpPort)
    client.send({ action: 'search', id: 'x'.repeat(1_000) })
    expect((await client.next()).json).toEqual({ action: 'search', error: expect.objectContaining({ field: 'id' }) })
  })
})

describe('with WARREN_LEGACY_ACCESS=open', () => {
  test('the room accepts the frames of a client without a token like those of one with a token', async () => {
    await using client = await connectFrames(socketUrl(open, '/ws?envelope=json'))
    client.send('x'.repeat(200 * KiB))
    expect(await client.nextMatching((frame) => frame.includes('"sent"'))).toContain('xxx')
    client.send('x'.repeat(256 * KiB + 1))
    expect(await client.closed).toMatchObject({ code: 1009 })
  })

  test('so does TCP', async () => {
    await using client = await connectFramed(openTcpPort)
    expect(await client.ask({ action: 'search', value: 'x'.repeat(200 * KiB) })).toHaveProperty('result')
  })

  test('GraphQL keeps the limit of an anonymous client', async () => {
    await using client = await connectGraphql(open.graphqlSocketUrl)
    client.subscribe(`{ gateway { version } } #${'x'.repeat(16 * KiB)}`)
    expect(await client.closed).toMatchObject({ code: 1009 })
  })

  test('an unfinished message of a client with a token is refused in time too', async () => {
    const { socket, code } = await upgraded(open, '/ws')
    socket.write(Buffer.concat([maskedHeader(100 * KiB), Buffer.alloc(100, 0x20)]))
    expect(await code).toBe(1008)
  })
})

describe('an operation id', () => {
  const opened = async () =>
    connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: await gateway.clientToken('alice') } })

  test('of 256 bytes is accepted', async () => {
    await using client = await opened()
    const id = 'é'.repeat(128)
    const operation = client.subscribe('{ gateway { version } }', {}, id)
    expect(await operation.next()).toHaveProperty('data')
  })

  test('of 257 bytes closes the socket with 4400', async () => {
    await using client = await opened()
    client.subscribe('{ gateway { version } }', {}, `${'é'.repeat(128)}x`)
    expect(await client.closed).toMatchObject({ code: 4400 })
  })
})

test('the frames of old SocketCluster clients before their handshake are limited', async () => {
  await using client = await connectFrames(socketUrl(gateway, '/socketcluster/'))
  const early = JSON.stringify({ event: '#subscribe', data: { channel: 'alice', data: 'x'.repeat(10 * KiB) } })
  client.send(early)
  client.send(early)
  expect(await client.closed).toMatchObject({ code: 4009 })
})
