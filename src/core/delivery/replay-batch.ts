import type { ChannelEvent } from '../model/channel-event.ts'
import type { Feed } from './channel-subscription.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Audience } from '../model/source.ts'

/** How long events of a passage are gathered, in milliseconds: neighbours in the journal are for different clients, and each is to have many in one write. */
const gatherMs = 100

/** Feeds that move through the journal together: one read, any number of clients. */
export class Passage {
  /** The offset up to which it has come. */
  at: number
  /**
   * The last entry it met, if that is one that the broker cannot hand out: its feeds are still to
   * be told.
   */
  unreadable: JournalMessage | undefined
  readonly #byChannel = new Map<string, Map<Feed, number>>()
  #size = 0
  /** Those that have been given something that they have not been told to hand on yet. */
  readonly #given = new Set<Feed>()
  #timer: NodeJS.Timeout | undefined

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
    if (this.#given.delete(feed)) this.#flush(feed)
  }

  wants(audience: Audience): boolean {
    if (audience === 'everyone') return this.#size > 0
    return audience.some((channel) => this.#byChannel.has(channel))
  }

  /** A feed that has no room leaves: it comes back when its consumer has taken some. */
  deliver(offset: number, audience: Audience, event: ChannelEvent): void {
    for (const channel of audience === 'everyone' ? [...this.#byChannel.keys()] : audience) {
      for (const [feed, start] of this.#byChannel.get(channel) ?? []) {
        if (offset >= start) this.#give(feed, event)
      }
    }
    if (this.#given.size > 0) this.#timer ??= setTimeout(() => this.flush(), gatherMs)
  }

  /** Hands on what was gathered; to be called before the feeds go on elsewhere. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const given = [...this.#given]
    this.#given.clear()
    for (const feed of given) this.#flush(feed)
  }

  #give(feed: Feed, event: ChannelEvent): void {
    try {
      if (feed.full) feed.flush()
      if (feed.full) {
        feed.letGo()
      } else {
        feed.deliver(event, true)
        this.#given.add(feed)
      }
    } catch (error) {
      this.#failed(feed, error)
    }
  }

  #flush(feed: Feed): void {
    try {
      feed.flush()
    } catch (error) {
      this.#failed(feed, error)
    }
  }

  /** It alone leaves: its neighbours go on. */
  #failed(feed: Feed, error: unknown): void {
    this.#given.delete(feed)
    this.remove(feed)
    feed.fail(error)
  }

  *feeds(): Generator<Feed> {
    for (const feeds of this.#byChannel.values()) yield* feeds.keys()
  }
}
