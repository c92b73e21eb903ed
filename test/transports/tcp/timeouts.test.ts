import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectFramed, frameBytes } from '../../support/frames/framed.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { tcpProxy } from '../../support/network/tcp-proxy.ts'

let gateway: InProcessGateway
let port: number
let echoPort: number

beforeAll(async () => {
  port = await freePort()
  echoPort = await freePort()
  gateway = await openGateway({
    WARREN_TCP_PORT: String(port),
    WARREN_TCP_ECHO_PORT: String(echoPort),
    WARREN_TCP_IDLE_TIMEOUT: '600ms',
    WARREN_AUTH_TIMEOUT: '1500ms',
    WARREN_REQUEST_TIMEOUT: '300ms',
  })
})
afterAll(() => gateway.close())

const sessions = () => [...gateway.gateway.sessions].filter(({ transport }) => transport === 'tcp').length

test('a silent peer is pinged, and closed if it stays silent', async () => {
  await using silent = await connectFramed(port, { answersPings: false })
  expect((await silent.next()).json).toEqual({ kind: 'ping' })
  await silent.closed
  expect(sessions()).toBe(0)
})

test('a peer that answers pings stays without any request, but an anonymous one only for a limited time', async () => {
  await using alice = await connectFramed(port)
  await alice.ask({ action: 'authenticate', token: await gateway.clientToken('alice') })
  await using anonymous = await connectFramed(port)
  expect((await anonymous.next()).json).toMatchObject({
    kind: 'close',
    reason: 'UNAUTHORIZED',
    code: 4401,
    comeBack: true,
  })
  await anonymous.closed
  expect((await alice.ask({ action: 'search', value: 'none' }))['result']).toEqual([])
})

test('a blocked event loop does not time out healthy peers', async () => {
  await using alice = await connectFramed(port)
  await alice.ask({ action: 'authenticate', token: await gateway.clientToken('alice') })
  const until = Date.now() + 1_000
  while (Date.now() < until);
  // The gateway closes an expired peer before it answers this.
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect((await alice.ask({ action: 'search', value: 'none' }))['result']).toEqual([])
})

test('a peer that vanished without a word is forgotten', async () => {
  await using proxy = await tcpProxy(port)
  await using gone = await connectFramed(proxy.port)
  await gone.ask({ action: 'authenticate', token: await gateway.clientToken('gone') })
  await gone.ask({ action: 'subscribe', channel: 'gone' })
  const ended = new Promise<void>((resolve) => {
    const watch = setInterval(() => {
      if (sessions() > 0) return
      clearInterval(watch)
      resolve()
    }, 20)
  })
  proxy.pause()
  await ended
})

test('an unfinished frame is answered with an error, however slowly it arrives', async () => {
  await using slow = await connectFramed(port)
  const frame = frameBytes(Buffer.alloc(1_000, 0x20))
  let place = 0
  const drip = setInterval(() => slow.socket.write(frame.subarray(place, ++place)), 20)
  expect((await slow.next()).json['error']).toMatchObject({ code: 'BAD_USER_INPUT' })
  clearInterval(drip)
  expect((await slow.next()).json).toMatchObject({ kind: 'close', reason: 'BAD_REQUEST' })
  await slow.closed
})

test('an echo of any length returns byte for byte, and an idle one is closed', async () => {
  const socket = connect(echoPort, '127.0.0.1')
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff))
  const pieces: Buffer[] = []
  let bytes = 0
  const all = new Promise<void>((resolve) => {
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece)
      bytes += piece.length
      if (bytes >= sent.length) resolve()
    })
  })
  for (let place = 0, size = 1; place < sent.length; place += size, size = (size * 7) % 65_537) {
    socket.write(sent.subarray(place, place + size))
  }
  await all
  expect(Buffer.concat(pieces).equals(sent)).toBe(true)
  await once(socket, 'close')
})
