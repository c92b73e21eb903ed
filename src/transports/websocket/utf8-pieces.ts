import { isUtf8 } from 'node:buffer'

const nothing = Buffer.alloc(0)

/**
 * Checks text that arrives in pieces, which may divide characters. So invalid text is refused at
 * its first invalid byte, and not when the message ends (RFC 6455 §8.1).
 */
export class Utf8Pieces {
  /** The beginning of a character, at most 3 bytes. The others have not arrived. */
  #begun: Buffer = nothing

  /** Returns false if no text can begin with the pieces so far. Nothing may be added then. */
  add(piece: Buffer): boolean {
    const bytes = this.#begun.length === 0 ? piece : Buffer.concat([this.#begun, piece])
    const whole = bytes.length - lengthOfBegun(bytes)
    if (!isUtf8(bytes.subarray(0, whole)) || !mayBegin(bytes, whole)) return false
    // A copy: the piece may be reused.
    this.#begun = whole === bytes.length ? nothing : Buffer.from(bytes.subarray(whole))
    return true
  }

  /** Whether the last character is complete. */
  get isComplete(): boolean {
    return this.#begun.length === 0
  }
}

/** How many bytes at the end are the beginning of a longer character: 0 to 3. */
function lengthOfBegun(bytes: Buffer): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length += 1) {
    const byte = bytes[bytes.length - length] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return charLength(byte) > length ? length : 0
  }
  return 0
}

function charLength(first: number): number {
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
}

/** Whether a character may begin with the bytes from here on. Unicode 15, table 3-7. */
function mayBegin(bytes: Buffer, at: number): boolean {
  const first = bytes[at]
  if (first === undefined) return true
  if (first < 0xc2 || first > 0xf4) return false
  const second = bytes[at + 1]
  if (second === undefined) return true
  switch (first) {
    case 0xe0:
      return second >= 0xa0
    case 0xed:
      return second < 0xa0
    case 0xf0:
      return second >= 0x90
    case 0xf4:
      return second < 0x90
    default:
      return true
  }
}
