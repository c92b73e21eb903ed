import type { DocumentNode } from 'graphql'

/** Documents that are kept; past it, the one that was used longest ago goes. */
const maxDocuments = 1_000
/** Longer ones are parsed each time, in characters: together they could take more memory than the gateway has. */
const maxLength = 16 * 1024

/** Parsed documents by their text: what makes the second of equal operations cheap. Bounded by count and by length. */
export class DocumentCache {
  readonly #documents = new Map<string, DocumentNode>()

  get(text: string): DocumentNode | undefined {
    const document = this.#documents.get(text)
    if (document) {
      this.#documents.delete(text)
      this.#documents.set(text, document)
    }
    return document
  }

  set(text: string, document: DocumentNode): void {
    if (text.length > maxLength) return
    this.#documents.set(text, document)
    if (this.#documents.size <= maxDocuments) return
    for (const oldest of this.#documents.keys()) {
      this.#documents.delete(oldest)
      return
    }
  }
}
