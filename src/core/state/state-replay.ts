import { GatewayError } from '../../errors.ts'
import type { ChannelSubscription, Replayer } from '../delivery/channel-subscription.ts'
import { TimeSlice } from '../delivery/time-slice.ts'
import type { Cursor } from '../model/cursor.ts'
import { JournalReplaced } from '../ports/journal.ts'
import type { EventTopic, StateTopic } from '../ports/topic.ts'
import type { StateCounters } from './state-counters.ts'
import type { StateEvents, StatePages, StateWish } from './state-pages.ts'

/** Events that one subscription gets before the next one gets its own. */
const turnEvents = 100

interface Reading {
  /** Changes when the reading stops or begins again. */
  turn: number
  wish: StateWish
  page: StateEvents | undefined
  /** Events of the page that are delivered. */
  delivered: number
  /** Called if the state cannot be read. Undefined: the subscription ends. */
  readonly onFailure: (() => void) | undefined
}

/**
 * Begins subscriptions of fields with keyed state: they receive the state as of some place in the
 * journal, and then resume after that place like any other.
 */
export class StateReplay implements Replayer {
  readonly #pages: StatePages
  readonly #next: Replayer
  readonly #counters: StateCounters
  readonly #readings = new Map<ChannelSubscription, Reading>()
  /** The conditions by which each subscription began. Others need the state again. */
  readonly #topics = new WeakMap<ChannelSubscription, string>()
  /** Subscriptions with a page to deliver. */
  readonly #ready = new Set<ChannelSubscription>()
  #isWorking = false

  /** `next`: brings a subscription from its position to the live end. */
  constructor(pages: StatePages, next: Replayer, counters: StateCounters) {
    this.#pages = pages
    this.#next = next
    this.#counters = counters
  }

  /** Subscriptions that receive their state. */
  get size(): number {
    return this.#readings.size
  }

  resume(subscription: ChannelSubscription): void {
    const { topic } = subscription
    if (topic.kind !== 'event' || !topic.state || subscription.ended || subscription.endsAtLive)
      return this.#next.resume(subscription)
    const before = this.#topics.get(subscription)
    this.#topics.set(subscription, topic.key)
    const isNew = before === undefined && subscription.position === undefined && !subscription.search
    if (isNew || (before !== undefined && before !== topic.key))
      this.#begin(subscription, wishFor(topic, topic.state, 'SNAPSHOT', -1, 0), undefined)
    const reading = this.#readings.get(subscription)
    if (reading) this.#continue(subscription, reading)
    else this.#next.resume(subscription)
  }

  stop(subscription: ChannelSubscription): void {
    this.#next.stop(subscription)
    this.#ready.delete(subscription)
    const reading = this.#readings.get(subscription)
    if (!reading) return
    reading.turn += 1
    if (subscription.ended) this.#readings.delete(subscription)
  }

  /**
   * The journal no longer has the position of the subscription; `oldest` is its oldest entry. True:
   * the subscription receives what changed in the state since, and resumes. `onFailure`: called
   * instead if the state cannot be read.
   */
  rebase(subscription: ChannelSubscription, oldest: Cursor, onFailure: () => void): boolean {
    const { topic, position } = subscription
    if (topic.kind !== 'event' || !topic.state || subscription.endsAtLive || typeof position !== 'object') return false
    const after = position.before ? position.offset - 1 : position.offset
    // The position where it resumes must be one that the journal has.
    const wish = { ...wishFor(topic, topic.state, 'REBASED', after, oldest.offset), epoch: position.epoch }
    this.#continue(subscription, this.#begin(subscription, wish, onFailure))
    return true
  }

  restart(subscription: ChannelSubscription): boolean {
    const { topic, ended, behind } = subscription
    if (topic.kind !== 'event' || !topic.state || ended || subscription.endsAtLive) return false
    const reading = this.#begin(subscription, wishFor(topic, topic.state, 'SNAPSHOT', -1, 0), undefined)
    // The gap had no room. The subscription resumes when there is some.
    if (!behind) this.#continue(subscription, reading)
    return true
  }

  #begin(subscription: ChannelSubscription, wish: StateWish, onFailure: (() => void) | undefined): Reading {
    const turn = (this.#readings.get(subscription)?.turn ?? 0) + 1
    const reading = { turn, wish, page: undefined, delivered: 0, onFailure }
    this.#readings.set(subscription, reading)
    return reading
  }

  #continue(subscription: ChannelSubscription, reading: Reading): void {
    if (reading.page) {
      this.#ready.add(subscription)
      this.#work()
      return
    }
    const { turn } = reading
    const isCurrent = () => this.#readings.get(subscription) === reading && reading.turn === turn
    this.#pages.read(reading.wish).then(
      (page) => {
        if (!isCurrent()) return
        reading.page = page
        reading.delivered = 0
        this.#continue(subscription, reading)
      },
      (error: unknown) => {
        if (isCurrent()) this.#fail(subscription, reading, error)
      },
    )
  }

  #fail(subscription: ChannelSubscription, { onFailure }: Reading, error: unknown): void {
    this.#readings.delete(subscription)
    if (error instanceof JournalReplaced) this.#replaced(subscription)
    else if (onFailure) onFailure()
    else if (error instanceof GatewayError) subscription.end(error)
    else subscription.fail(error)
  }

  /** The state that it was to receive is gone. A client that has a part of it gets a gap. */
  #replaced(subscription: ChannelSubscription): void {
    if (typeof subscription.position === 'object') this.#next.resume(subscription)
    else this.restart(subscription)
  }

  /** Delivers pages in slices of time, some events a subscription at a time. */
  #work(): void {
    if (this.#isWorking) return
    this.#isWorking = true
    setImmediate(() => {
      this.#isWorking = false
      const slice = new TimeSlice()
      for (const subscription of this.#ready) {
        // Those that have more to come go to the end.
        this.#ready.delete(subscription)
        const reading = this.#readings.get(subscription)
        if (reading?.page) this.#deliver(subscription, reading, reading.page)
        if (slice.isOver) break
      }
      if (this.#ready.size > 0) this.#work()
    })
  }

  #deliver(subscription: ChannelSubscription, reading: Reading, { events, next }: StateEvents): void {
    try {
      const { turn } = reading
      const end = Math.min(events.length, reading.delivered + turnEvents)
      while (reading.delivered < end) {
        const event = events[reading.delivered]
        if (!event) break
        if (subscription.full) subscription.flush()
        if (subscription.full) return subscription.leaveLive()
        subscription.deliver(event, true)
        // It had no room, or it ended: the event is not queued. Those before it are to be taken, or
        // nothing would bring the subscription back.
        if (reading.turn !== turn || subscription.behind || subscription.ended) return subscription.flush()
        reading.delivered += 1
      }
      subscription.flush()
      if (reading.turn !== turn || subscription.ended) return
    } catch (error) {
      this.#readings.delete(subscription)
      subscription.fail(error)
      return
    }
    if (reading.delivered < events.length) {
      this.#ready.add(subscription)
    } else if (next) {
      reading.wish = next
      reading.page = undefined
      this.#continue(subscription, reading)
    } else {
      this.#readings.delete(subscription)
      this.#counters.of(reading.wish.topic.field).snapshots += 1
      this.#next.resume(subscription)
    }
  }
}

function wishFor(
  topic: EventTopic,
  state: StateTopic,
  phase: StateWish['phase'],
  after: number,
  atLeast: number,
): StateWish {
  return { topic, state, phase, after, since: phase === 'SNAPSHOT' ? undefined : -1, atLeast }
}
