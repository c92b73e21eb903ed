import type { DocumentNode } from 'graphql'
import { tokensIn } from '../../graphql/limits/document-tokens.ts'

/**
 * What the documents of one cache may hold together, in bytes; past it, the one that was used
 * longest ago goes.
 */
const maxBytes = 16 * 1024 * 1024
/** A heavier one is parsed each time: else a few would push out all others. */
const maxBytesOfOne = maxBytes / 16
/**
 * What a token costs as a part of a document, with its node, its place and what is compiled of it:
 * measured, at most 490 bytes on Node 20.
 */
const bytesPerToken = 640
const bytesPerCharacter = 2

interface Kept {
  readonly document: DocumentNode
  readonly bytes: number
}

/**
 * Valid documents by their text: what makes the second of equal operations cheap. Bounded by what
 * they weigh in memory.
 */
export class DocumentCache {
  readonly #documents = new Map<string, Kept>()
  #bytes = 0

  /** An estimate of what it holds. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#documents.size
  }

  get(text: string): DocumentNode | undefined {
    const kept = this.#documents.get(text)
    if (kept) {
      this.#documents.delete(text)
      this.#documents.set(text, kept)
    }
    return kept?.document
  }

  /**
   * The document has been found valid: anybody can send as many invalid ones as there is memory.
   */
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
