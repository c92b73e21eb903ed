/**
 * The header of an unmasked, unfragmented text frame with so many bytes of payload, as the bytes of a latin1 string (RFC 6455 §5.2). Frames of our own may stand
 * between those of ws only where nothing is compressed: ws then writes each frame at once and whole.
 */
export function textFrameHeader(bytes: number): string {
  if (bytes < 126) return `\x81${String.fromCharCode(bytes)}`
  if (bytes < 65_536) return `\x81\x7e${String.fromCharCode(bytes >> 8, bytes & 0xff)}`
  const header = Buffer.alloc(10)
  header.writeUInt16BE(0x81_7f)
  header.writeBigUInt64BE(BigInt(bytes), 2)
  return header.toString('latin1')
}
