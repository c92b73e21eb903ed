import { GatewayError } from '../../errors.ts'
import type { DeliveryCounter } from '../accounting/delivery-counter.ts'
import { type ChannelEvent, type GapEvent, type MessageEvent, OverflowGap } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { OverflowPolicy } from '../model/overflow-policy.ts'
import type { Subscriber } from '../ports/subscriber.ts'

/** How many events one feed holds for a consumer that is slower than its channel. */
const maxQueuedEvents = 1024
/** What a feed without a connection (a page of history) may hold, in bytes. */
const ownAllowanceBytes = 4 * 1024 * 1024

/**
 * What all feeds of one connection may hold together, in bytes of bodies, beside one event each.
 * Past it, a feed lets go of its live end.
 */
export class Allowance {
  readonly maxBytes: number
  used = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }
}

/** Whoever moves feeds through the journal: `CatchUp`. */
export interface Replayer {
  /** Brings the feed from its position to the live end and goes on with it live. */
  resume(subscription: ChannelSubscription): void
  /** The feed stops listening; idempotent. */
  stop(subscription: ChannelSubscription): void
}

/**
 * A consumer that is pushed to, in place of one that pull: a transport which writes straight to
 * its socket.
 */
export interface SubscriptionSink {
  /**
   * Takes the event, or refuses it for now: then the feed keeps it, within its bounds, until
   * `flush` is called. Must neither block nor throw.
   */
  take(event: ChannelEvent): boolean
  /** Called once: everything has been taken, and nothing more will come. */
  end(failure: GatewayError | undefined): void
}

/**
 * One subscription of a channel: a position in the journal, with the events behind it that its
 * consumer has not taken yet. Live events are pushed in by the hub, older ones by a catch-up; the
 * consumer pull, or is a sink. When it falls behind, the feed lets go of the live end and comes
 * back through the journal at the consumer's pace: bounded memory, nothing lost. Its consumer may
 * have asked for another overflow policy.
 */
export class ChannelSubscription implements Subscriber, AsyncIterableIterator<ChannelEvent> {
  readonly channel: string
  /** Whether its consumer wants the cursor of an idle channel kept fresh. */
  readonly checkpoints: boolean
  /** Whether it ends where it would go on live: a page of history is a feed that does. */
  readonly endsAtLive: boolean
  /** Whether the place that it was asked to resume from has been found, or judged a gap. */
  resumeResolved = false
  /**
   * When something was last queued, in milliseconds since the epoch; kept where checkpoints are
   * wanted, for an idle feed is one where that is long ago.
   */
  lastEventAt = Date.now()

  /** The event that its consumer was given last. */
  lastTaken: ChannelEvent | undefined

  readonly #replayer: Replayer
  readonly #allowance: Allowance
  readonly #onEnd: (() => void) | undefined
  readonly #overflow: OverflowPolicy
  readonly #onOverflow: (() => void) | undefined
  readonly #onFailure: ((error: unknown) => void) | undefined
  readonly #counter: DeliveryCounter | undefined
  #after: Cursor | 'invalid' | undefined
  #last: ChannelEvent | undefined
  readonly #queue: ChannelEvent[] = []
  #behind = false
  #ended = false
  #failure: GatewayError | undefined
  #pulls: PendingPull[] | undefined
  #sink: SubscriptionSink | undefined
  #flushing = false

  constructor(options: {
    channel: string
    /** Undefined: from now. `invalid`: a cursor was given that is none. */
    after: Cursor | 'invalid' | undefined
    checkpoints?: boolean
    endsAtLive?: boolean
    replayer: Replayer
    allowance?: Allowance
    onEnd?: () => void
    overflow?: OverflowPolicy | undefined
    /** Called where the policy is `END`: whoever is called ends the feed. */
    onOverflow?: () => void
    /** Told what its sink threw; the feed ends with `DELIVERY_FAILED`. */
    onFailure?: (error: unknown) => void
    /** Where its events are counted. */
    counter?: DeliveryCounter
  }) {
    this.channel = options.channel
    this.checkpoints = options.checkpoints ?? false
    this.endsAtLive = options.endsAtLive ?? false
    this.#after = options.after
    this.#replayer = options.replayer
    this.#allowance = options.allowance ?? new Allowance(ownAllowanceBytes)
    this.#onEnd = options.onEnd
    this.#overflow = options.overflow ?? 'CATCH_UP'
    this.#onOverflow = options.onOverflow
    this.#onFailure = options.onFailure
    this.#counter = options.counter
  }

