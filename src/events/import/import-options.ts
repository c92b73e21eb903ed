export interface ImportOptions {
  /** The exchange of the events, for documents that name none. */
  readonly exchange?: string
  /** The name of the subscription field. */
  readonly field?: string
  /** Whether comments show examples from the document. Default: true. */
  readonly examples?: boolean
}

/** The exchange that a draft names if nothing else does. */
export const unnamedExchange = 'events'

/** The document cannot become SDL. The message is for the person who gave it. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused'
}
