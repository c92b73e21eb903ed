import type { MessageOutcome } from '../accounting/labels.ts'
import type { Gateway } from '../gateway.ts'
import type { WindowEntry } from '../ports/hot-window.ts'
import type { Feed } from '../sessions/feeds/feed.ts'
import { type BrowsedEntry, type ReplicaOutcomes, withOutcome } from './replica-outcomes.ts'

/** How often an event is sent at most, in milliseconds. */
export const tailEveryMs = 250
/** How many messages of one interval are compared with the filter of a feed. */
const maxCompared = 500
/**
 * How many bytes the bodies of the shown messages may have, if that is more than one message. A
 * browser that sleeps takes nothing for hours.
 */
const maxChosenBytes = 4 * 1024 * 1024
/** How many messages of one interval are asked about for the counts of outcomes. */
const maxCounted = 100
/** Another replica may have delivered what has one of these outcomes here. */
const maybeDelivered: readonly MessageOutcome[] = ['no_subscriber', 'filtered', 'invalid']

export interface TailBatch {
  /** In milliseconds since the epoch. */
  readonly at: number
  /** Oldest first. */
  readonly entries: readonly BrowsedEntry[]
  /** How many of the compared messages met the filter. */
  readonly seen: number
  /** One in this many of the messages that meet the filter is shown; 1: all. */
  readonly sampledOneIn: number
  /**
   * All messages since the event before, by what all replicas that answered did with them.
   * Estimated from a sample if there are more than 400 a second.
   */
  readonly outcomes: readonly { readonly outcome: MessageOutcome; readonly count: number }[]
  /**
   * Those with the outcome `no_subscriber` for which sources sought a client and found none. Typed
   * fields read them.
   */
  readonly withoutClient: number
  /** Replicas of which the outcome is not known. */
  readonly unanswered: readonly string[]
}

export interface TailOptions {
  readonly matches: (entry: WindowEntry) => boolean
  /** Empty: all. */
  readonly outcomes: readonly MessageOutcome[]
  readonly maxPerSecond: number
}

export interface TailParts {
  readonly gateway: Gateway
  readonly outcomes: ReplicaOutcomes
}

/**
 * Shows live messages and what became of them on all replicas. Watches the tail only while a feed
 * is open; the work for each message is bounded and sampled.
 */
export class TailFeeds {
  readonly #parts: TailParts
  readonly #collectors = new Map<Feed<TailBatch>, Collector>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: TailParts) {
    this.#parts = parts
  }

  begin(feed: Feed<TailBatch>, options: TailOptions): void {
    this.#collectors.set(feed, new Collector(this.#parts.gateway, options))
    feed.onEnd(() => {
      this.#collectors.delete(feed)
      if (this.#collectors.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#parts.gateway.watchTail(undefined)
    })
    if (this.#timer) return
    this.#timer = setInterval(() => this.#flushAll(), tailEveryMs)
    this.#parts.gateway.watchTail((entry, outcome) => {
      for (const collector of this.#collectors.values()) collector.add(entry, outcome)
    })
  }

  #flushAll(): void {
    // A consumer that has not taken the last event, such as a sleeping browser, needs no other.
    for (const [feed, collector] of this.#collectors)
      if (feed.isTaken && !collector.isEmpty && !collector.flushing) void this.#flush(feed, collector)
  }

  async #flush(feed: Feed<TailBatch>, collector: Collector): Promise<void> {
    collector.flushing = true
    const { chosen, counted, messages, ...counts } = collector.take()
    try {
      const { gateway, outcomes } = this.#parts
      const described = chosen.map(
        (entry): BrowsedEntry => ({
          entry,
          described: gateway.tracer.describe(entry),
          receivedAt: entry.receivedAt,
        }),
      )
      const offsets = new Set([...counted.map(({ offset }) => offset), ...chosen.map(({ offset }) => offset)])
      const { byOffset, unanswered } = await outcomes.at([...offsets])
      const wanted = collector.outcomes
      const entries = described
        .map((browsed) => withOutcome(browsed, byOffset))
        .filter(({ described: { outcome } }) => wanted.length === 0 || (outcome && wanted.includes(outcome)))
      const everywhere = counted.map(({ offset, outcome }) => byOffset.get(offset)?.outcome ?? outcome)
      const withoutClient = counted.filter((one, at) => one.isWithoutClient && everywhere[at] === 'no_subscriber')
      feed.push({
        at: Date.now(),
        entries,
        ...counts,
        outcomes: estimated(everywhere, messages),
        withoutClient: share(withoutClient.length, everywhere.length, messages),
        unanswered,
      })
    } finally {
      collector.flushing = false
    }
  }
}

