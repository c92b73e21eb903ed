import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { closeReasons } from '../../../src/close-reasons.ts'
import { closeSocket, endOf } from '../../../src/transports/websocket/close.ts'
import {
  binaryFrameHeader,
  closeFrame,
  pingFrame,
  pongFrame,
  textFrameHeader,
} from '../../../src/transports/websocket/frame-writer.ts'
import { handshakeOf, refusalOf } from '../../../src/transports/websocket/handshake.ts'

/** The key of RFC 6455 §1.3 and its answer. */
const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

function shake(changed: Record<string, string | undefined> = {}, supported?: string, method = 'GET') {
  const headers = { upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13', ...changed }
  return handshakeOf({ method, headers } as unknown as IncomingMessage, supported?.split(' '))
}

test('a valid handshake that offers a subprotocol of another endpoint is refused with its sentence', () => {
  const shakeOnRoom = (changed: Record<string, string>) => {
    const headers = { upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13', ...changed }
    const request = { method: 'GET', headers } as unknown as IncomingMessage
    return handshakeOf(request, undefined, { protocols: ['graphql-ws'], text: 'Elsewhere.' })
  }
  for (const offered of ['graphql-ws', 'a, graphql-ws'])
    expect(shakeOnRoom({ 'sec-websocket-protocol': offered })).toEqual(refusalOf(400, 'Elsewhere.'))
  expect(shakeOnRoom({ 'sec-websocket-protocol': 'graphql-ws-2' })).toMatchObject({ protocol: 'graphql-ws-2' })
  expect(shakeOnRoom({ 'sec-websocket-protocol': 'graphql-ws', 'sec-websocket-key': '' })).toEqual(
    refusalOf(400, 'Missing or invalid Sec-WebSocket-Key header'),
  )
})

describe('a handshake', () => {
  test('is answered byte for byte', () => {
    expect(shake()).toEqual({
      protocol: undefined,
      answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    })
    expect(shake({ 'sec-websocket-protocol': 'a' }, 'a')).toEqual({
      protocol: 'a',
      answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: a\r\n\r\n`,
    })
  })

  test.each<[string | undefined, string | undefined, string | undefined]>([
    ['a, b', 'b', 'b'],
    ['a,b', 'c', undefined],
    ['a, b', 'c b a', 'b'],
    [' a ,b', undefined, 'a'],
    [undefined, 'a', undefined],
    [undefined, undefined, undefined],
    ["!#$%&'*+-.^_`|~09AZaz", undefined, "!#$%&'*+-.^_`|~09AZaz"],
  ])('that offers %s selects, with %s supported, %s', (offered, supported, selected) => {
    expect(shake({ 'sec-websocket-protocol': offered }, supported)).toMatchObject({ protocol: selected })
  })

  test.each([{ upgrade: 'WebSocket' }, { 'sec-websocket-version': '8' }])('is accepted with %j', (changed) => {
    expect(shake(changed)).toHaveProperty('answer')
  })

  const version = 'Missing or invalid Sec-WebSocket-Version header'
  const badKey = 'Missing or invalid Sec-WebSocket-Key header'
  const badProtocol = 'Invalid Sec-WebSocket-Protocol header'
  test.each<[string, Record<string, string | undefined>]>([
    ['Invalid Upgrade header', { upgrade: undefined }],
    ['Invalid Upgrade header', { upgrade: 'websocket, x' }],
    [badKey, { 'sec-websocket-key': undefined }],
    [badKey, { 'sec-websocket-key': `x${key}` }],
    [badKey, { 'sec-websocket-key': `${key}=` }],
    [badKey, { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ' }],
    [badKey, { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25j-Q==' }],
    [version, { 'sec-websocket-version': undefined }],
    [version, { 'sec-websocket-version': '12' }],
    [badProtocol, { 'sec-websocket-protocol': 'a,a' }],
    [badProtocol, { 'sec-websocket-protocol': 'a,' }],
    [badProtocol, { 'sec-websocket-protocol': 'a b' }],
    [badProtocol, { 'sec-websocket-protocol': '' }],
  ])('is refused with "%s" for %j', (text, changed) => {
    const headers = text === version ? 'Sec-WebSocket-Version: 13, 8\r\n' : ''
    expect(shake(changed)).toEqual(refusalOf(400, text, headers))
  })

  test('is refused with another method, and the refusal is a whole response', () => {
    expect(shake({}, undefined, 'POST')).toEqual({
      refusal:
        'HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\nInvalid HTTP method',
    })
    expect(refusalOf(503)).toEqual({
      refusal:
        'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\nService Unavailable',
    })
  })
})

test('frames have the shortest length that RFC 6455 §5.2 allows', () => {
  const bytes = (text: string) => [...Buffer.from(text, 'latin1')]
  expect(bytes(textFrameHeader(0))).toEqual([0x81, 0])
  expect(bytes(textFrameHeader(125))).toEqual([0x81, 125])
  expect(bytes(textFrameHeader(126))).toEqual([0x81, 126, 0, 126])
  expect(bytes(binaryFrameHeader(0x1234))).toEqual([0x82, 126, 0x12, 0x34])
  expect(bytes(textFrameHeader(65_535))).toEqual([0x81, 126, 0xff, 0xff])
  expect(bytes(textFrameHeader(65_536))).toEqual([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])
  expect(bytes(binaryFrameHeader(0x0102_0304_0506))).toEqual([0x82, 127, 0, 0, 1, 2, 3, 4, 5, 6])
  expect(bytes(pingFrame)).toEqual([0x89, 0])
  expect(bytes(pongFrame(Buffer.from([1, 255])))).toEqual([0x8a, 2, 1, 255])
  expect(bytes(closeFrame('ab'))).toEqual([0x88, 2, 97, 98])
})

test('a close has the code and text of its reason, and the end of a session that of the client', () => {
  const closed: unknown[] = []
  closeSocket({ close: (...args) => closed.push(args) }, 'UNAUTHORIZED')
  expect(closed).toEqual([[closeReasons.UNAUTHORIZED.graphqlWs, closeReasons.UNAUTHORIZED.text]])
  const unauthorized = closeReasons.UNAUTHORIZED.graphqlWs
  expect(endOf(closeReasons.INVALID_TOKEN.graphqlWs)).toBe('unauthorized')
  expect([1006, 1000, 1001, 1005, unauthorized, 1002, 4400].map(endOf)).toEqual([
    'lost',
    'client',
    'client',
    'client',
    'unauthorized',
    'bad-request',
    'bad-request',
  ])
})
