import type { Gateway } from '../gateway.ts'
import type { ChannelEvent, GapEvent, MessageEvent } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { Topic } from '../ports/topic.ts'
import { ChannelSubscription } from './channel-subscription.ts'

export interface History {
  readonly events: MessageEvent[]
  /**
   * After the last event of the page, or the current position if the page is empty. The next page
   * passes it as `after`.
   */
  readonly cursor: Cursor
  readonly hasMore: boolean
  readonly gap: GapEvent | undefined
}

/**
 * Reads a page of a topic's past: a subscription that ends at the live end. `after`: undefined
 * starts at the oldest entry; a cursor that cannot be parsed yields a gap. `reserve` is called
 * before an event is added. If it returns false, the page ends before that event. If it throws,
 * `readHistory` rejects with its error.
 */
export async function readHistory(
  gateway: Gateway,
  options: {
    topic: Topic
    after: string | undefined
    /** How many events a page has at most; at least 1. */
    first: number
    reserve: (event: MessageEvent, isFirst: boolean) => boolean
  },
): Promise<History> {
  const { topic } = options
  const now = await gateway.position()
  const after =
    options.after === undefined ? await gateway.oldest(topic) : (gateway.cursors.parse(options.after) ?? 'invalid')
  const events: MessageEvent[] = []
  let gap: GapEvent | undefined
  let last: MessageEvent | GapEvent | undefined
  let hasMore = false
  if (after !== null) {
    const subscription = new ChannelSubscription({
      topic,
      after,
      endsAtLive: true,
      replayer: gateway.replayer,
    })
    gateway.replayer.resume(subscription)
    for await (const event of subscription as AsyncIterable<ChannelEvent>) {
      if (event.kind === 'CHECKPOINT') continue
      // A page reports one gap. A second gap, or one after a full page, belongs to the next page,
      // which starts after the last event.
      const full = events.length === options.first
      const fits = full || event.kind === 'GAP' || options.reserve(event, events.length === 0)
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