/** A message that is counted, with what this replica did with it. */
interface Counted {
  readonly offset: number
  readonly outcome: MessageOutcome
  readonly isWithoutClient: boolean
}

/** Gathers what one feed shows next. */
class Collector {
  readonly #gateway: Gateway
  readonly outcomes: readonly MessageOutcome[]
  flushing = false
  readonly #matches: TailOptions['matches']
  readonly #room: number
  #chosen: WindowEntry[] = []
  #chosenBytes = 0
  #messages = 0
  #compared = 0
  #seen = 0
  #counted: Counted[] = []

  constructor(gateway: Gateway, { matches, outcomes, maxPerSecond }: TailOptions) {
    this.#gateway = gateway
    this.#matches = matches
    this.outcomes = outcomes
    this.#room = Math.max(1, Math.floor((maxPerSecond * tailEveryMs) / 1000))
  }

  get isEmpty(): boolean {
    return this.#messages === 0
  }

  add(entry: WindowEntry, outcome: MessageOutcome): void {
    this.#messages += 1
    const place = placeIn(this.#counted, maxCounted, this.#messages)
    if (place !== undefined) {
      const isWithoutClient = outcome === 'no_subscriber' && this.#isWithoutClient(entry)
      this.#counted[place] = { offset: entry.offset, outcome, isWithoutClient }
    }
    if (this.#compared >= maxCompared) return
    this.#compared += 1
    if (!this.#mayHave(outcome) || !this.#matches(entry)) return
    this.#seen += 1
    const at = placeIn(this.#chosen, this.#room, this.#seen)
    if (at === undefined) return
    const bytes = this.#chosenBytes + entry.body.length - (this.#chosen[at]?.body.length ?? 0)
    // What is not chosen counts in `sampledOneIn`.
    if (this.#chosen.length > 0 && bytes > maxChosenBytes) return
    this.#chosen[at] = entry.detach?.() ?? entry
    this.#chosenBytes = bytes
  }

  #isWithoutClient(entry: WindowEntry): boolean {
    const { sources } = this.#gateway
    return sources.seeksClientFor(entry) && this.#gateway.audienceOf(entry, 'window').length === 0
  }

  /** Whether the message may have one of the wanted outcomes on some replica. */
  #mayHave(outcome: MessageOutcome): boolean {
    const wanted = this.outcomes
    if (wanted.length === 0 || wanted.includes(outcome)) return true
    return wanted.includes('delivered') && maybeDelivered.includes(outcome)
  }

  take(): Pick<TailBatch, 'seen' | 'sampledOneIn'> & {
    readonly chosen: readonly WindowEntry[]
    /** A sample of all messages, with what this replica did with each. */
    readonly counted: readonly Counted[]
    readonly messages: number
  } {
    const chosen = this.#chosen.toSorted((one, other) => one.offset - other.offset)
    const shownShare = this.#seen === 0 ? 1 : chosen.length / this.#seen
    const comparedShare = this.#messages === 0 ? 1 : this.#compared / this.#messages
    const taken = {
      chosen,
      seen: this.#seen,
      sampledOneIn: 1 / (shownShare * comparedShare),
      counted: this.#counted,
      messages: this.#messages,
    }
    this.#chosen = []
    this.#chosenBytes = 0
    this.#messages = 0
    this.#compared = 0
    this.#seen = 0
    this.#counted = []
    return taken
  }
}

/**
 * Where the `seen`th item belongs in a sample of at most `room`, in which each item has the same
 * probability. Undefined: nowhere.
 */
function placeIn(sample: readonly unknown[], room: number, seen: number): number | undefined {
  const at = sample.length < room ? sample.length : Math.floor(Math.random() * seen)
  return at < room ? at : undefined
}

/** Counts the outcomes, for `messages` of which these are a sample. */
function estimated(sample: readonly MessageOutcome[], messages: number): TailBatch['outcomes'] {
  const counts = new Map<MessageOutcome, number>()
  for (const outcome of sample) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts].map(([outcome, count]) => ({
    outcome,
    count: share(count, sample.length, messages),
  }))
}

function share(count: number, sampled: number, messages: number): number {
  return sampled === 0 ? 0 : Math.round((count * messages) / sampled)
}
