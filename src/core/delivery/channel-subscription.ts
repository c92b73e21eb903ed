import { GatewayError } from '../../errors.ts'
import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import type { FieldCounter } from '../accounting/field-counter.ts'
import type { ChannelEvent, GapEvent, PassedEvent } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { OverflowPolicy } from '../model/overflow-policy.ts'
import type { Subscriber } from '../ports/subscriber.ts'
import { hasState, type Topic } from '../ports/topic.ts'
import { Allowance, EventQueue } from './event-queue.ts'
import { Pace, type Paces } from './pace.ts'
import { PendingPulls } from './pending-pulls.ts'
import { LastEventsSearch } from './replay/last-events.ts'

/** What a subscription without a connection (a page of history) may queue, in bytes. */
const ownAllowanceBytes = 4 * 1024 * 1024
/** What subscriptions without a queue have queued. */
const nothingQueued: readonly ChannelEvent[] = []

/** Moves subscriptions through the journal. Implemented by `CatchUp`. */
export interface Replayer {
  /** Brings the subscription from its position to the live end and continues live. */
  resume(subscription: ChannelSubscription): void
  /** Stops live delivery and replay to the subscription. Idempotent. */
  stop(subscription: ChannelSubscription): void
  /**
   * Call after the gap of a journal that was replaced, or of an invalid cursor. True: the topic has
   * keyed state, and the subscription receives the whole state again, and then resumes.
   */
  restart?(subscription: ChannelSubscription): boolean
}

/**
 * A consumer that events are pushed to, instead of one that pulls: a transport that writes directly
 * to its socket.
 */
export interface SubscriptionSink {
  /**
   * Takes the event and returns true. False: not now; the subscription then queues the event,
   * within its bounds, until `flush` is called. Must not block, and must not keep the event for
   * longer than the call without `MessageEvent.keep`. If it throws, the subscription ends with
   * `DELIVERY_FAILED`.
   */
  take(event: ChannelEvent): boolean
  /**
   * Called once, after the last event. `failure`: why the subscription ended; undefined if it
   * simply ended.
   */
  end(failure: GatewayError | undefined): void
}

/**
 * One subscription of a topic: a position in the journal, and a queue of later events that its
 * consumer has not taken.
 *
 * The hub pushes live events and `CatchUp` pushes older ones. The consumer pulls, or is a sink. If
 * the consumer falls behind, the subscription leaves live delivery and later resumes from the
 * journal at the consumer's pace. So memory is bounded and nothing is lost. The consumer may have
 * requested another overflow policy.
 */
export class ChannelSubscription implements Subscriber, AsyncIterableIterator<ChannelEvent> {
  /** Whether the consumer wants checkpoints: fresh cursors while the channel is idle. */
  readonly checkpoints: boolean
  /** Whether it ends at the live end instead of continuing live. A page of history does. */
  readonly endsAtLive: boolean
  /**
   * Whether the position to resume from was found, or answered with a gap. Set by `CatchUp`, so
   * that one resume is counted once.
   */
  resumeResolved = false
  /**
   * When an event was last queued, in milliseconds since the epoch. Updated only if checkpoints are
   * wanted.
   */
  lastEventAt = Date.now()
  /** In milliseconds since the epoch. */
  readonly beganAt = this.lastEventAt
  /** Messages that the consumer has taken, and those that were dropped. */
  delivered = 0
  dropped = 0

  /** The last event that the consumer has taken. */
  lastTaken: PassedEvent | undefined
  /** The same event with its message, if the consumer pulls. */
  lastPulled: ChannelEvent | undefined

  readonly #replayer: Replayer
  readonly #allowance: Allowance
  readonly #onEnd: (() => void) | undefined
  readonly #overflow: OverflowPolicy
  readonly #onOverflow: (() => void) | undefined
  readonly #onFailure: ((error: unknown) => void) | undefined
  readonly #onTaken: ((event: ChannelEvent) => void) | undefined
  readonly #counter: DeliveryCounter | undefined
  readonly #fieldCounter: FieldCounter | undefined
  #topic: Topic
  #after: Cursor | 'invalid' | undefined
  #search: LastEventsSearch | undefined
  #awaitsBegin: boolean
  readonly #pace: Pace | undefined
  #last: PassedEvent | ChannelEvent | undefined
  /** Made when the first event is queued, because most subscriptions never queue one. */
  #queue: EventQueue | undefined
  #behind = false
  #ended = false
  #failure: GatewayError | undefined
  #pulls: PendingPulls | undefined
  #sink: SubscriptionSink | undefined
  #flushing = false

