import { isUtf8 } from 'node:buffer'

const quote = 0x22
const plus = 0x2b
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const nine = 0x39
const colon = 0x3a
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * An object with more members counts as not canonical, because each name is compared with all
 * earlier ones.
 */
const maxMembers = 64
/** The hashes of the names of all objects that are open at the same time. */
const hashes = new Int32Array(1024)

/**
 * Bytes that a string cannot hold unescaped: control characters, the quote, the backslash. Reading
 * past the end yields 0, which is special too.
 */
const isSpecial = new Uint8Array(256).map((_, byte) => (byte < 0x20 || byte === quote || byte === backslash ? 1 : 0))
/**
 * Characters after a backslash, if JSON.stringify escapes them the same way. Numeric escapes are
 * rare enough to leave out.
 */
const isShortEscape = new Uint8Array(256)
for (const letter of Buffer.from('"\\bfnrt')) isShortEscape[letter] = 1

/**
 * Whether these bytes are JSON in the form that `printJson(parseJson(text))` leaves unchanged, byte
 * for byte: no white space, unique names that an object would not move to its front, escapes as
 * JavaScript prints them, numbers as they are. One pass costs a quarter of parsing and printing.
 * May return false for canonical JSON, never true for anything else. On false, parse. Also false if
 * the JSON nests `maxDepth` levels or more.
 */
export function isCanonicalJson(bytes: Buffer, maxDepth: number): boolean {
  return hasCanonicalForm(bytes, maxDepth) && isUtf8(bytes)
}

const firstHash: number[] = []

function hasCanonicalForm(bytes: Buffer, maxDepth: number): boolean {
  let at = 0
  let depth = 0
  let inObject = false
  let hashCount = 0
  for (;;) {
    const byte = bytes[at]
    if (byte === openBrace && bytes[at + 1] !== closeBrace) {
      inObject = true
      depth += 1
      firstHash[depth] = hashCount
      at += 1
    } else if (byte === openBracket && bytes[at + 1] !== closeBracket) {
      inObject = false
      depth += 1
      firstHash[depth] = -1
      at += 1
    } else {
      at = endOfScalar(bytes, at)
      if (at < 0) return false
      while (depth > 0 && bytes[at] === (inObject ? closeBrace : closeBracket)) {
        if (inObject) hashCount = firstHash[depth] ?? 0
        depth -= 1
        inObject = depth > 0 && (firstHash[depth] ?? -1) >= 0
        at += 1
      }
      if (depth === 0) return at === bytes.length
      if (bytes[at] !== comma) return false
      at += 1
    }
    // An empty container inside this one would be one level more.
    if (depth >= maxDepth) return false
    if (!inObject) continue
    const end = bytes[at] === quote ? endOfString(bytes, at + 1) : -1
    if (end < 0 || bytes[end] !== colon) return false
    const hash = hashOfName(bytes, at + 1, end - 1)
    const first = firstHash[depth] ?? 0
    if (hash === 0 || hashCount === hashes.length || hashCount - first === maxMembers) return false
    for (let index = first; index < hashCount; index += 1) if (hashes[index] === hash) return false
    hashes[hashCount] = hash
    hashCount += 1
    at = end + 1
  }
}

/**
 * The offset after the string, number, literal or empty container that begins here; -1 if there is
 * none, or if its form is not canonical.
 */
function endOfScalar(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case quote:
      return endOfString(bytes, at + 1)
    case openBrace:
    case openBracket:
      return at + 2
    case 0x74:
      return endOfLiteral(bytes, at, 'true')
    case 0x66:
      return endOfLiteral(bytes, at, 'false')
    case 0x6e:
      return endOfLiteral(bytes, at, 'null')
    default:
      return endOfNumber(bytes, at)
  }
}

function endOfLiteral(bytes: Buffer, at: number, literal: string): number {
  for (let index = 1; index < literal.length; index += 1) {
    if (bytes[at + index] !== literal.charCodeAt(index)) return -1
  }
  return at + literal.length
}

/** How much of a string is looked at byte by byte, before a view of its words pays. */
const shortBytes = 32

function endOfString(bytes: Buffer, begin: number): number {
  let at = begin
  for (;;) {
    const end = at + shortBytes
    while (at < end && isSpecial[bytes[at] ?? 0] === 0) at += 1
    if (at === end) at = nextSpecial(bytes, at)
    if (bytes[at] === quote) return at + 1
    if (bytes[at] !== backslash || isShortEscape[bytes[at + 1] ?? 0] === 0) return -1
    at += 2
  }
}

/** The offset of the next special byte. Four bytes at a time take a third of the time. */
function nextSpecial(bytes: Buffer, begin: number): number {
  let at = begin
  // A view of words must begin at a multiple of four.
  for (; (bytes.byteOffset + at) % 4 !== 0; at += 1) if (isSpecial[bytes[at] ?? 0] === 1) return at
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, Math.max(0, bytes.length - at) >> 2)
  let index = 0
  while (index < words.length && !hasSpecial(words[index] ?? 0)) index += 1
  at += 4 * index
  while (isSpecial[bytes[at] ?? 0] === 0) at += 1
  return at
}

/**
 * Whether one of the four bytes is special. The subtractions set the highest bit of a byte that is
 * below 0x20, and that is zero: https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord.
 */
function hasSpecial(word: number): boolean {
  const quotes = word ^ 0x22222222
  const backslashes = word ^ 0x5c5c5c5c
  const controls = (word - 0x20202020) & ~word
  const found = controls | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes)
  return (found & 0x80808080) !== 0
}

/** RFC 8259 §6. The digits do not matter: they are passed on unchanged. */
function endOfNumber(bytes: Buffer, begin: number): number {
  const first = bytes[begin] === minus ? begin + 1 : begin
  let at = endOfDigits(bytes, first)
  if (at === first || (bytes[first] === zero && at > first + 1)) return -1
  if (bytes[at] === point) {
    const fraction = at + 1
    at = endOfDigits(bytes, fraction)
    if (at === fraction) return -1
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1]
    const exponent = sign === plus || sign === minus ? at + 2 : at + 1
    at = endOfDigits(bytes, exponent)
    if (at === exponent) return -1
  }
  return at
}

function endOfDigits(bytes: Buffer, begin: number): number {
  let at = begin
  for (let byte = bytes[at] ?? 0; byte >= zero && byte <= nine; byte = bytes[at] ?? 0) at += 1
  return at
}

/**
 * Returns equal hashes for equal names. Returns 0 if the hash is unusable or the name is all
 * digits, because objects put such names first.
 */
function hashOfName(bytes: Buffer, begin: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  let isIndex = begin < end
  for (let at = begin; at < end; at += 1) {
    const byte = bytes[at] ?? 0
    hash = Math.imul(hash ^ byte, 0x01000193)
    if (byte < zero || byte > nine) isIndex = false
  }
  return isIndex ? 0 : hash
}
