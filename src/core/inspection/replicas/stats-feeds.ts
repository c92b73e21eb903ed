import type { Feed } from '../../sessions/feeds/feed.ts'
import { type GatheredReports, type Stats, statsOf } from './gateway-stats.ts'

/**
 * Reads the replicas at an interval while at least one feed is open, once for all feeds with the
 * same interval. Without a feed it does nothing.
 */
export class StatsFeeds {
  readonly #read: () => Promise<GatheredReports>
  readonly #readers = new Map<number, StatsReader>()

  constructor(read: () => Promise<GatheredReports>) {
    this.#read = read
  }

  /** The newest reports that were read for a feed that is open. */
  get last(): GatheredReports | undefined {
    const read = [...this.#readers.values()].flatMap(({ last }) => last ?? [])
    return read.toSorted((one, other) => other.at - one.at)[0]
  }

  /** The first event comes at once, without rates; the others every `everyMs` milliseconds. */
  begin(feed: Feed<Stats>, everyMs: number): void {
    const known = this.#readers.get(everyMs)
    const reader = known ?? new StatsReader(this.#read, everyMs, () => this.#readers.delete(everyMs))
    this.#readers.set(everyMs, reader)
    reader.add(feed)
  }
}

class StatsReader {
  readonly #read: () => Promise<GatheredReports>
  readonly #everyMs: number
  readonly #onIdle: () => void
  readonly #feeds = new Set<Feed<Stats>>()
  #before: GatheredReports | undefined
  #last: Stats | undefined
  #timer: NodeJS.Timeout | undefined
  #reading = false

  constructor(read: () => Promise<GatheredReports>, everyMs: number, onIdle: () => void) {
    this.#read = read
    this.#everyMs = everyMs
    this.#onIdle = onIdle
  }

  get last(): GatheredReports | undefined {
    return this.#before
  }

  add(feed: Feed<Stats>): void {
    this.#feeds.add(feed)
    feed.onEnd(() => {
      this.#feeds.delete(feed)
      if (this.#feeds.size > 0) return
      clearInterval(this.#timer)
      this.#onIdle()
    })
    if (this.#last) feed.push(this.#last)
    if (this.#timer) return
    this.#timer = setInterval(() => void this.#readOnce(), this.#everyMs)
    void this.#readOnce()
  }

  async #readOnce(): Promise<void> {
    // A consumer that has not taken the last event, such as a sleeping browser, needs no other.
    if (this.#reading || ![...this.#feeds].some((feed) => feed.isTaken)) return
    this.#reading = true
    try {
      const now = await this.#read()
      this.#last = statsOf(now, this.#before)
      this.#before = now
      for (const feed of this.#feeds) feed.push(this.#last)
    } finally {
      this.#reading = false
    }
  }
}
