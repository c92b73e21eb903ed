/**
 * Compares ids by code points, which is the order of their bytes in UTF-8 and so that of the
 * database. `<` compares UTF-16 units, which differs for characters outside the basic plane.
 */
export function compareClientIds(one: string, other: string): number {
  // Without units from the surrogates on, in one of them, both orders are the same.
  if (!highUnit.test(one) || !highUnit.test(other)) return one < other ? -1 : one > other ? 1 : 0
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index += 1) {
    const left = one.charCodeAt(index)
    const right = other.charCodeAt(index)
    if (left !== right) return rankOf(left) - rankOf(right)
  }
  return one.length - other.length
}

const highUnit = /[\ud800-\uffff]/

/** Surrogates stand for characters behind all others. */
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** Keeps the `count` smallest ids of many, each once, without sorting them all. */
export class SmallestIds {
  readonly #count: number
  #ids: string[] = []
  #bound: string | undefined

  constructor(count: number) {
    this.#count = count
  }

  add(id: string): void {
    if (this.#bound !== undefined && compareClientIds(id, this.#bound) >= 0) return
    this.#ids.push(id)
    if (this.#ids.length >= 2 * this.#count + 64) this.#trim()
  }

  /** In order. */
  get sorted(): readonly string[] {
    this.#trim()
    return this.#ids
  }

  #trim(): void {
    this.#ids = [...new Set(this.#ids)].toSorted(compareClientIds).slice(0, this.#count)
    if (this.#ids.length === this.#count) this.#bound = this.#ids.at(-1)
  }
}
