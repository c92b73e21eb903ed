import type { HotWindow, WindowEntry } from '../core/ports/hot-window.ts'
import { Chunk } from './chunk.ts'

/**
 * What is made room for at once, in bytes; less where little is to be kept, so that what is gone is
 * soon given back.
 */
const chunkBytes = 256 * 1024
const leastChunkBytes = 8 * 1024
const chunks = 8

export interface WindowBounds {
  readonly maxBytes: number
  readonly maxAgeMs: number
}

/**
 * Entries of the journal's end, bounded by bytes and by age; the newest is always kept. Overflow:
 * the oldest go.
 */
export class ChunkedHotWindow implements HotWindow {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #chunkBytes: number
  readonly #within: ChunkedHotWindow | undefined
  #chunks: Chunk[] = []
  /** How many entries at the front of the first chunk are gone already. */
  #gone = 0
  #bytes = 0

  /** `within`: has been given each entry before, under wider bounds; then nothing is kept twice. */
  constructor(bounds: WindowBounds, within?: ChunkedHotWindow) {
    this.#maxBytes = bounds.maxBytes
    this.#maxAgeMs = bounds.maxAgeMs
    this.#chunkBytes = Math.max(leastChunkBytes, Math.min(chunkBytes, bounds.maxBytes / chunks))
    this.#within = within
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): number | undefined {
    return this.#chunks[0]?.offsetOf(this.#gone)
  }

  get last(): WindowEntry | undefined {
    const chunk = this.#chunks.at(-1)
    return chunk?.at(chunk.count - 1)
  }

  add(entry: WindowEntry): void {
    const chunk = this.#within ? this.#share(this.#within) : this.#write(entry)
    this.#bytes += chunk.weightOf(chunk.count - 1)
    const oldest = entry.receivedAt - this.#maxAgeMs
    for (let first = this.#chunks[0]; first; first = this.#chunks[0]) {
      if (first === chunk && this.#gone === chunk.count - 1) break
      if (this.#bytes <= this.#maxBytes && first.receivedAtOf(this.#gone) >= oldest) break
      this.#bytes -= first.weightOf(this.#gone)
      this.#gone += 1
      if (this.#gone < first.count) continue
      this.#chunks.shift()
      this.#gone = 0
    }
  }

  at(offset: number): WindowEntry | undefined {
    let found: WindowEntry | undefined
    this.visit(offset - 1, (entry) => {
      if (entry.offset === offset) found = entry
      return false
    })
    return found
  }

  visit(offset: number, visit: (entry: WindowEntry) => boolean): void {
    const begin = this.#chunks.findLastIndex((chunk) => chunk.offsetOf(0) <= offset)
    const [first] = this.#chunks
    for (const chunk of this.#chunks.slice(Math.max(0, begin))) {
      const gone = chunk === first ? this.#gone : 0
      for (let slot = Math.max(gone, chunk.placeBehind(offset)); slot < chunk.count; slot += 1) {
        if (!visit(chunk.at(slot))) return
      }
    }
  }

  clear(): void {
    this.#chunks = []
    this.#gone = 0
    this.#bytes = 0
  }

  #write(entry: WindowEntry): Chunk {
    const bytes = Chunk.bytesFor(entry)
    let chunk = this.#chunks.at(-1)
    if (!chunk || chunk.isFull || chunk.room < bytes) {
      chunk = new Chunk(Math.max(this.#chunkBytes, bytes))
      this.#chunks.push(chunk)
    }
    chunk.add(entry)
    return chunk
  }

  #share(within: ChunkedHotWindow): Chunk {
    const chunk = within.#chunks.at(-1)
    if (!chunk) throw new Error('an entry comes to the wider window first')
    if (chunk !== this.#chunks.at(-1)) {
      if (this.#chunks.length === 0) this.#gone = chunk.count - 1
      this.#chunks.push(chunk)
    }
    return chunk
  }
}
