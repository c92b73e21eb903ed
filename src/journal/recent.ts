import type { JournalMessage } from '../core/message.ts'
import type { RecentMessages } from '../core/recent.ts'

/** What an entry weighs beside its body: the envelope's objects and strings, estimated. */
const envelopeBytes = 512

export function weightOf(entry: JournalMessage): number {
  return entry.body.length + envelopeBytes
}

/** Entries of the journal's end, bounded by bytes and by age; the newest is always kept. Overflow: the oldest go. */
export class Recent implements RecentMessages {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  #entries: (JournalMessage | undefined)[] = []
  /** How many entries at the front are gone already: the array is cut only now and then. */
  #gone = 0
  #bytes = 0

  constructor(bounds: { maxBytes: number; maxAgeMs: number }) {
    this.#maxBytes = bounds.maxBytes
    this.#maxAgeMs = bounds.maxAgeMs
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): number | undefined {
    return this.#entries[this.#gone]?.offset
  }

  get last(): JournalMessage | undefined {
    return this.#entries.at(-1)
  }

  add(entry: JournalMessage): void {
    this.#entries.push(entry)
    this.#bytes += weightOf(entry)
    const oldest = entry.receivedAt - this.#maxAgeMs
    while (this.#gone < this.#entries.length - 1) {
      const first = this.#entries[this.#gone]
      if (!first || (this.#bytes <= this.#maxBytes && first.receivedAt >= oldest)) break
      this.#bytes -= weightOf(first)
      this.#entries[this.#gone] = undefined
      this.#gone += 1
    }
    if (this.#gone > 1024 && this.#gone > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#gone)
      this.#gone = 0
    }
  }

  at(offset: number): JournalMessage | undefined {
    const entry = this.#entries[this.#indexBehind(offset - 1)]
    return entry?.offset === offset ? entry : undefined
  }

  visit(offset: number, visit: (entry: JournalMessage) => boolean): void {
    for (let index = this.#indexBehind(offset); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index]
      if (!entry || !visit(entry)) return
    }
  }

  clear(): void {
    this.#entries = []
    this.#gone = 0
    this.#bytes = 0
  }

  /** The index of the first entry whose offset is greater. */
  #indexBehind(offset: number): number {
    let low = this.#gone
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.#entries[middle]
      if (entry && entry.offset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
