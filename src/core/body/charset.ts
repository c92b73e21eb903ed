import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

/**
 * The name of this character set in `TextDecoder`, such as `windows-1252`; undefined if unknown.
 */
export function canonicalCharset(label: string): string | undefined {
  try {
    return new TextDecoder(label.trim()).encoding
  } catch {
    return undefined
  }
}

/**
 * Decodes text in the character set of this label. A byte order mark of UTF-16 takes precedence
 * over the label, and an unknown label means UTF-8: https://encoding.spec.whatwg.org/#decode. Never
 * throws: invalid sequences become U+FFFD.
 */
export function decodeText(bytes: Buffer, label: string | undefined): string {
  return new TextDecoder(utf16Mark(bytes) ?? (label === undefined ? 'utf-8' : canonicalCharset(label))).decode(bytes)
}

/**
 * Converts JSON to UTF-8 if it is in another character set. JSON is UTF-8 (RFC 8259 §8.1), so a
 * label matters only if the bytes are not valid UTF-8, or are UTF-16: by the label, a byte order
 * mark, or the zeros that RFC 4627 §3 looks for. Throws a TypeError if the bytes are invalid in the
 * detected character set.
 */
export function utf8OfJson(bytes: Buffer, label: string | undefined): Buffer {
  const named = label === undefined ? undefined : canonicalCharset(label)
  const utf16 = utf16Mark(bytes) ?? utf16WithoutMark(bytes) ?? (named?.startsWith('utf-16') ? named : undefined)
  if (utf16 === undefined && (named === undefined || named === 'utf-8' || isUtf8(bytes))) return bytes
  return Buffer.from(new TextDecoder(utf16 ?? named, { fatal: true }).decode(bytes))
}

function utf16Mark(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return undefined
}

/** JSON begins with an ASCII character, so in UTF-16 one of its first two bytes is zero. */
function utf16WithoutMark(bytes: Buffer): string | undefined {
  if (bytes.length < 2) return undefined
  if (bytes[0] === 0) return 'utf-16be'
  return bytes[1] === 0 ? 'utf-16le' : undefined
}
