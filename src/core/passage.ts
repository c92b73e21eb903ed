import type { ChannelEvent } from './channel.ts'
import type { Feed } from './feed.ts'
import type { Audience } from './source.ts'

/** Feeds that move through the journal together: one read, any number of clients. */
export class Passage {
  /** The offset up to which it has come. */
  at: number
  readonly #byChannel = new Map<string, Map<Feed, number>>()
  #size = 0

  constructor(at: number) {
    this.at = at
  }

  get size(): number {
    return this.#size
  }

  /** `start`: the first offset that the feed is to be given. */
  add(feed: Feed, start: number): void {
    let feeds = this.#byChannel.get(feed.channel)
    if (!feeds) {
      feeds = new Map()
      this.#byChannel.set(feed.channel, feeds)
    }
    if (!feeds.has(feed)) this.#size += 1
    feeds.set(feed, start)
  }

  remove(feed: Feed): void {
    const feeds = this.#byChannel.get(feed.channel)
    if (!feeds?.delete(feed)) return
    this.#size -= 1
    if (feeds.size === 0) this.#byChannel.delete(feed.channel)
  }

  wants(audience: Audience): boolean {
    if (audience === 'everyone') return this.#size > 0
    return audience.some((channel) => this.#byChannel.has(channel))
  }

  /** A feed that has no room leaves: it comes back when its consumer has taken some. */
  deliver(offset: number, audience: Audience, event: ChannelEvent): void {
    for (const channel of audience === 'everyone' ? [...this.#byChannel.keys()] : audience) {
      for (const [feed, start] of this.#byChannel.get(channel) ?? []) {
        if (offset < start) continue
        if (feed.full) feed.letGo()
        else feed.deliver(event)
      }
    }
  }

  *feeds(): Generator<Feed> {
    for (const feeds of this.#byChannel.values()) yield* feeds.keys()
  }
}
