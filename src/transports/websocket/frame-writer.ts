/**
 * Frames that a server sends: unmasked, unfragmented, uncompressed (RFC 6455 §5.2), as the bytes of
 * a latin1 string, which is the cheapest form for node:net to write.
 */

/** `first`: the FIN bit and the opcode. `bytes`: of the payload. */
function frameHeader(first: number, bytes: number): string {
  if (bytes < 126) return String.fromCharCode(first, bytes)
  if (bytes < 65_536) return String.fromCharCode(first, 126, bytes >> 8, bytes & 0xff)
  const header = Buffer.alloc(10)
  header.writeUInt8(first, 0)
  header.writeUInt8(127, 1)
  header.writeBigUInt64BE(BigInt(bytes), 2)
  return header.toString('latin1')
}

export function textFrameHeader(bytes: number): string {
  return frameHeader(0x81, bytes)
}

export function binaryFrameHeader(bytes: number): string {
  return frameHeader(0x82, bytes)
}

/** `payload`: at most 125 bytes (RFC 6455 §5.5), as a latin1 string. */
export function closeFrame(payload: string): string {
  return frameHeader(0x88, payload.length) + payload
}

/** Answers a ping with its own payload (RFC 6455 §5.5.3). */
export function pongFrame(payload: Buffer): string {
  return frameHeader(0x8a, payload.length) + payload.toString('latin1')
}

export const pingFrame = frameHeader(0x89, 0)