  constructor(options: {
    topic: Topic
    /**
     * The cursor to resume after. Undefined: start at the live end. `invalid`: the client gave a
     * cursor that cannot be parsed; the subscription receives a gap.
     */
    after: Cursor | 'invalid' | undefined
    /** Begin with so many of the topic's last events. Only if `after` is undefined. */
    last?: number | undefined
    /** Deliver at most one message in this time, the newest (of each key of a state). */
    pace?: { readonly everyMs: number; readonly paces: Paces } | undefined
    /** It receives nothing before `begin` is called. */
    awaitsBegin?: boolean
    checkpoints?: boolean
    endsAtLive?: boolean
    replayer: Replayer
    allowance?: Allowance
    onEnd?: () => void
    overflow?: OverflowPolicy | undefined
    /** Called at overflow if the policy is `END`. The callee ends the subscription. */
    onOverflow?: () => void
    /** Called with what the sink threw. The subscription ends with `DELIVERY_FAILED`. */
    onFailure?: (error: unknown) => void
    /** Called when the consumer has taken an event. Must not throw. */
    onTaken?: ((event: ChannelEvent) => void) | undefined
    /** Counts the events of this subscription. Undefined: they are not counted. */
    counter?: DeliveryCounter
    /** Counts what is delivered of a typed field. */
    fieldCounter?: FieldCounter | undefined
  }) {
    this.#topic = options.topic
    this.checkpoints = options.checkpoints ?? false
    this.endsAtLive = options.endsAtLive ?? false
    this.#after = options.after
    this.#awaitsBegin = options.awaitsBegin ?? false
    if (options.last !== undefined) this.#search = new LastEventsSearch(options.last)
    if (options.pace) this.#pace = new Pace(options.pace.everyMs, options.pace.paces, this)
    this.#replayer = options.replayer
    this.#allowance = options.allowance ?? new Allowance(ownAllowanceBytes)
    this.#onEnd = options.onEnd
    this.#overflow = options.overflow ?? 'CATCH_UP'
    this.#onOverflow = options.onOverflow
    this.#onFailure = options.onFailure
    this.#onTaken = options.onTaken
    this.#counter = options.counter
    this.#fieldCounter = options.fieldCounter
  }

