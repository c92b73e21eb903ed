/**
 * Bytes that a WebSocket client sends, written by hand so that a test can leave a message
 * unfinished (RFC 6455 §5.2).
 */

const upgradeHeaders = [
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

export function upgradeRequest(path: string, headers: readonly string[] = []): string {
  return [`GET ${path} HTTP/1.1`, ...upgradeHeaders, ...headers, '\r\n'].join('\r\n')
}

/** The header of a masked frame. The mask is 0, so the payload is unchanged. */
export function maskedHeader(payloadBytes: number, { opcode = 1, last = true } = {}): Buffer {
  const first = (last ? 0x80 : 0) | opcode
  if (payloadBytes < 126) return Buffer.from([first, 0x80 | payloadBytes, 0, 0, 0, 0])
  const header = Buffer.alloc(payloadBytes < 65_536 ? 8 : 14)
  header[0] = first
  if (payloadBytes < 65_536) {
    header[1] = 0x80 | 126
    header.writeUInt16BE(payloadBytes, 2)
  } else {
    header[1] = 0x80 | 127
    header.writeBigUInt64BE(BigInt(payloadBytes), 2)
  }
  return header
}

export function maskedText(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([maskedHeader(payload.length), payload])
}
