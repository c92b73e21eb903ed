import type { QuarantineReason } from '../accounting/labels.ts'

/**
 * A body that cannot be decoded. Its message goes to the quarantine with this reason; other
 * messages are not affected.
 */
export class UndecodableBody extends Error {
  override readonly name = 'UndecodableBody'
  readonly reason: QuarantineReason

  constructor(reason: QuarantineReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}
