import { GatewayError } from '../../errors.ts'

/**
 * In characters. Shorter documents are not counted: they are what clients usually send, and most
 * clients send the same ones.
 */
const freeLength = 200

/**
 * The documents of open subscriptions. A parsed document takes about forty times its text while its
 * subscription runs. So it counts for the client that sent it first. All subscriptions with the
 * same parsed document share it.
 */
export class OpenDocuments {
  readonly #limits: { readonly maxOpenDocumentBytes: number }
  readonly #open = new Map<object, { uses: number; readonly length: number; readonly payer: string }>()
  readonly #bytesByPayer = new Map<string, number>()

  constructor(limits: { readonly maxOpenDocumentBytes: number }) {
    this.#limits = limits
  }

  /**
   * Throws `LIMIT_EXCEEDED`. Call the returned function once, when the subscription has ended.
   * `payer` undefined: not counted.
   */
  hold(document: object, length: number, payer: string | undefined): () => void {
    if (length <= freeLength || payer === undefined) return () => undefined
    const open = this.#open.get(document) ?? this.#add(document, length, payer)
    open.uses += 1
    return () => {
      open.uses -= 1
      if (open.uses > 0) return
      this.#open.delete(document)
      const left = (this.#bytesByPayer.get(open.payer) ?? 0) - open.length
      if (left > 0) this.#bytesByPayer.set(open.payer, left)
      else this.#bytesByPayer.delete(open.payer)
    }
  }

  #add(document: object, length: number, payer: string): { uses: number; length: number; payer: string } {
    const sum = (this.#bytesByPayer.get(payer) ?? 0) + length
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
    this.#bytesByPayer.set(payer, sum)
    const open = { uses: 0, length, payer }
    this.#open.set(document, open)
    return open
  }
}
