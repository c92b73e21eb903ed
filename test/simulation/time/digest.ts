const { imul } = Math
const bits = new DataView(new ArrayBuffer(8))

/** A checksum of what happened and when: two runs with the same one are the same run. */
export class Digest {
  #low = 0x811c9dc5 | 0
  #high = 0x1b873593 | 0

  add(time: number, what: string): void {
    bits.setFloat64(0, time)
    this.#mix(bits.getInt32(0))
    this.#mix(bits.getInt32(4))
    for (let index = 0; index < what.length; index += 1) this.#mix(what.charCodeAt(index))
  }

  get text(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** FNV-1a and a multiplicative hash next to each other. */
  #mix(value: number): void {
    this.#low = imul(this.#low ^ value, 0x01000193)
    this.#high = imul((this.#high << 5) ^ (this.#high >>> 27) ^ value, 0x9e3779b1)
  }
}
