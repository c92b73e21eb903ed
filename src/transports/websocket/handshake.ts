import crypto from 'node:crypto'
import { type IncomingMessage, STATUS_CODES } from 'node:http'

/** RFC 6455 §1.3 */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const keyShape = /^[+/0-9A-Za-z]{22}==$/
/** RFC 7230 §3.2.6 */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export interface Handshake {
  /** The subprotocol that was selected. Undefined: the client offered none that is supported. */
  readonly protocol: string | undefined
  /** The whole response to the upgrade request. */
  readonly answer: string
}

/** Subprotocols that the client meant for another endpoint. */
export interface MisdirectedProtocols {
  readonly protocols: readonly string[]
  /** The body of the refusal: names that endpoint. */
  readonly text: string
}

/** The handshake is invalid: the whole response to the upgrade request. */
export interface HandshakeRefusal {
  readonly refusal: string
}

/**
 * Checks the opening handshake of a client (RFC 6455 §4.2.1). Extensions are never accepted.
 *
 * `supported`: the subprotocols of the endpoint, in the order of preference. If it is undefined,
 * the endpoint accepts any, and the first one that the client offers is selected.
 *
 * `misdirected`: a valid handshake that offers one of these subprotocols is refused.
 */
export function handshakeOf(
  { method, headers }: IncomingMessage,
  supported: readonly string[] | undefined,
  misdirected?: MisdirectedProtocols,
): Handshake | HandshakeRefusal {
  const key = headers['sec-websocket-key']
  if (method !== 'GET') return refusalOf(405, 'Invalid HTTP method')
  if (headers.upgrade?.toLowerCase() !== 'websocket') return refusalOf(400, 'Invalid Upgrade header')
  if (key === undefined || !keyShape.test(key)) return refusalOf(400, 'Missing or invalid Sec-WebSocket-Key header')
  const version = headers['sec-websocket-version']
  if (version !== '13' && version !== '8')
    return refusalOf(400, 'Missing or invalid Sec-WebSocket-Version header', 'Sec-WebSocket-Version: 13, 8\r\n')
  const offered = offeredProtocols(headers['sec-websocket-protocol'], supported)
  if (!offered) return refusalOf(400, 'Invalid Sec-WebSocket-Protocol header')
  if (misdirected?.protocols.some((name) => offered.includes(name))) return refusalOf(400, misdirected.text)
  const protocol = supported === undefined ? offered[0] : supported.find((name) => offered.includes(name))
  const protocolHeader = protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
  const accept = sha1(key + guid)
  return {
    protocol,
    answer: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${protocolHeader}\r\n`,
  }
}

/** `headers`: lines that are sent in addition, each with its line end. */
export function refusalOf(status: number, text = STATUS_CODES[status] ?? '', headers = ''): HandshakeRefusal {
  const lines = `Connection: close\r\nContent-Type: text/html\r\nContent-Length: ${text.length}\r\n${headers}`
  return { refusal: `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n${text}` }
}

/** Undefined: the header is invalid (RFC 6455 §4.1: unique tokens). */
function offeredProtocols(
  header: string | undefined,
  supported: readonly string[] | undefined,
): readonly string[] | undefined {
  if (header === undefined) return []
  if (supported?.includes(header)) return [header]
  const names = header.split(',').map((name) => name.trim())
  return new Set(names).size === names.length && names.every((name) => token.test(name)) ? names : undefined
}

/** In base64. `crypto.hash` (Node.js 20.12) takes a third of the time. */
function sha1(text: string): string {
  return typeof crypto.hash === 'function'
    ? crypto.hash('sha1', text, 'base64')
    : crypto.createHash('sha1').update(text).digest('base64')
}
