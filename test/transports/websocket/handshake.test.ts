import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway-in-process.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway?.close())

/** Of RFC 6455 §1.3, with what it is answered with. */
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

function upgrade(changed: Record<string, string | undefined> = {}, method = 'GET'): string {
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
  return `${method} /graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** Masked with nothing, as a client may. */
function frame(opcode: number, payload: string): string {
  return `${String.fromCharCode(0x80 | opcode, 0x80 | payload.length)}\0\0\0\0${payload}`
}

const init = frame(1, '{"type":"connection_init"}')
const ack = '\x81\x19{"type":"connection_ack"}'
const goodbye = (code: number, reason = '') => String.fromCharCode(code >> 8, code & 0xff) + reason

/**
 * A connection on which bytes are sent as they are; what has come back so far, and whether it has
 * been ended from there.
 */
class Raw implements Disposable {
  heard = ''
  ended = false
  readonly socket: Socket

  constructor(to: InProcessGateway = gateway) {
    this.socket = connect({ port: Number(new URL(to.url).port), host: '127.0.0.1', allowHalfOpen: true })
    this.socket.setEncoding('latin1').on('data', (piece: string) => {
      this.heard += piece
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
    return eventually(`to hear ${JSON.stringify(end)}`, () => this.heard.endsWith(end))
  }

  over(): Promise<unknown> {
    return eventually('the end', () => this.ended)
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

describe('the handshake', () => {
  test('is answered by its key, and what came with it is read', async () => {
    using raw = new Raw().send(upgrade() + init)
    await raw.until(ack)
    expect(raw.heard).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(raw.heard).toContain(`\r\nSec-WebSocket-Accept: ${accept}\r\n`)
    expect(raw.heard).toContain('\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n')
    expect(raw.heard).not.toContain('Extensions')
  })

  test('may offer other protocols and extensions beside, and be cut into bytes', async () => {
    using raw = new Raw()
    raw.socket.setNoDelay(true)
    const request = upgrade({
      'Sec-WebSocket-Protocol': 'graphql-ws , graphql-transport-ws',
      'Sec-WebSocket-Extensions': 'permessage-deflate',
    })
    for (const byte of request + init) raw.send(byte)
    await raw.until(ack)
    expect(raw.heard).toContain('\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n')
    expect(raw.heard).not.toContain('Extensions')
  })

  test.each<[string, string, number]>([
    ['by another method', upgrade({}, 'POST'), 405],
    ['to another protocol than WebSocket', upgrade({ Upgrade: 'h2c' }), 400],
    ['without a key', upgrade({ 'Sec-WebSocket-Key': undefined }), 400],
    ['with a key that is none', upgrade({ 'Sec-WebSocket-Key': 'short' }), 400],
    ['of another version', upgrade({ 'Sec-WebSocket-Version': '12' }), 400],
    ['without a version', upgrade({ 'Sec-WebSocket-Version': undefined }), 400],
    ['with a protocol that is no word', upgrade({ 'Sec-WebSocket-Protocol': 'graphql-transport-ws, a b' }), 400],
    ['with a protocol twice', upgrade({ 'Sec-WebSocket-Protocol': 'a, a' }), 400],
  ])('%s is refused', async (_what, request, status) => {
    using raw = new Raw().send(request)
    await raw.over()
    expect(raw.heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    if (request.includes('Version: 12')) expect(raw.heard).toContain('\r\nSec-WebSocket-Version: 13, 8\r\n')
  })
})

describe('the end', () => {
  const opened = async (to = gateway) => {
    const raw = new Raw(to).send(upgrade() + init)
    await raw.until(ack)
    return raw
  }
  const sessionsGone = () => eventually('the session to end', () => gateway.gateway.sessions.size === 0)

  test.each([
    ['with a code and a reason', goodbye(1000, 'done é')],
    ['with a code of its own', goodbye(4321)],
    ['without a word', ''],
  ])('by the client, %s, is answered alike, and the connection ends', async (_how, payload) => {
    const bytes = Buffer.from(payload.slice(2)).toString('latin1')
    const sent = payload.slice(0, 2) + bytes
    using raw = await opened()
    raw.send(frame(8, sent) + frame(9, 'nobody hears this'))
    await raw.over()
    expect(raw.heard.slice(raw.heard.indexOf(ack) + ack.length)).toBe(`\x88${String.fromCharCode(sent.length)}${sent}`)
    raw.socket.end()
    await sessionsGone()
  })

  test.each<[string, string, number]>([
    ['a frame without a mask', '\x81\x02{}', 1002],
    ['a reserved bit', '\xc1\x80\0\0\0\0', 1002],
    ['text that is not UTF-8', frame(1, '\xff'), 1007],
    ['a frame that announces more than is taken', '\x81\xff\0\0\0\x01\0\0\0\0\0\0\0\0', 1009],
    ['a close code that there is not', frame(8, goodbye(1005)), 1002],
  ])('comes with its code for %s', async (_what, bytes, code) => {
    using raw = await opened()
    raw.send(bytes)
    await raw.over()
    expect(raw.heard.slice(-4)).toBe(`\x88\x02${goodbye(code)}`)
    raw.socket.end()
    await sessionsGone()
  })

  test.each<[string, (socket: Socket) => unknown]>([
    ['ends its side', (socket) => socket.end()],
    ['breaks off', (socket) => socket.resetAndDestroy()],
  ])('comes for a client that %s without a close frame', async (_how, leave) => {
    using raw = await opened()
    leave(raw.socket)
    await sessionsGone()
  })

  test('of the gateway waits for no client that does not answer its close frame', async () => {
    const own = await openGateway()
    using raw = await opened(own)
    await own.close()
    expect(raw.heard).toContain(`\x88\x11${goodbye(1012, 'Service restart')}`)
  })
})

test('a ping is answered with what it said, between the frames of a message too', async () => {
  using raw = new Raw().send(upgrade())
  const half = init.slice(6, 6 + 10)
  const rest = init.slice(6 + 10)
  raw.send(`\x01${String.fromCharCode(0x80 | half.length)}\0\0\0\0${half}${frame(9, 'é'.repeat(5))}`)
  await raw.until('\x8a\x05\xe9\xe9\xe9\xe9\xe9')
  raw.send(`\x80${String.fromCharCode(0x80 | rest.length)}\0\0\0\0${rest}`)
  await raw.until(ack)
})
