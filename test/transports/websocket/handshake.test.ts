import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway?.close())

/** The key of RFC 6455 §1.3 and its answer. */
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

function upgrade(changed: Record<string, string | undefined> = {}, method = 'GET', path = '/graphql'): string {
  const headers = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Protocol': 'graphql-transport-ws',
    ...changed,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** The masking key is 0, so that the payload is sent as it is. */
function frame(opcode: number, payload: string): string {
  return `${String.fromCharCode(0x80 | opcode, 0x80 | payload.length)}\0\0\0\0${payload}`
}

const init = frame(1, '{"type":"connection_init"}')
const ack = '\x81\x19{"type":"connection_ack"}'
const closePayload = (code: number, reason = '') => String.fromCharCode(code >> 8, code & 0xff) + reason

/** A connection that sends bytes as they are and keeps what it receives. */
class Raw implements Disposable {
  received = ''
  /** Whether the gateway has closed its side. */
  ended = false
  readonly socket: Socket

  constructor(to: InProcessGateway = gateway) {
    this.socket = connect({ port: Number(new URL(to.url).port), host: '127.0.0.1', allowHalfOpen: true })
    this.socket.setEncoding('latin1').on('data', (piece: string) => {
      this.received += piece
    })
    this.socket.on('end', () => {
      this.ended = true
    })
    this.socket.on('error', () => {})
  }

  send(bytes: string): this {
    this.socket.write(bytes, 'latin1')
    return this
  }

  until(end: string): Promise<unknown> {
    return eventually(`to receive ${JSON.stringify(end)}`, () => this.received.endsWith(end))
  }

  over(): Promise<unknown> {
    return eventually('the end', () => this.ended)
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

describe('the handshake', () => {
  test('is answered with its key, and frames in the same packet are read', async () => {
    using raw = new Raw().send(upgrade() + init)
    await raw.until(ack)
    expect(raw.received).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(raw.received).toContain(`\r\nSec-WebSocket-Accept: ${accept}\r\n`)
    expect(raw.received).toContain('\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n')
    expect(raw.received).not.toContain('Extensions')
  })

  test('may offer other subprotocols and extensions, and arrive byte by byte', async () => {
    using raw = new Raw()
    raw.socket.setNoDelay(true)
    const request = upgrade({
      'Sec-WebSocket-Protocol': 'graphql-ws , graphql-transport-ws',
      'Sec-WebSocket-Extensions': 'permessage-deflate',
    })
    for (const byte of request + init) raw.send(byte)
    await raw.until(ack)
    expect(raw.received).toContain('\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n')
    expect(raw.received).not.toContain('Extensions')
  })

  test('without a subprotocol is answered without one, and closed with 4406 on /graphql', async () => {
    using raw = new Raw().send(upgrade({ 'Sec-WebSocket-Protocol': undefined }))
    await raw.until(closePayload(4406, 'Subprotocol not acceptable'))
    expect(raw.received).not.toContain('Sec-WebSocket-Protocol')
  })

  test.each(['/socketcluster/', '/ws'])('selects the first subprotocol that is offered on %s', async (path) => {
    using raw = new Raw().send(upgrade({ 'Sec-WebSocket-Protocol': 'first, second' }, 'GET', path))
    await raw.until('\r\n\r\n')
    expect(raw.received).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: first\r\n\r\n`,
    )
  })

  describe.each(['/graphql', '/socketcluster/', '/ws'])('on %s is refused', (path) => {
    const version = 'Missing or invalid Sec-WebSocket-Version header'
    test.each<[string, Record<string, string | undefined>, string]>([
      ['with another protocol than WebSocket', { Upgrade: 'h2c' }, 'Invalid Upgrade header'],
      ['without a key', { 'Sec-WebSocket-Key': undefined }, 'Missing or invalid Sec-WebSocket-Key header'],
      ['with an invalid key', { 'Sec-WebSocket-Key': 'short' }, 'Missing or invalid Sec-WebSocket-Key header'],
      ['with another version', { 'Sec-WebSocket-Version': '12' }, version],
      ['without a version', { 'Sec-WebSocket-Version': undefined }, version],
      ['with an invalid subprotocol', { 'Sec-WebSocket-Protocol': 'a, b c' }, 'Invalid Sec-WebSocket-Protocol header'],
      ['with a subprotocol twice', { 'Sec-WebSocket-Protocol': 'a, a' }, 'Invalid Sec-WebSocket-Protocol header'],
    ])('%s', async (_what, headers, text) => {
      using raw = new Raw().send(upgrade(headers, 'GET', path))
      await raw.over()
      const versions = text === version ? 'Sec-WebSocket-Version: 13, 8\r\n' : ''
      expect(raw.received).toBe(
        `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: ${text.length}\r\n${versions}\r\n${text}`,
      )
    })

    test('with another method', async () => {
      using raw = new Raw().send(upgrade({}, 'POST', path))
      await raw.over()
      expect(raw.received).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/)
    })
  })
})

describe('the close', () => {
  const opened = async (to = gateway) => {
    const raw = new Raw(to).send(upgrade() + init)
    await raw.until(ack)
    return raw
  }
  const sessionsGone = () => eventually('the session to end', () => gateway.gateway.sessions.size === 0)

  test.each([
    ['with a code and a reason', closePayload(1000, 'done é')],
    ['with an application code', closePayload(4321)],
    ['without a code', ''],
  ])('by the client, %s, is answered with the same payload, and the connection ends', async (_how, payload) => {
    const bytes = Buffer.from(payload.slice(2)).toString('latin1')
    const sent = payload.slice(0, 2) + bytes
    using raw = await opened()
    raw.send(frame(8, sent) + frame(9, 'ignored'))
    await raw.over()
    expect(raw.received.slice(raw.received.indexOf(ack) + ack.length)).toBe(
      `\x88${String.fromCharCode(sent.length)}${sent}`,
    )
    raw.socket.end()
    await sessionsGone()
  })

  test.each<[string, string, number]>([
    ['a frame without a mask', '\x81\x02{}', 1002],
    ['a reserved bit', '\xc1\x80\0\0\0\0', 1002],
    ['text that is not UTF-8', frame(1, '\xff'), 1007],
    ['a frame that announces more than the limit', '\x81\xff\0\0\0\x01\0\0\0\0\0\0\0\0', 1009],
    ['an invalid close code', frame(8, closePayload(1005)), 1002],
  ])('by the gateway has the right code for %s', async (_what, bytes, code) => {
    using raw = await opened()
    raw.send(bytes)
    await raw.over()
    expect(raw.received.slice(-4)).toBe(`\x88\x02${closePayload(code)}`)
    raw.socket.end()
    await sessionsGone()
  })

  test.each<[string, (socket: Socket) => unknown]>([
    ['ends its side', (socket) => socket.end()],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
  ])('of a session follows when a client %s without a close frame', async (_how, leave) => {
    using raw = await opened()
    leave(raw.socket)
    await sessionsGone()
  })

  test('of the gateway does not wait for a client that does not answer its close frame', async () => {
    const own = await openGateway()
    using raw = await opened(own)
    await own.close()
    expect(raw.received).toContain(`\x88\x11${closePayload(1012, 'Service restart')}`)
  })
})

test('answers a ping with its payload, also within a fragmented message', async () => {
  using raw = new Raw().send(upgrade())
  const half = init.slice(6, 6 + 10)
  const rest = init.slice(6 + 10)
  raw.send(`\x01${String.fromCharCode(0x80 | half.length)}\0\0\0\0${half}${frame(9, 'é'.repeat(5))}`)
  await raw.until('\x8a\x05\xe9\xe9\xe9\xe9\xe9')
  raw.send(`\x80${String.fromCharCode(0x80 | rest.length)}\0\0\0\0${rest}`)
  await raw.until(ack)
})
