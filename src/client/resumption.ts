import {
  attempt,
  type ClientSink,
  closeCodeOf,
  completed,
  type Payload,
  type Result,
  type SubscriptionClient,
} from './subscription-client.ts'
import { SubscriptionEnded, Verdicts } from './verdict.ts'

/**
 * What every event has to have selected; `kind` and `gap` where gaps and checkpoints are to be told
 * from messages.
 */
export interface ResumableEvent {
  readonly cursor: string
  readonly kind?: string
  readonly gap?: { readonly reason: string; readonly oldest?: string | null } | null
}

/** Where the cursor outlives the page: `localStorage` with a key, say. Called synchronously. */
export interface CursorStorage {
  /** Once, at the start. Nothing stored: `undefined` or null. */
  get(): string | null | undefined
  /** After each event that has been handled. */
  set(cursor: string): void
}

export type ResumeState =
  /** A subscription is sent as soon as the client has a connection. */
  | { readonly kind: 'subscribing'; readonly after: string | undefined }
  /** The connection was lost, for `cause`; the next attempt begins in so many milliseconds. */
  | { readonly kind: 'waiting'; readonly forMs: number; readonly cause: unknown }
  /**
   * The consumer is behind: the subscription is let go, and taken up again at the last event
   * received.
   */
  | { readonly kind: 'behind' }
  | { readonly kind: 'ended'; readonly error: unknown }

export interface ResumeOptions {
  /** Of an event (the first root field of the result). Default: its `cursor`. */
  readonly cursorOf?: (event: unknown) => string | undefined
  readonly storage?: CursorStorage
  /**
   * Events are missing before this one. Called, and waited for, before the event itself is handed
   * over.
   */
  readonly onGap?: (event: ResumableEvent) => unknown
  readonly onState?: (state: ResumeState) => void
  /**
   * The wait before an attempt is random between 0 and this, doubled at each failure up to the cap;
   * in milliseconds. Default 500.
   */
  readonly retryFirstMs?: number
  /** Default 10,000. */
  readonly retryCapMs?: number
  /** So many events may wait for the consumer. Default 1,000. */
  readonly maxQueued?: number
}

/**
 * Whoever is given the results, one after another. A rejection or throw of `next` ends the
 * subscription with it.
 */
export interface ResultSink {
  next(result: Result, event: ResumableEvent): unknown
  error: ClientSink['error']
  complete: ClientSink['complete']
}

/**
 * A connection that failed still has its `closed` to say; until then the client would take it for
 * that of the next one.
 */
const closingMs = 1_000

type Queued = { readonly result: Result; readonly event: ResumableEvent } | { readonly ending: unknown }

/** One subscription over as many connections as it takes. */
export class Resumption {
  readonly #client: SubscriptionClient
  readonly #payload: Payload
  readonly #sink: ResultSink
  readonly #options: ResumeOptions
  readonly #verdicts = new Verdicts()
  readonly #queue: Queued[] = []
  /**
   * Of the event received last, which is where an attempt begins. What is stored follows: of the
   * event handled last.
   */
  #received: string | undefined
  #stopAttempt: (() => void) | undefined
  #attemptSince = 0
  #stopWaiting: (() => void) | undefined
  #failures = 0
  #handling = false
  #behind = false
  #over = false

