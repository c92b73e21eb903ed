import type { CloseReason } from '../../../close-reasons.ts'
import type { TransportName } from '../../../core/accounting/labels.ts'
import type { Cursor } from '../../../core/model/cursor.ts'

/**
 * How a response carries the results of one subscription. All texts are bytes, as `latin1Of` makes
 * them.
 */
export interface StreamForm {
  /** The value in `Accept` that asks for it, in the form that `qualityOf` takes. */
  readonly mediaType: string
  readonly transport: TransportName
  readonly headers: Readonly<Record<string, string>>
  /** Sent at once, because some clients hold a response back until its first byte. */
  opening(): string
  /** Sent while nothing else is, so that proxies keep the response open. */
  readonly heartbeat: string
  /** `cursor`: where the event of this result is; undefined if it has none. */
  result(json: string, cursor?: Cursor): string
  /** The subscription has failed, or did not begin. `errors`: a list as JSON. `ending` follows. */
  failure(errors: string): string
  /**
   * The end of the response. `reason`: why the gateway ended it; undefined if it did not. Undefined
   * is returned if only a broken connection makes clients come back.
   */
  ending(reason?: CloseReason): string | undefined
}
