import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { UnfinishedMessages } from '../../../src/transports/flow/unfinished-messages.ts'
import { WebSocketServer } from '../../../src/transports/websocket/websocket-server.ts'
import { maskedHeader } from '../../support/frames/masked-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { closePayload, opcodes, serverFrame } from './client-frames.ts'
import { RawPeer } from './raw-peer.ts'

const KiB = 1024
let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({
    WARREN_LEGACY_ACCESS: 'open',
    WARREN_REQUEST_TIMEOUT: '500ms',
    WARREN_MAX_UNFINISHED_BYTES: '64KiB',
  })
})
afterAll(() => gateway?.close())

const paths = ['/graphql', '/socketcluster/', '/ws'] as const
type Path = (typeof paths)[number]

/** A client that is known to the gateway, so that it may send large frames. */
async function opened(path: Path, to: InProcessGateway = gateway): Promise<RawPeer> {
  const port = Number(new URL(to.url).port)
  if (path !== '/graphql') return RawPeer.connect(port, path)
  const peer = await RawPeer.connect(port, path, ['Sec-WebSocket-Protocol: graphql-transport-ws'])
  await peer.sendText(JSON.stringify({ type: 'connection_init', payload: { token: await to.clientToken('alice') } }))
  await peer.until((bytes) => bytes.includes('connection_ack'))
  peer.take()
  return peer
}

function closeFrame(code: number, reason = ''): Buffer {
  return serverFrame(opcodes.close, closePayload(code, reason))
}

describe.each(paths)('on %s', (path) => {
  // graphql-transport-ws has never sent these reasons.
  const reasonOf = (text: string) => (path === '/graphql' ? '' : text)

  test('an incomplete message is refused with 1008 when its time is over', async () => {
    using peer = await opened(path)
    await peer.write(maskedHeader(100))
    expect(await peer.untilEnd()).toEqual(closeFrame(1008, reasonOf('The message took too long')))
  })

  test.each([
    [
      'fragments of one byte without an end',
      Buffer.concat([maskedHeader(1, { opcode: 0, last: false }), Buffer.from('x')]),
    ],
    ['empty fragments without an end', maskedHeader(0, { opcode: 0, last: false })],
    [
      'fragments with pings in between',
      Buffer.concat([maskedHeader(0, { opcode: 0, last: false }), maskedHeader(0, { opcode: 9 })]),
    ],
  ])('%s are refused with 1008 when the time of a message is over', async (_what, fragment) => {
    using peer = await opened(path)
    await peer.write(Buffer.concat([maskedHeader(1, { last: false }), Buffer.from('x')]))
    const drip = setInterval(() => void peer.write(fragment), 20)
    const received = await peer.untilEnd()
    clearInterval(drip)
    const expected = closeFrame(1008, reasonOf('The message took too long'))
    expect(received.subarray(-expected.length)).toEqual(expected)
  })

  test('incomplete messages above the limit of an address are refused with 1013', async () => {
    using peer = await opened(path)
    await peer.write(Buffer.concat([maskedHeader(128 * KiB), Buffer.alloc(70 * KiB, ' ')]))
    expect(await peer.untilEnd()).toEqual(closeFrame(1013, reasonOf('Too many unfinished messages')))
  })

  test('a frame above the limit of its client is refused with 1009 at its header', async () => {
    using peer = await opened(path)
    await peer.write(maskedHeader(256 * KiB + 1))
    expect(await peer.untilEnd()).toEqual(closeFrame(1009))
  })
})

test('a client that does not answer a close frame is cut off', async () => {
  const limits = { maxUnfinishedBytes: KiB }
  const unfinished = new UnfinishedMessages({ limits, authTimeoutMs: 1_000, requestTimeoutMs: 1_000 })
  const sockets = new WebSocketServer({ unfinished, closeTimeoutMs: 100, explainsRefusals: false })
  const http = createServer().listen(0, '127.0.0.1')
  http.on('upgrade', (request, stream, head) => {
    const socket = sockets.accept(request, stream, head)?.socket
    socket?.serve({
      address: '127.0.0.1',
      isKnown: true,
      maxMessageBytes: KiB,
      onMessage: (data) => socket.close(4321, data.toString()),
      flush: () => {},
      onCutOff: () => {},
      onClosed: () => {},
    })
  })
  await once(http, 'listening')
  using peer = await RawPeer.connect((http.address() as AddressInfo).port, '/')
  await peer.sendText('the reason')
  expect(await peer.untilEnd()).toEqual(closeFrame(4321, 'the reason'))
  http.close()
})

test('the close of the gateway does not wait for clients that do not answer its close frame', async () => {
  await using own = await openGateway({ WARREN_LEGACY_ACCESS: 'open' })
  using graphql = await opened('/graphql', own)
  using socketCluster = await opened('/socketcluster/', own)
  using room = await opened('/ws', own)
  const since = performance.now()
  await own.close()
  expect(performance.now() - since).toBeLessThan(10_000)
  expect(await graphql.untilEnd()).toEqual(closeFrame(1012, 'Service restart'))
  expect(await socketCluster.untilEnd()).toEqual(closeFrame(1001, 'Service restart'))
  expect(await room.untilEnd()).toEqual(closeFrame(1012, 'Service restart'))
})
