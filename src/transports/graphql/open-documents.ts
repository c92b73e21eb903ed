import { GatewayError } from '../../errors.ts'

/**
 * Shorter ones are not counted, in characters: what any client asks for, and most of them the same.
 */
const freeLength = 200

/**
 * The documents of open subscriptions. A parsed one takes some forty times its text for as long as
 * its subscription runs, so that whoever brought it pays for it; all subscriptions with the same
 * parsed document hold one.
 */
export class OpenDocuments {
  readonly #limits: { readonly maxOpenDocumentBytes: number }
  readonly #open = new Map<object, { uses: number; readonly length: number; readonly payer: string }>()
  readonly #ofPayer = new Map<string, number>()

  constructor(limits: { readonly maxOpenDocumentBytes: number }) {
    this.#limits = limits
  }

  /**
   * Throws `LIMIT_EXCEEDED`. Call what is returned once, when the subscription has ended. `payer`
   * undefined: counted nowhere.
   */
  hold(document: object, length: number, payer: string | undefined): () => void {
    if (length <= freeLength || payer === undefined) return () => undefined
    const open = this.#open.get(document) ?? this.#begin(document, length, payer)
    open.uses += 1
    return () => {
      open.uses -= 1
      if (open.uses > 0) return
      this.#open.delete(document)
      const left = (this.#ofPayer.get(open.payer) ?? 0) - open.length
      if (left > 0) this.#ofPayer.set(open.payer, left)
      else this.#ofPayer.delete(open.payer)
    }
  }

  #begin(document: object, length: number, payer: string): { uses: number; length: number; payer: string } {
    const sum = (this.#ofPayer.get(payer) ?? 0) + length
    const { maxOpenDocumentBytes } = this.#limits
    if (sum > maxOpenDocumentBytes) {
      throw new GatewayError(
        'LIMIT_EXCEEDED',
        `at most ${maxOpenDocumentBytes} bytes of documents in open subscriptions`,
        {
          limit: 'WARREN_MAX_OPEN_DOCUMENT_BYTES',
        },
      )
    }
    this.#ofPayer.set(payer, sum)
    const open = { uses: 0, length, payer }
    this.#open.set(document, open)
    return open
  }
}
