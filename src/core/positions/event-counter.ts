import { setImmediate as nextTurn } from 'node:timers/promises'
import { TimeSlice } from '../delivery/time-slice.ts'
import { BoundedMap } from '../limits/bounded-map.ts'
import { type Cursor, firstOffsetAfter, isOlder, type JournalPlace } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { JournalMessage } from '../model/message.ts'
import type { Audience } from '../model/source.ts'
import type { EventMatcher } from '../ports/event-matcher.ts'
import type { HotWindow, WindowEntry } from '../ports/hot-window.ts'
import type { Journal } from '../ports/journal.ts'
import { channelTopic, type Topic } from '../ports/topic.ts'
import { topicOfText } from './position-options.ts'
import type { StoredPosition } from './position-store.ts'

/** How many entries before the hot window a count reads at most, and for how long, in ms. */
const maxScanned = 50_000
const maxScanMs = 5_000
/** How many counts may wait for their turn to read the journal. */
const maxWaiting = 100
/** Of how many positions the last count is kept, so that the next one continues there. */
const maxKept = 1_000

export interface EventCount {
  readonly count: number
  /** There may be more: a part of the journal was not read. */
  readonly atLeast: boolean
}

export interface EventCounterParts {
  readonly journal: Pick<Journal, 'scan'>
  readonly hotWindow: HotWindow
  /** The journal's epoch while it is up. */
  readonly epoch: () => string | undefined
  readonly originOf: (topic: Topic) => Cursor | undefined
  /** The channels of a message. Empty if its body cannot be decoded. */
  readonly audienceOf: (message: WindowEntry, from: 'window' | 'journal') => Audience
  readonly topicTest: EventMatcher['topicTest']
  readonly cursorOf: (message: WindowEntry) => string
}

/** What is counted. */
interface Counted {
  readonly key: string
  readonly origin: Cursor | undefined
  readonly isFor: (entry: WindowEntry, from: 'window' | 'journal') => boolean
}

interface Kept extends EventCount {
  /** The first offset that was not counted. */
  readonly next: number
}

/**
 * Counts the messages of a channel or a typed field behind a position. The hot window is counted in
 * memory; of what is older, a bounded part is read from the journal, by one count at a time. For a
 * channel, a body is decoded only if a source finds its clients there.
 */
export class EventCounter {
  readonly #parts: EventCounterParts
  /** By topic and the place where its count begins. */
  readonly #kept = new BoundedMap<string, Kept>(maxKept)
  readonly #running = new Map<string, Promise<EventCount | undefined>>()
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  readonly #closing = new AbortController()

  constructor(parts: EventCounterParts) {
    this.#parts = parts
  }

  /**
   * `identity`: that of the client. Undefined: not known, because the journal was replaced or is
   * away, or because what a typed field delivers to the client depends on claims that the identity
   * does not have. Concurrent callers share one count.
   */
  async behind({ topic, place }: StoredPosition, identity: Identity): Promise<EventCount | undefined> {
    if (topic === undefined || !place) return undefined
    const wanted = topicOfText(topic)
    const { clientId } = wanted.args
    if (wanted.field === 'channel') return typeof clientId === 'string' ? this.behindIn(clientId, place) : undefined
    const { topicTest, cursorOf } = this.#parts
    const test = topicTest(wanted, identity)
    if (!test) return undefined
    const isFor = (entry: WindowEntry) => test.matches(entry, () => cursorOf(entry))
    return this.#shared({ key: test.key, origin: undefined, isFor }, place)
  }

  /** As `behind`, in a channel. */
  behindIn(clientId: string, place: JournalPlace): Promise<EventCount | undefined> {
    const { audienceOf, originOf } = this.#parts
    const isFor: Counted['isFor'] = (entry, from) => {
      const audience = audienceOf(entry, from)
      return audience === 'everyone' || audience.includes(clientId)
    }
    return this.#shared({ key: clientId, origin: originOf(channelTopic(clientId)), isFor }, place)
  }

  #shared(counted: Counted, place: JournalPlace): Promise<EventCount | undefined> {
    const { origin } = counted
    const begin = origin && isOlder(place, origin) ? origin : place
    // The key of a typed topic begins with a NUL, and so is no client id.
    const key = `${begin.epoch} ${firstOffsetAfter(begin)} ${counted.key}`
    let running = this.#running.get(key)
    if (!running) {
      running = this.#count(counted, begin, key).finally(() => this.#running.delete(key))
      this.#running.set(key, running)
    }
    return running
  }

  close(): void {
    this.#closing.abort()
  }

  async #count(counted: Counted, begin: JournalPlace, key: string): Promise<EventCount | undefined> {
    const { epoch, hotWindow } = this.#parts
    if (epoch() !== begin.epoch || hotWindow.first === undefined) return undefined
    const known = this.#kept.get(key) ?? { count: 0, atLeast: false, next: firstOffsetAfter(begin) }
    const older = known.next < hotWindow.first ? await this.#countInJournal(counted, known.next) : undefined
    // The journal was replaced meanwhile, or its reader failed.
    if (older === 'failed' || epoch() !== begin.epoch) return undefined
    const newer = await this.#countInWindow(counted, older?.next ?? known.next)
    const result: Kept = {
      count: known.count + (older?.count ?? 0) + newer.count,
      atLeast: known.atLeast || (older?.atLeast ?? false),
      next: newer.next,
    }
    this.#kept.set(key, result)
    return { count: result.count, atLeast: result.atLeast }
  }

  async #countInWindow({ isFor }: Counted, from: number): Promise<{ count: number; next: number }> {
    const { hotWindow } = this.#parts
    let count = 0
    let at = from - 1
    const end = hotWindow.last?.offset ?? -1
    for (;;) {
      const slice = new TimeSlice()
      const before = at
      hotWindow.visit(at, (entry) => {
        at = entry.offset
        if (isEvent(entry) && isFor(entry, 'window')) count += 1
        return !slice.isOver && at < end
      })
      if (at === before || at >= end) return { count, next: at + 1 }
      await nextTurn()
    }
  }

  /** Up to the hot window. In turns, because a scan is dear. */
  async #countInJournal(counted: Counted, from: number): Promise<Kept | 'failed'> {
    if (this.#waiting >= maxWaiting) return 'failed'
    this.#waiting += 1
    const scan = this.#turn.then(() => this.#scan(counted, from))
    this.#turn = scan
    try {
      return await scan
    } finally {
      this.#waiting -= 1
    }
  }

  async #scan({ isFor }: Counted, from: number): Promise<Kept | 'failed'> {
    const { journal, hotWindow } = this.#parts
    let count = 0
    let scanned = 0
    let next = from
    let isWhole = false
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(maxScanMs)])
    const visit = (entry: JournalMessage): boolean => {
      if (hotWindow.first !== undefined && entry.offset >= hotWindow.first) {
        isWhole = true
        next = entry.offset
        return false
      }
      if (isEvent(entry) && isFor(entry, 'journal')) count += 1
      scanned += 1
      next = entry.offset + 1
      return scanned < maxScanned
    }
    try {
      await journal.scan(from, visit, signal)
    } catch {
      return 'failed'
    }
    return { count, atLeast: !isWhole, next: isWhole ? next : (hotWindow.first ?? next) }
  }
}

function isEvent({ mark, unreadable }: WindowEntry): boolean {
  return !mark && !unreadable
}
