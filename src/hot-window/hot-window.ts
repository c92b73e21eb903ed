import type { HotWindow, WindowEntry } from '../core/ports/hot-window.ts'
import { Chunk } from './chunk.ts'

/**
 * The size of a chunk, in bytes. It is smaller if the window is small, so that the memory of
 * dropped entries is released soon.
 */
const chunkBytes = 512 * 1024
const leastChunkBytes = 8 * 1024
const chunks = 8

export interface WindowBounds {
  readonly maxBytes: number
  readonly maxAgeMs: number
}

/**
 * Keeps the end of the journal in memory, bounded by bytes and by age. On overflow the oldest
 * entries are dropped; the newest is always kept.
 */
export class ChunkedHotWindow implements HotWindow {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #chunkBytes: number
  readonly #wider: ChunkedHotWindow | undefined
  #chunks: Chunk[] = []
  /** How many entries at the front of the first chunk have been dropped. */
  #dropped = 0
  #bytes = 0
  /**
   * The chunk that was dropped last. The next one gets its memory. A busy window would otherwise
   * release as much memory as it receives bytes, which only a whole collection of garbage returns.
   */
  #reusable: Chunk | undefined

  /**
   * `wider`: a window with wider bounds that receives each entry first. This window then shares its
   * chunks and stores nothing twice.
   */
  constructor(bounds: WindowBounds, wider?: ChunkedHotWindow) {
    this.#maxBytes = bounds.maxBytes
    this.#maxAgeMs = bounds.maxAgeMs
    this.#chunkBytes = Math.max(leastChunkBytes, Math.min(chunkBytes, bounds.maxBytes / chunks))
    this.#wider = wider
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): number | undefined {
    return this.#chunks[0]?.offsetOf(this.#dropped)
  }

  get last(): WindowEntry | undefined {
    const chunk = this.#chunks.at(-1)
    return chunk?.at(chunk.count - 1)
  }

  add(entry: WindowEntry): void {
    const chunk = this.#wider ? this.#share(this.#wider) : this.#write(entry)
    this.#bytes += chunk.weightOf(chunk.count - 1)
    const oldest = entry.receivedAt - this.#maxAgeMs
    for (let first = this.#chunks[0]; first; first = this.#chunks[0]) {
      if (first === chunk && this.#dropped === chunk.count - 1) break
      if (this.#bytes <= this.#maxBytes && first.receivedAtOf(this.#dropped) >= oldest) break
      this.#bytes -= first.weightOf(this.#dropped)
      this.#dropped += 1
      if (this.#dropped < first.count) continue
      // Its memory is not taken yet, because a narrower window drops the chunk after this one.
      if (!this.#wider && first.size === this.#chunkBytes) this.#reusable = first
      this.#chunks.shift()
      this.#dropped = 0
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
      const dropped = chunk === first ? this.#dropped : 0
      for (let slot = Math.max(dropped, chunk.slotAfter(offset)); slot < chunk.count; slot += 1) {
        if (!visit(chunk.at(slot))) return
      }
    }
  }

  clear(): void {
    this.#chunks = []
    this.#reusable = undefined
    this.#dropped = 0
    this.#bytes = 0
  }

  #write(entry: WindowEntry): Chunk {
    const bytes = Chunk.bytesFor(entry)
    let chunk = this.#chunks.at(-1)
    if (!chunk || chunk.isFull || chunk.room < bytes) {
      const memory = bytes <= this.#chunkBytes ? this.#reusable?.takeMemory() : undefined
      this.#reusable = undefined
      chunk = new Chunk(Math.max(this.#chunkBytes, bytes), chunk, memory)
      this.#chunks.push(chunk)
    }
    chunk.add(entry)
    return chunk
  }

  #share(wider: ChunkedHotWindow): Chunk {
    const chunk = wider.#chunks.at(-1)
    if (!chunk) throw new Error('an entry must be added to the wider window first')
    if (chunk !== this.#chunks.at(-1)) {
      if (this.#chunks.length === 0) this.#dropped = chunk.count - 1
      this.#chunks.push(chunk)
    }
    return chunk
  }
}
