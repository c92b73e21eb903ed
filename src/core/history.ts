import type { ChannelEvent, GapEvent, MessageEvent } from './channel.ts'
import { type Cursor, parseCursor } from './cursor.ts'
import { Feed } from './feed.ts'
import type { Gateway } from './gateway.ts'

export interface History {
  readonly events: MessageEvent[]
  /** Behind the last event of the page, or the position of now where there was none: `after` of the next page. */
  readonly cursor: Cursor
  readonly hasMore: boolean
  readonly gap: GapEvent | undefined
}

/**
 * Reads a page of a channel's past: the same path as a subscription that ends where it would go on live. `hold` is called
 * before an event is added; false ends the page before that event, and what it throws rejects.
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
  const after = options.after === undefined ? await gateway.oldest() : (parseCursor(options.after) ?? 'invalid')
  const events: MessageEvent[] = []
  let gap: GapEvent | undefined
  let hasMore = false
  if (after !== null) {
    const feed = new Feed({ channel: options.channel, after, endsAtLive: true, keeper: gateway.keeper })
    gateway.keeper.resume(feed)
    for await (const event of feed as AsyncIterable<ChannelEvent>) {
      if (event.kind === 'GAP') gap = event
      if (event.kind !== 'MESSAGE') continue
      if (events.length === options.first || !options.hold(event, events.length === 0)) {
        hasMore = true
        break
      }
      events.push(event)
    }
  }
  return { events, cursor: events.at(-1)?.cursor ?? gap?.cursor ?? now, hasMore, gap }
}
