import crypto from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** RFC 6455 §1.3 */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const keyShape = /^[+/0-9A-Za-z]{22}==$/
/** RFC 7230 §3.2.6 */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export interface Handshake {
  /** Among those that the client offers, where it is one of ours. */
  readonly protocol: string | undefined
  /** What the client is answered with, whole. */
  readonly answer: string
}

/**
 * Reads the opening handshake of a client (RFC 6455 §4.2.1). A text is why it is none. Extensions
 * are not answered, so that there are none.
 */
export function handshakeOf(request: IncomingMessage, ourProtocol: string): Handshake | string {
  const { headers } = request
  const key = headers['sec-websocket-key']
  if (request.method !== 'GET') return '405 Method Not Allowed'
  if (headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined || !keyShape.test(key))
    return '400 Bad Request'
  const version = headers['sec-websocket-version']
  if (version !== '13' && version !== '8') return '400 Bad Request\r\nSec-WebSocket-Version: 13, 8'
  const offered = headers['sec-websocket-protocol']
  const names = offered === undefined || offered === ourProtocol ? [] : offered.split(',').map((name) => name.trim())
  if (new Set(names).size < names.length || !names.every((name) => token.test(name))) return '400 Bad Request'
  const protocol = offered === ourProtocol || names.includes(ourProtocol) ? ourProtocol : undefined
  const accept = sha1(key + guid)
  return {
    protocol,
    answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${
      protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
    }\r\n`,
  }
}

/** In base64. At once where Node can (20.12): a third of the time. */
function sha1(text: string): string {
  return typeof crypto.hash === 'function'
    ? crypto.hash('sha1', text, 'base64')
    : crypto.createHash('sha1').update(text).digest('base64')
}
