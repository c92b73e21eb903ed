/** A power of two. */
const leastSlots = 1_024

/**
 * The offset at which each message id and fingerprint was first seen, as columns of numbers. As a
 * map of strings and objects it was what the garbage collector moved most of in a busy tail,
 * because everything in it outlives a collection.
 *
 * The id is not kept, only 32 bits of hash: together with the fingerprint, which covers the id too,
 * 64 bits name an entry. Entries of one id differ in the fingerprint alone.
 */
export class FirstOffsets {
  #size = 0
  #offsets: Float64Array
  #fingerprints: Int32Array
  #hashes: Int32Array

  /** `expected`: how many entries it has room for without growing. */
  constructor(expected = 0) {
    let slots = leastSlots
    while (slots < 2 * expected) slots *= 2
    // One more than the offset, because 0 marks a free slot.
    this.#offsets = new Float64Array(slots)
    this.#fingerprints = new Int32Array(slots)
    this.#hashes = new Int32Array(slots)
  }

  get size(): number {
    return this.#size
  }

  /** Undefined if it was not seen. `hash`: of the id, by `hashOfId`. */
  get(hash: number, fingerprint: number): number | undefined {
    const stored = this.#offsets[this.#slotOf(hash, fingerprint | 0)] ?? 0
    return stored === 0 ? undefined : stored - 1
  }

  /** It has not seen the entry before. */
  add(hash: number, fingerprint: number, offset: number): void {
    if (2 * (this.#size + 1) > this.#offsets.length) this.#grow()
    this.#put(hash, fingerprint | 0, offset + 1)
    this.#size += 1
  }

  #put(hash: number, fingerprint: number, stored: number): void {
    const slot = this.#slotOf(hash, fingerprint)
    this.#offsets[slot] = stored
    this.#fingerprints[slot] = fingerprint
    this.#hashes[slot] = hash
  }

  /** The slot of the entry, or the free slot where it belongs. */
  #slotOf(hash: number, fingerprint: number): number {
    const last = this.#offsets.length - 1
    let slot = (hash ^ fingerprint) & last
    while (this.#offsets[slot] !== 0 && (this.#fingerprints[slot] !== fingerprint || this.#hashes[slot] !== hash))
      slot = (slot + 1) & last
    return slot
  }

  #grow(): void {
    const [offsets, fingerprints, hashes] = [this.#offsets, this.#fingerprints, this.#hashes]
    const slots = 2 * offsets.length
    this.#offsets = new Float64Array(slots)
    this.#fingerprints = new Int32Array(slots)
    this.#hashes = new Int32Array(slots)
    offsets.forEach((stored, slot) => {
      if (stored !== 0) this.#put(hashes[slot] ?? 0, fingerprints[slot] ?? 0, stored)
    })
  }
}

/** FNV-1a of the characters, in 32 bits. */
export function hashOfId(messageId: string): number {
  let hash = 0x811c9dc5 | 0
  for (let at = 0; at < messageId.length; at += 1) hash = Math.imul(hash ^ messageId.charCodeAt(at), 0x01000193)
  return hash
}
