/**
 * The header of an unmasked, unfragmented frame with so many bytes of payload, as the bytes of a
 * latin1 string (RFC 6455 §5.2). Frames of our own may stand between those of ws only where nothing
 * is compressed: ws then writes each frame at once and whole.
 */
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

export function closeFrameHeader(bytes: number): string {
  return frameHeader(0x88, bytes)
}

export function pongFrameHeader(bytes: number): string {
  return frameHeader(0x8a, bytes)
}

export const pingFrame = frameHeader(0x89, 0)
