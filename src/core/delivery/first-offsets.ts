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
 * A slot is four numbers: the two halves of the hash, the fingerprint, and one more than the place
 * of the entry in `#offsets`. In a free slot the last one is 0.
 */
const slotShift = 2
const slotNumbers = 1 << slotShift

/**
 * The offset at which each message id and fingerprint was first seen, as numbers. As a map of
 * strings and objects it was what the garbage collector moved most of in a busy tail, because
 * everything in it outlives a collection.
 *
 * The id is not kept. Its 64 bits of hash and the 32 bits of the fingerprint, which covers the
 * whole message, name an entry: of a million messages, two are confused with a probability of
 * 10⁻¹⁷.
 */
export class FirstOffsets {
  #size = 0
  /** A hash table with linear probing. What belongs to one slot is in one cache line. */
  #slots: Int32Array
  /** In the order of `add`. */
  #offsets: Float64Array

  /** `expected`: how many entries it has room for without growing. */
  constructor(expected = 0) {
    let slots = leastSlots
    while (slots < 2 * expected) slots *= 2
    this.#slots = new Int32Array(slots * slotNumbers)
    this.#offsets = new Float64Array(slots / 2)
  }

  get size(): number {
    return this.#size
  }

  /** Undefined if it was not seen. */
  get(id: IdHash, fingerprint: number): number | undefined {
    const place = this.#slots[this.#slotOf(id.low, id.high, fingerprint | 0) + 3] ?? 0
    return place === 0 ? undefined : this.#offsets[place - 1]
  }

  /** It has not seen the entry before. */
  add(id: IdHash, fingerprint: number, offset: number): void {
    if (this.#size === this.#offsets.length) this.#grow()
    this.#offsets[this.#size] = offset
    this.#size += 1
    this.#put(id.low, id.high, fingerprint | 0, this.#size)
  }

  #put(low: number, high: number, fingerprint: number, place: number): void {
    const at = this.#slotOf(low, high, fingerprint)
    this.#slots[at] = low
    this.#slots[at + 1] = high
    this.#slots[at + 2] = fingerprint
    this.#slots[at + 3] = place
  }

  /** Where the slot of the entry begins, or the free slot where it belongs. */
  #slotOf(low: number, high: number, fingerprint: number): number {
    const slots = this.#slots
    const last = slots.length - 1
    let at = ((low ^ fingerprint) << slotShift) & last
    while (slots[at + 3] !== 0 && (slots[at] !== low || slots[at + 1] !== high || slots[at + 2] !== fingerprint))
      at = (at + slotNumbers) & last
    return at
  }

  #grow(): void {
    const [slots, offsets] = [this.#slots, this.#offsets]
    this.#slots = new Int32Array(2 * slots.length)
    this.#offsets = new Float64Array(2 * offsets.length)
    this.#offsets.set(offsets)
    for (let at = 0; at < slots.length; at += slotNumbers) {
      const place = slots[at + 3] ?? 0
      if (place !== 0) this.#put(slots[at] ?? 0, slots[at + 1] ?? 0, slots[at + 2] ?? 0, place)
    }
  }
}
