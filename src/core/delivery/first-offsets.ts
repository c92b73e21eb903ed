import { randomBytes } from 'node:crypto'

/** A power of two. */
const leastSlots = 1_024

// Drawn at each start, so that no publisher can choose ids with the same hash.
const seeds = randomBytes(8)
const [lowSeed, highSeed] = [seeds.readInt32LE(0), seeds.readInt32LE(4)]

/** 64 bits of hash of a message id, in two halves that are independent of each other. */
export class IdHash {
  low = 0
  high = 0

  /** FNV-1a over the characters, with two seeds and two multipliers; then each half is mixed. */
  set(messageId: string): this {
    let low = lowSeed
    let high = highSeed
    for (let at = 0; at < messageId.length; at += 1) {
      const character = messageId.charCodeAt(at)
      low = Math.imul(low ^ character, 0x01000193)
      high = Math.imul(high ^ character, 0x5bd1e995)
    }
    this.low = mixed(low)
    this.high = mixed(high)
    return this
  }
}

/** The finalizer of MurmurHash3: each bit of the input changes half of the output. */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}

/**
 * The offset at which each message id and fingerprint was first seen, as columns of numbers. As a
 * map of strings and objects it was what the garbage collector moved most of in a busy tail,
 * because everything in it outlives a collection.
 *
 * The id is not kept. Its 64 bits of hash and the 32 bits of the fingerprint, which covers the
 * whole message, name an entry: of a million messages, two are confused with a probability of
 * 10⁻¹⁷.
 */
export class FirstOffsets {
  #size = 0
  #offsets: Float64Array
  #fingerprints: Int32Array
  #lows: Int32Array
  #highs: Int32Array

  /** `expected`: how many entries it has room for without growing. */
  constructor(expected = 0) {
    let slots = leastSlots
    while (slots < 2 * expected) slots *= 2
    // One more than the offset, because 0 marks a free slot.
    this.#offsets = new Float64Array(slots)
    this.#fingerprints = new Int32Array(slots)
    this.#lows = new Int32Array(slots)
    this.#highs = new Int32Array(slots)
  }

  get size(): number {
    return this.#size
  }

  /** Undefined if it was not seen. */
  get(id: IdHash, fingerprint: number): number | undefined {
    const stored = this.#offsets[this.#slotOf(id.low, id.high, fingerprint | 0)] ?? 0
    return stored === 0 ? undefined : stored - 1
  }

  /** It has not seen the entry before. */
  add(id: IdHash, fingerprint: number, offset: number): void {
    if (2 * (this.#size + 1) > this.#offsets.length) this.#grow()
    this.#put(id.low, id.high, fingerprint | 0, offset + 1)
    this.#size += 1
  }

  #put(low: number, high: number, fingerprint: number, stored: number): void {
    const slot = this.#slotOf(low, high, fingerprint)
    this.#offsets[slot] = stored
    this.#fingerprints[slot] = fingerprint
    this.#lows[slot] = low
    this.#highs[slot] = high
  }

  /** The slot of the entry, or the free slot where it belongs. */
  #slotOf(low: number, high: number, fingerprint: number): number {
    const last = this.#offsets.length - 1
    let slot = (low ^ fingerprint) & last
    while (
      this.#offsets[slot] !== 0 &&
      (this.#fingerprints[slot] !== fingerprint || this.#lows[slot] !== low || this.#highs[slot] !== high)
    )
      slot = (slot + 1) & last
    return slot
  }

  #grow(): void {
    const [offsets, fingerprints, lows, highs] = [this.#offsets, this.#fingerprints, this.#lows, this.#highs]
    const slots = 2 * offsets.length
    this.#offsets = new Float64Array(slots)
    this.#fingerprints = new Int32Array(slots)
    this.#lows = new Int32Array(slots)
    this.#highs = new Int32Array(slots)
    offsets.forEach((stored, slot) => {
      if (stored !== 0) this.#put(lows[slot] ?? 0, highs[slot] ?? 0, fingerprints[slot] ?? 0, stored)
    })
  }
}
