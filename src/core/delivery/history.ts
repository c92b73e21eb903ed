import type { Gateway } from '../gateway.ts'
import type { ChannelEvent, GapEvent, MessageEvent } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import { ChannelSubscription } from './channel-subscription.ts'

export interface History {
  readonly events: MessageEvent[]
  /**
   * Behind the last event of the page, or the position of now where there was none: `after` of the
   * next page.
   */
  readonly cursor: Cursor
  readonly hasMore: boolean
  readonly gap: GapEvent | undefined
}

/**
 * Reads a page of a channel's past: the same path as a subscription that ends where it would go on
 * live. `hold` is called before an event is added; false ends the page before that event, and what
 * it throws rejects.
 */
export async function readHistory(
  gateway: Gateway,
  options: {
    channel: string
    after: string | undefined
    first: number
    hold: (event: MessageEvent, isFirst: boolean) => boolean
  },
): Promise<History> {
  const now = await gateway.position()
  const after =
    options.after === undefined
      ? await gateway.oldest(options.channel)
      : (gateway.cursors.parse(options.after) ?? 'invalid')
  const events: MessageEvent[] = []
  let gap: GapEvent | undefined
  let last: MessageEvent | GapEvent | undefined
  let hasMore = false
  if (after !== null) {
    const subscription = new ChannelSubscription({
      channel: options.channel,
      after,
      endsAtLive: true,
      replayer: gateway.replayer,
    })
    gateway.replayer.resume(subscription)
    for await (const event of subscription as AsyncIterable<ChannelEvent>) {
      if (event.kind === 'CHECKPOINT') continue
      // A page tells one gap. Another one, or one behind a full page, is for the next page, which
      // begins behind the last event.
      const full = events.length === options.first && (event.kind === 'MESSAGE' || events.length > 0)
      const fits = full || event.kind === 'GAP' || options.hold(event, events.length === 0)
      if (full || !fits || (event.kind === 'GAP' && gap)) {
        hasMore = true
        break
      }
      last = event
      if (event.kind === 'GAP') gap = event
      else events.push(event)
    }
  }
  return { events, cursor: last?.cursor ?? now, hasMore, gap }
}