  /**
   * Behind which the feed goes on: the last event that was queued, at first the cursor that was
   * given.
   */
  get position(): Cursor | 'invalid' | undefined {
    return this.#last?.cursor ?? this.#after
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Room for more from a catch-up: it leaves a feed that has none and is asked again when the
   * consumer has taken some.
   */
  get full(): boolean {
    return (
      this.#queue.length >= maxQueuedEvents ||
      (this.#queue.length > 0 && this.#allowance.used >= this.#allowance.maxBytes)
    )
  }

  /**
   * `later`: it comes from a walk through the journal, and a sink is given it at the next `flush`,
   * which whoever says so must call.
   */
  deliver(event: ChannelEvent, later = false): void {
    if (this.#ended || this.#behind) return
    // A gap is told also where there is no room: it is where the feed goes on, and nobody would
    // tell it again.
    if (event.kind !== 'GAP' && !this.#hasRoomFor(event, later)) {
      if (event.kind === 'CHECKPOINT') return
      if (later || this.#overflow === 'CATCH_UP') return this.leaveLive()
      if (this.#overflow === 'END') return this.#onOverflow?.()
      this.#dropFor(event)
    }
    this.#last = event
    if (event.kind === 'MESSAGE') this.#counter?.match(event.message)
    if (this.checkpoints) this.lastEventAt = Date.now()
    if (!later && this.#sink && this.#queue.length === 0 && this.#offer(event)) return
    if (this.#ended) return this.#countDropped(event)
    const pull = this.#pulls?.shift()
    if (pull) {
      this.#take(event)
      pull.resolve({ done: false, value: event })
      return
    }
    // Of gaps that wait one behind the other for the same reason the last says all: they must not
    // pile up.
    const before = this.#queue.at(-1)
    if (event.kind === 'GAP' && before?.kind === 'GAP' && isUnreadable(event) && isUnreadable(before)) this.#queue.pop()
    this.#queue.push(event)
    this.#addQueued(event)
  }

  /**
   * Leaves the live end (or a catch-up that is faster than the consumer); the consumer's pull
   * brings the feed back.
   */
  leaveLive(): void {
    this.#behind = true
    if (this.#counter) this.#counter.fellBehind += 1
    this.#replayer.stop(this)
  }

  /** From here on events are pushed, those that wait first. Nobody may pull, before or after. */
  pipe(sink: SubscriptionSink): void {
    this.#sink = sink
    this.flush()
  }

  /** The sink takes events again. */
  flush(): void {
    // A sink may ask for more from within `take`: it is given more when that returns.
    if (!this.#sink || this.#flushing) return
    this.#flushing = true
    try {
      for (let event = this.#queue[0]; event && this.#offer(event); event = this.#queue[0]) this.#unqueue()
    } finally {
      this.#flushing = false
    }
    if (this.#ended && this.#queue.length === 0) this.#endSink()
  }

  next(): Promise<IteratorResult<ChannelEvent>> {
    const event = this.#queue[0]
    if (event) {
      this.#unqueue()
      this.#take(event)
      return Promise.resolve({ done: false, value: event })
    }
    if (this.#failure) {
      const failure = this.#failure
      this.#failure = undefined
      return Promise.reject(failure)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#pulls ??= []
      this.#pulls.push({ resolve, reject })
    })
  }

  /**
   * The consumer has had enough: seen at once, also while it waits for an event that never comes.
   */
  return(): Promise<IteratorResult<ChannelEvent>> {
    this.#dropQueue()
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /**
   * No more events; what is queued is still handed out, then `failure` where there is one.
   * Idempotent.
   */
  end(failure?: GatewayError): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    this.#replayer.stop(this)
    this.#onEnd?.()
    if (this.#queue.length === 0) this.#endSink()
    const [first, ...others] = this.#pulls?.splice(0) ?? []
    if (!first) return
    if (failure) {
      this.#failure = undefined
      first.reject(failure)
    } else {
      first.resolve({ done: true, value: undefined })
    }
    for (const pull of others) pull.resolve({ done: true, value: undefined })
  }

  /**
   * It could not be given an event, for a reason that nobody foresaw. What waits for its consumer
   * is let go of: the next would fail like this one.
   */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#onFailure?.(error)
    this.#dropQueue()
    this.end(
      new GatewayError('DELIVERY_FAILED', 'this subscription could not be given an event; come back with its cursor'),
    )
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #dropQueue(): void {
    for (const event of this.#queue.splice(0)) {
      this.#release(event)
      this.#countDropped(event)
    }
  }

  #countDropped(event: ChannelEvent): void {
    if (event.kind === 'MESSAGE') this.#counter?.drop(event.message, 'ended')
  }

  #hasRoomFor(event: ChannelEvent, later: boolean): boolean {
    return this.#queue.length === 0 || (!(this.#overflow === 'CONFLATE' && !later) && this.#fits(event))
  }

  /**
   * Where nothing else waits one is always taken, else a large message would never pass: a
   * connection may hold its allowance and one event a subscription.
   */
  #fits(event: ChannelEvent): boolean {
    return this.#queue.length < maxQueuedEvents && this.#allowance.used + bytesOf(event) <= this.#allowance.maxBytes
  }

  /**
   * Makes room by taking away what waits longest, and puts the count in its place. Notices stay:
   * they stand in front.
   */
  #dropFor(event: MessageEvent): void {
    let at = this.#queue.findIndex(({ kind }) => kind !== 'GAP')
    if (at < 0) return
    const front = this.#queue[at - 1]
    let notice = front instanceof OverflowGap ? front : undefined
    for (let oldest = this.#queue[at]; oldest; oldest = this.#queue[at]) {
      if (this.#overflow === 'DROP_OLDEST' && this.#fits(event)) return
      if (oldest.kind === 'GAP') {
        // Another notice, of what is missing for another reason: it stays in its place.
        at += 1
        notice = oldest instanceof OverflowGap ? oldest : undefined
        continue
      }
      this.#queue.splice(at, 1)
      if (oldest.kind !== 'MESSAGE') continue
      this.#release(oldest)
      this.#counter?.drop(oldest.message, this.#overflow === 'CONFLATE' ? 'conflated' : 'overflow')
      if (notice) {
        notice.add(oldest)
      } else {
        notice = new OverflowGap(oldest)
        this.#queue.splice(at, 0, notice)
        at += 1
      }
    }
  }

  #offer(event: ChannelEvent): boolean {
    try {
      if (!this.#sink?.take(event)) return false
    } catch (error) {
      this.fail(error)
      return false
    }
    this.#take(event)
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

  #unqueue(): void {
    const event = this.#queue.shift()
    if (event) this.#release(event)
    if (this.#behind && this.#hasRoomToResume) this.#resume()
  }

  #take(event: ChannelEvent): void {
    this.lastTaken = event
    if (event.kind === 'MESSAGE') this.#counter?.deliver(event.message)
  }

  /**
   * Coming back costs a walk through the journal, so it waits for room for more than a few events.
   */
  get #hasRoomToResume(): boolean {
    if (this.#queue.length === 0) return true
    return this.#queue.length <= maxQueuedEvents / 2 && this.#allowance.used <= this.#allowance.maxBytes / 2
  }

  #addQueued(event: ChannelEvent): void {
    this.#allowance.used += bytesOf(event)
    if (this.#counter && event.kind === 'MESSAGE') this.#counter.pending += 1
  }

  #release(event: ChannelEvent): void {
    this.#allowance.used -= bytesOf(event)
    if (this.#counter && event.kind === 'MESSAGE') this.#counter.pending -= 1
  }

  #resume(): void {
    this.#behind = false
    this.#replayer.resume(this)
  }
}

function isUnreadable({ reason }: GapEvent): boolean {
  return reason === 'UNREADABLE'
}

function bytesOf(event: ChannelEvent): number {
  return event.kind === 'MESSAGE' ? event.message.body.length : 0
}

interface PendingPull {
  resolve(result: IteratorResult<ChannelEvent>): void
  reject(failure: GatewayError): void
}
