/** The bytes of any frame that a client may send, valid or not (RFC 6455 §5.2). */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface ClientFrame {
  readonly opcode: number
  readonly payload: Buffer
  /** Default: true. */
  readonly fin?: boolean
  /** The three reserved bits, 0 to 7. */
  readonly reserved?: number
  /** Default: true. */
  readonly masked?: boolean
  /** How many bytes the length has: 7 bits, 2 or 8 bytes. Default: the fewest. */
  readonly lengthBytes?: 0 | 2 | 8
  /** In place of the length of the payload. */
  readonly announced?: bigint
}

/** The masking key of the example in RFC 6455 §5.7. */
const maskingKey = [0x37, 0xfa, 0x21, 0x3d] as const

export function frameBytes(frame: ClientFrame): Buffer {
  const { opcode, payload, fin = true, reserved = 0, masked = true, announced = BigInt(payload.length) } = frame
  const lengthBytes = frame.lengthBytes ?? (announced < 126n ? 0 : announced < 65_536n ? 2 : 8)
  const header = Buffer.alloc(2 + lengthBytes)
  header[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  header[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? Number(announced) : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) header.writeUInt16BE(Number(announced), 2)
  if (lengthBytes === 8) header.writeBigUInt64BE(announced, 2)
  if (!masked) return Buffer.concat([header, payload])
  const hidden = Buffer.from(payload)
  for (let at = 0; at < hidden.length; at += 1) hidden[at] = (hidden[at] ?? 0) ^ (maskingKey[at & 3] ?? 0)
  return Buffer.concat([header, Buffer.from(maskingKey), hidden])
}

/** The payload of a close frame (RFC 6455 §5.5.1). */
export function closePayload(code: number, reason: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)])
}

/** A frame that a server sends. */
export function serverFrame(opcode: number, payload: Buffer): Buffer {
  return frameBytes({ opcode, payload, masked: false })
}
