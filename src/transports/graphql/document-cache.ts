import type { DocumentNode } from 'graphql'
import { tokensIn } from '../../graphql/limits/document-tokens.ts'

/**
 * How much the documents of one cache may hold together, in bytes. Beyond it, the least recently
 * used one is removed.
 */
const maxBytes = 16 * 1024 * 1024
/** A heavier document is parsed each time. Otherwise a few would push out all others. */
const maxBytesOfOne = maxBytes / 16
/**
 * Cost of a token in a document, with its node, its location and its compiled parts. Measured: at
 * most 490 bytes on Node 20.
 */
const bytesPerToken = 640
const bytesPerCharacter = 2

interface CacheEntry {
  readonly document: DocumentNode
  readonly bytes: number
}

/**
 * Valid documents by their text, so that equal operations are parsed and validated once. Bounded by
 * their estimated memory.
 */
export class DocumentCache {
  readonly #documents = new Map<string, CacheEntry>()
  #bytes = 0

  /** Estimated memory of the documents. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#documents.size
  }

  get(text: string): DocumentNode | undefined {
    const entry = this.#documents.get(text)
    if (entry) {
      this.#documents.delete(text)
      this.#documents.set(text, entry)
    }
    return entry?.document
  }

  /** Only valid documents may be added: a client can send any number of invalid ones. */
  set(text: string, document: DocumentNode): void {
    const bytes = text.length * bytesPerCharacter + tokensIn(document) * bytesPerToken
    this.#delete(text)
    if (bytes > maxBytesOfOne) return
    this.#documents.set(text, { document, bytes })
    this.#bytes += bytes
    for (const oldest of this.#documents.keys()) {
      if (this.#bytes <= maxBytes) break
      this.#delete(oldest)
    }
  }

  #delete(text: string): void {
    this.#bytes -= this.#documents.get(text)?.bytes ?? 0
    this.#documents.delete(text)
  }
}