  constructor(client: SubscriptionClient, payload: Payload, sink: ResultSink, options: ResumeOptions) {
    this.#client = client
    this.#sink = sink
    this.#options = options
    const { variables } = payload
    const given = variables?.['after']
    this.#received = options.storage?.get() ?? (typeof given === 'string' ? given : undefined)
    const received = (): string | undefined => this.#received
    this.#payload = {
      ...payload,
      variables: {
        ...variables,
        // Read as the payload is sent, so a client that sends it once more by itself sends the
        // cursor of that moment.
        get after() {
          return received()
        },
      },
    }
    this.#attempt()
  }

  /** Ends it without a word; nothing is handed over or stored from here on. Idempotent. */
  dispose(): void {
    this.#over = true
    this.#queue.length = 0
    this.#stopWaiting?.()
    this.#stopAttempt?.()
  }

  #attempt(): void {
    this.#options.onState?.({ kind: 'subscribing', after: this.#received })
    this.#attemptSince = Date.now()
    this.#stopAttempt = attempt(this.#client, this.#payload, {
      onResult: (result) => this.#onResult(result),
      onEnd: (cause) => this.#onEnd(cause),
    })
  }

  #onResult(result: Result): void {
    const event = eventOf(result)
    const cursor = (this.#options.cursorOf ?? cursorIn)(event)
    if (event === undefined || cursor === undefined) {
      this.#stopAttempt?.()
      this.#onEnd(result.errors ?? new SubscriptionEnded('expected a cursor in every event: select it'))
      return
    }
    this.#received = cursor
    this.#failures = 0
    this.#verdicts.reset()
    this.#queue.push({ result, event: { ...event, cursor } })
    if (this.#queue.length >= (this.#options.maxQueued ?? 1_000)) {
      this.#stopAttempt?.()
      this.#behind = true
      this.#options.onState?.({ kind: 'behind' })
    }
    void this.#handle()
  }

  #onEnd(cause: unknown): void {
    const error = this.#verdicts.of(cause)
    if (cause === completed || error) {
      this.#queue.push({ ending: error })
      void this.#handle()
      return
    }
    const { retryFirstMs = 500, retryCapMs = 10_000 } = this.#options
    // An idle channel shows by lasting that all was well.
    if (Date.now() - this.#attemptSince > retryCapMs) this.#failures = 0
    // Full jitter: clients that were cut off together don't come back together.
    const forMs = Math.round(Math.random() * Math.min(retryCapMs, retryFirstMs * 2 ** this.#failures))
    this.#failures += 1
    this.#options.onState?.({ kind: 'waiting', forMs, cause })
    const comeBack = (): void => this.#wait(forMs, () => this.#attempt())
    if (closeCodeOf(cause) !== undefined || Array.isArray(cause)) comeBack()
    else this.#wait(closingMs, comeBack, (go) => this.#client.on('closed', go))
  }

  /** `sooner` may cut it short; it returns what takes that back. */
  #wait(forMs: number, then: () => void, sooner?: (go: () => void) => () => void): void {
    if (this.#over) return
    const go = (): void => {
      this.#stopWaiting?.()
      then()
    }
    const timer = setTimeout(go, forMs)
    const unlisten = sooner?.(go)
    this.#stopWaiting = () => {
      clearTimeout(timer)
      unlisten?.()
    }
  }

  /** Hands over what is queued, one after another; each is over before the next begins. */
  async #handle(): Promise<void> {
    if (this.#handling) return
    this.#handling = true
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        if ('ending' in next) return this.#end(next.ending)
        const { result, event } = next
        if (event.kind === 'GAP' || event.gap) await this.#options.onGap?.(event)
        if (event.kind !== 'CHECKPOINT' && !this.#over) await this.#sink.next(result, event)
        if (this.#over) return
        this.#options.storage?.set(event.cursor)
        if (this.#behind && this.#queue.length === 0) {
          this.#behind = false
          this.#attempt()
        }
      }
    } catch (error) {
      this.#end(error)
    } finally {
      this.#handling = false
    }
  }

  #end(error: unknown): void {
    if (this.#over) return
    this.dispose()
    this.#options.onState?.({ kind: 'ended', error })
    if (error === undefined) this.#sink.complete()
    else this.#sink.error(error)
  }
}

/** The first root field that is an object. */
function eventOf({ data }: Result): Omit<ResumableEvent, 'cursor'> | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  return Object.values(data).find((field) => typeof field === 'object' && field !== null) as ResumableEvent | undefined
}

function cursorIn(event: unknown): string | undefined {
  const cursor = (event as { cursor?: unknown } | undefined)?.cursor
  return typeof cursor === 'string' ? cursor : undefined
}