  /** The position to continue after: of the last event queued or held back, or `after`. */
  get position(): Cursor | 'invalid' | undefined {
    return (this.#pace?.newest ?? this.#last)?.cursor ?? this.#after
  }

  /** Where its first events are is still searched for. It receives nothing meanwhile. */
  get search(): LastEventsSearch | undefined {
    return this.#search
  }

  /** Ends the search. `position`: undefined begins at the live end. */
  found(position: Cursor | undefined): void {
    this.#search = undefined
    this.#after = position
  }

  /** Begins after `position`, or after `after` if that is undefined. With `awaitsBegin` only. */
  begin(position: Cursor | undefined): void {
    this.#awaitsBegin = false
    if (position) this.#after = position
    this.#replayer.resume(this)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Whether it has left live delivery because its consumer is slower than its topic. */
  get behind(): boolean {
    return this.#behind
  }

  get overflow(): OverflowPolicy {
    return this.#overflow
  }

  /** Events that the consumer has not taken, oldest first. */
  get queued(): readonly ChannelEvent[] {
    return this.#queue?.events ?? nothingQueued
  }

  get topic(): Topic {
    return this.#topic
  }

  /** Continues after its position with the events of another topic. Queued events stay. */
  changeTopic(topic: Topic): void {
    this.#replayer.stop(this)
    this.#topic = topic
    if (!this.#behind && !this.#awaitsBegin) this.#replayer.resume(this)
  }

  /** The name of its channel: the client id, or what the subscriber calls the event field. */
  get channel(): string {
    return this.topic.kind === 'channel' ? this.topic.clientId : this.topic.name
  }

  /**
   * Whether the queue has no room for a replayed event. The subscription then leaves the replay,
   * and resumes when the consumer has taken some events.
   */
  get full(): boolean {
    if (this.#pace) return false
    return this.#queue?.isFull ?? false
  }

  /**
   * Queues the event, or hands it to the consumer. `later`: the event comes from a replay. A sink
   * then receives it at the next `flush`, which the caller must call.
   */
  deliver(event: ChannelEvent, later = false): void {
    if (this.#ended || this.#behind) return
    if (this.#search) {
      if (event.kind === 'MESSAGE') this.#search.add(event.cursor)
      return
    }
    if (this.#pace && this.#isHeldBack(event, this.#pace, later)) return
    this.#enqueue(event, later)
  }

  /**
   * Keyed state has what the missing messages changed, so its subscriptions need no gap. A journal
   * that was replaced makes another state.
   */
  missed(gap: GapEvent): void {
    const isKept = gap.reason === 'RETENTION'
    if (!hasState(this.topic) || (isKept && typeof this.position !== 'object')) return this.deliver(gap)
    if (!isKept) this.deliver(gap)
    if (this.#behind || this.#ended) return
    this.#replayer.stop(this)
    if (isKept || !this.#replayer.restart?.(this)) this.#replayer.resume(this)
  }

  /** A replay has reached the live end. */
  wentLive(): void {
    // A replay queues what it delivers. An idle subscription does without the empty queue.
    if (this.#queue?.isEmpty) this.#queue = undefined
    if (!this.#pace?.newest) return
    if (this.#pace.isReady) this.releaseHeld()
    else this.#pace.schedule()
  }

  /** For the pace, when the next message may be delivered. */
  releaseHeld(): void {
    if (!this.#ended && this.#isQueueEmpty()) this.#enqueueHeld(false)
  }

  /** If the subscription leaves live delivery meanwhile, it reads the rest again. */
  #enqueueHeld(later: boolean): void {
    for (const held of this.#pace?.take() ?? []) {
      this.#enqueue(held, later)
      if (this.#behind || this.#ended) return
    }
  }

  /**
   * With a pace, one message waits for the consumer and the newest one for its time. Such a
   * subscription falls behind only if there is no room for a gap's message or for the keys of a
   * state.
   */
  #isHeldBack(event: ChannelEvent, pace: Pace, later: boolean): boolean {
    const isState = event.kind !== 'GAP' && event.state !== undefined
    if (event.kind !== 'MESSAGE' || isState) {
      if (!pace.newest) return false
      // The held message is older than the checkpoint. A gap, or a state, follows it at once.
      if (event.kind === 'CHECKPOINT' && !isState) return true
      this.#enqueueHeld(later)
      return this.#behind
    }
    const waits = pace.newest !== undefined
    // A replay is about the past: the newest message counts when it has reached the live end.
    if (!later && !waits && this.#isQueueEmpty() && pace.isReady) return false
    if (pace.isFull) {
      this.#enqueueHeld(later)
      return this.#behind
    }
    const { topic } = this
    const replaces = pace.hold(event, topic.kind === 'event' ? topic.state?.keyOf(event) : undefined)
    if (replaces && this.#counter) this.#counter.passedOver += 1
    if (!waits && !later) pace.schedule()
    return true
  }

  #enqueue(event: ChannelEvent, later: boolean): void {
    // A gap is queued even if there is no room: the subscription continues after it, and no other
    // gap would report the same loss.
    if (event.kind !== 'GAP' && !this.#hasRoomFor(event, later)) {
      if (event.kind === 'CHECKPOINT') return
      if (later || this.#pace || this.#overflow === 'CATCH_UP') return this.leaveLive()
      if (this.#overflow === 'END') return this.#onOverflow?.()
      this.dropped += this.#queue?.dropFor(event, this.#overflow) ?? 0
    }
    this.#last = event
    if (event.kind === 'MESSAGE') {
      this.#counter?.match(event.message)
      this.#pace?.delivered()
    }
    if (this.checkpoints) this.lastEventAt = Date.now()
    if (!later && this.#sink && this.#isQueueEmpty() && this.#offer(event)) return
    if (this.#ended) return this.#countDropped(event)
    const pull = this.#pulls?.shift()
    if (pull) {
      this.#markPulled(event)
      pull.resolve({ done: false, value: event })
      return
    }
    this.#queue ??= new EventQueue(this.#allowance, this.#counter)
    this.#queue.add(event)
  }

  /**
   * Leaves live delivery, or a replay that is faster than the consumer. The subscription resumes
   * when the consumer has taken enough events.
   */
  leaveLive(): void {
    this.#behind = true
    this.#pace?.end()
    if (this.#counter) this.#counter.fellBehind += 1
    this.#replayer.stop(this)
  }

  /** Pushes events to the sink from now on, queued ones first. Do not use together with `next`. */
  pipe(sink: SubscriptionSink): void {
    this.#sink = sink
    this.flush()
  }

  /**
   * Offers queued events to the sink. The sink's owner calls this when the sink can take events
   * again, and a replay calls it after `deliver` with `later`.
   */
  flush(): void {
    // A sink may call `flush` from within `take`: the outer loop continues when that call returns.
    if (!this.#sink || this.#flushing) return
    this.#flushing = true
    try {
      for (let event = this.#queue?.oldest; event && this.#offer(event); event = this.#queue?.oldest) this.#dequeue()
    } finally {
      this.#flushing = false
    }
    if (this.#ended && this.#isQueueEmpty()) this.#endSink()
  }

  next(): Promise<IteratorResult<ChannelEvent>> {
    const event = this.#queue?.oldest
    if (event) {
      this.#dequeue()
      this.#markPulled(event)
      return Promise.resolve({ done: false, value: event })
    }
    if (this.#failure) {
      const failure = this.#failure
      this.#failure = undefined
      return Promise.reject(failure)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    this.#pulls ??= new PendingPulls()
    return this.#pulls.add()
  }

  /** Ends the subscription and drops its queue. Also settles a pending `next`. */
  return(): Promise<IteratorResult<ChannelEvent>> {
    this.#dropQueue()
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /**
   * Accepts no more events. Queued events are still delivered, then `failure` if given. Idempotent.
   */
  end(failure?: GatewayError): void {
    if (this.#ended) return
    // The newest message is not lost to a client that does not resume.
    this.#enqueueHeld(false)
    this.#pace?.end()
    this.#ended = true
    this.#failure = failure
    this.#replayer.stop(this)
    this.#onEnd?.()
    if (this.#isQueueEmpty()) this.#endSink()
    // A pull has received the failure, so no later one does.
    if (this.#pulls?.end(failure)) this.#failure = undefined
  }

  /** Ends the subscription at once: drops its queue, and then does as `end`. */
  cut(failure: GatewayError): void {
    if (this.#ended) return
    this.#dropQueue()
    this.end(failure)
  }

  /**
   * Ends the subscription after an unexpected error during delivery. Drops the queue, because the
   * next event would probably fail too.
   */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#onFailure?.(error)
    this.cut(
      new GatewayError(
        'DELIVERY_FAILED',
        'an event could not be delivered to this subscription: resume with its last cursor',
      ),
    )
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #dropQueue(): void {
    this.#pace?.end()
    for (let event = this.#queue?.shift(); event; event = this.#queue?.shift()) this.#countDropped(event)
  }

  #countDropped(event: ChannelEvent): void {
    if (event.kind !== 'MESSAGE') return
    this.dropped += 1
    this.#counter?.drop(event.message, 'ended')
  }

  /** No getter: V8 calls a function of its runtime for each access to a private one. */
  #isQueueEmpty(): boolean {
    return this.#queue?.isEmpty ?? true
  }

  #hasRoomFor(event: ChannelEvent, later: boolean): boolean {
    const queue = this.#queue
    if (!queue) return true
    // A pace passes over messages by itself: what it releases at once is of different keys.
    const isConflated = this.#overflow === 'CONFLATE' && !later && !this.#pace
    return isConflated ? queue.isEmpty : queue.hasRoomFor(event)
  }

  #offer(event: ChannelEvent): boolean {
    try {
      if (!this.#sink?.take(event)) return false
    } catch (error) {
      this.fail(error)
      return false
    }
    this.#markTaken(event)
    return true
  }

  #endSink(): void {
    const sink = this.#sink
    this.#sink = undefined
    try {
      sink?.end(this.#failure)
    } catch (error) {
      this.#onFailure?.(error)
    }
  }

  #dequeue(): void {
    this.#queue?.shift()
    if (this.#behind && this.#queue?.hasRoomToResume) this.#resume()
    if (this.#pace?.newest && this.#pace.isReady) this.releaseHeld()
  }

  #markPulled(event: ChannelEvent): void {
    if (event.kind === 'MESSAGE') event.keep()
    this.lastPulled = event
    this.#markTaken(event)
  }

  #markTaken(event: ChannelEvent): void {
    const passed = event.kind === 'MESSAGE' ? event.passed : event
    if (this.#last === event) this.#last = passed
    this.lastTaken = passed
    this.#onTaken?.(event)
    if (event.kind !== 'MESSAGE') return
    this.delivered += 1
    this.#counter?.deliver(event.message)
    if (this.#fieldCounter) this.#fieldCounter.delivered += 1
  }

  #resume(): void {
    this.#behind = false
    this.#replayer.resume(this)
  }
}
