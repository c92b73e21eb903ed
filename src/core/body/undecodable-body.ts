import type { QuarantineReason } from '../accounting/labels.ts'

/**
 * A body that cannot be turned into data. The message goes to the quarantine with this reason; its
 * neighbours go on.
 */
export class UndecodableBody extends Error {
  override readonly name = 'UndecodableBody'
  readonly reason: QuarantineReason

  constructor(reason: QuarantineReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}
