/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012; https://github.com/veorq/SipHash) of whole 64-bit
 * words: a keyed hash for short input. Written in 32-bit halves, because a BigInt allocates, and a
 * call into `node:crypto` costs several times as much as the few words of a cursor.
 */
export class SipHash {
  /** The initial state, before the first word, as pairs of low and high halves. */
  readonly #initial: Int32Array
  /** The halves of the last hash. */
  low = 0
  high = 0

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a SipHash key: expected 16 bytes, got ${key.length}`)
    const view = new DataView(key.buffer, key.byteOffset, key.length)
    const word = (index: number): number => view.getInt32(4 * index, true)
    this.#initial = Int32Array.of(
      word(0) ^ 0x70736575,
      word(1) ^ 0x736f6d65,
      word(2) ^ 0x6e646f6d,
      word(3) ^ 0x646f7261,
      word(0) ^ 0x6e657261,
      word(1) ^ 0x6c796765,
      word(2) ^ 0x79746573,
      word(3) ^ 0x74656462,
    )
  }

  /**
   * Hashes the first `count` words of `words` (low half, high half, low half, …) into `low` and
   * `high`.
   */
  hash(words: Int32Array, count: number): void {
    const initial = this.#initial
    let a = initial[0] as number
    let a1 = initial[1] as number
    let b = initial[2] as number
    let b1 = initial[3] as number
    let c = initial[4] as number
    let c1 = initial[5] as number
    let d = initial[6] as number
    let d1 = initial[7] as number
    // Two rounds for each word, including the word of the length, and four at the end.
    const rounds = 2 * count + 6
    for (let round = 0; round < rounds; round += 1) {
      const index = round >> 1
      let low = 0
      let high = 0
      if (index < count) {
        low = words[2 * index] as number
        high = words[2 * index + 1] as number
      } else if (index === count) {
        high = count << 27
      }
      if ((round & 1) === 0) {
        d ^= low
        d1 ^= high
        if (index === count + 1) c ^= 0xff
      }
      // a += b; b = b <<< 13 ^ a; a = a <<< 32
      let sum = (a + b) | 0
      a1 = (a1 + b1 + (sum >>> 0 < a >>> 0 ? 1 : 0)) | 0
      a = sum
      let rotated = ((b << 13) | (b1 >>> 19)) ^ a
      b1 = ((b1 << 13) | (b >>> 19)) ^ a1
      b = rotated
      rotated = a
      a = a1
      a1 = rotated
      // c += d; d = d <<< 16 ^ c
      sum = (c + d) | 0
      c1 = (c1 + d1 + (sum >>> 0 < c >>> 0 ? 1 : 0)) | 0
      c = sum
      rotated = ((d << 16) | (d1 >>> 16)) ^ c
      d1 = ((d1 << 16) | (d >>> 16)) ^ c1
      d = rotated
      // a += d; d = d <<< 21 ^ a
      sum = (a + d) | 0
      a1 = (a1 + d1 + (sum >>> 0 < a >>> 0 ? 1 : 0)) | 0
      a = sum
      rotated = ((d << 21) | (d1 >>> 11)) ^ a
      d1 = ((d1 << 21) | (d >>> 11)) ^ a1
      d = rotated
      // c += b; b = b <<< 17 ^ c; c = c <<< 32
      sum = (c + b) | 0
      c1 = (c1 + b1 + (sum >>> 0 < c >>> 0 ? 1 : 0)) | 0
      c = sum
      rotated = ((b << 17) | (b1 >>> 15)) ^ c
      b1 = ((b1 << 17) | (b >>> 15)) ^ c1
      b = rotated
      rotated = c
      c = c1
      c1 = rotated
      if ((round & 1) === 1) {
        a ^= low
        a1 ^= high
      }
    }
    this.low = a ^ b ^ c ^ d
    this.high = a1 ^ b1 ^ c1 ^ d1
  }
}
