const quote = 0x22
const backslash = 0x5c

/** RFC 8259 §2. */
const isSpace = new Uint8Array(256)
for (const byte of Buffer.from(' \t\n\r')) isSpace[byte] = 1
const isStructural = new Uint8Array(256)
for (const byte of Buffer.from('{}[]:,')) isStructural[byte] = 1

/**
 * Removes the white space around structural characters. Returns undefined if the text has no such
 * white space, or if removing other white space would join what it separates.
 */
export function compactJson(bytes: Buffer): Buffer | undefined {
  const compact = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let inString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    if (inString) {
      if (byte === backslash) {
        compact[length] = byte
        length += 1
        at += 1
      } else if (byte === quote) inString = false
    } else if (isSpace[byte] === 1) {
      let next = at + 1
      while (isSpace[bytes[next] ?? 0] === 1) next += 1
      const isBetween = length > 0 && next < bytes.length
      if (isBetween && !isStructural[compact[length - 1] ?? 0] && !isStructural[bytes[next] ?? 0]) return undefined
      at = next - 1
      continue
    } else if (byte === quote) inString = true
    if (at < bytes.length) compact[length] = bytes[at] ?? 0
    length += 1
  }
  return length < bytes.length ? compact.subarray(0, length) : undefined
}
