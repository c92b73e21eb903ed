import { eventWeight } from '../../../core/delivery/event-weight.ts'
import type { MessageEvent } from '../../../core/model/channel-event.ts'
import { payerOf } from '../../../core/sessions/payer.ts'
import type { EventContext } from '../event-context.ts'

/**
 * Reserves memory for the events of a page, on the account of the caller: `reserve` of
 * `readHistory` and `readState`.
 */
export function reserveFor({
  identity,
  address,
  pages,
}: EventContext): (event: MessageEvent, isFirst: boolean) => boolean {
  const payer = payerOf(identity, address)
  return (event, isFirst) => {
    const bytes = eventWeight(event, { data: 1, headers: 0 })
    if (!isFirst) return pages.take(payer, bytes)
    pages.begin(payer, bytes)
    return true
  }
}
