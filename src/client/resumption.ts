import { type ReadGap, type ReadResult, readResult } from './read-result.ts'
import { defaultRetryCapMs, RetryPolicy, type RetryWaits, retryWaitMs, SubscriptionEnded } from './retry-policy.ts'
import {
  attempt,
  type ClientSink,
  closeCodeOf,
  completed,
  type Payload,
  type Result,
  type SubscriptionClient,
} from './subscription-client.ts'

/**
 * The fields that every event of `channel` must select. `kind` and `gap` too, if gaps and
 * checkpoints must be distinguished from messages. Events of typed fields need select none of them.
 */
export interface ResumableEvent {
  readonly cursor: string
  readonly kind?: string
  readonly gap?: ReadGap | null
}

/**
 * Storage that keeps the cursor across page loads, for example `localStorage` with a key. Called
 * synchronously.
 */
export interface CursorStorage {
  /** Called once, at the start. `undefined` or null: nothing is stored. */
  get(): string | null | undefined
  /** Called after each event that has been handled. */
  set(cursor: string): void
}

export type ResumeState =
  /** A subscription will be sent as soon as the client has a connection. */
  | { readonly kind: 'subscribing'; readonly after: string | undefined }
  /**
   * The first result since `subscribing` was received: an event or, with `checkpoints: true`, also
   * a checkpoint. Called before `next` or `onCheckpoint` gets it.
   */
  | { readonly kind: 'live' }
  /**
   * The connection was lost because of `cause`. The next attempt begins in `forMs` milliseconds.
   */
  | { readonly kind: 'waiting'; readonly forMs: number; readonly cause: unknown }
  /**
   * The consumer is too slow. The subscription is stopped, and resumes after the last received
   * event when the queue is empty.
   */
  | { readonly kind: 'behind' }
  | { readonly kind: 'ended'; readonly error: unknown }

export interface ResumeOptions extends RetryWaits {
  /**
   * Reads the cursor of an event (the first root field of the result). Default: its field `cursor`.
   */
  readonly cursorOf?: (event: unknown) => string | undefined
  readonly storage?: CursorStorage
  /** Events are missing before this one. Called and awaited before `next` gets the event itself. */
  readonly onGap?: (event: ResumableEvent) => unknown
  /** The cursor moved without an event. Called and awaited; `next` does not get checkpoints. */
  readonly onCheckpoint?: (event: ResumableEvent) => unknown
  readonly onState?: (state: ResumeState) => void
  /** Maximum number of events that wait for the consumer. Default 1,000. */
  readonly maxQueued?: number
}

/**
 * Receives the results one at a time. If `next` rejects or throws, the subscription ends with that
 * error.
 */
export interface ResultSink {
  next(result: Result, read: ReadResult): unknown
  error: ClientSink['error']
  complete: ClientSink['complete']
}

/**
 * How long to wait for the `closed` event of a failed connection, in milliseconds. Without the
 * wait, the client would attribute the event to the next connection.
 */
const closingMs = 1_000

type Queued = { readonly result: Result; readonly read: ReadResult } | { readonly ending: unknown }

/** One subscription across any number of connections. */
export class Resumption {
  readonly #client: SubscriptionClient
  readonly #payload: Payload
  readonly #sink: ResultSink
  readonly #options: ResumeOptions
  readonly #retryPolicy = new RetryPolicy()
  readonly #queue: Queued[] = []
  /**
   * The cursor of the last received event, where the next attempt begins. The stored cursor, of the
   * last handled event, may be behind it.
   */
  #received: string | undefined
  #stopAttempt: (() => void) | undefined
  #attemptSince = 0
  #live = false
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
    this.#payload = { ...payload, variables: withCursor(variables, received) }
    this.#attempt()
  }

  /**
   * Ends the subscription without calling the sink. No event is passed on or stored afterwards.
   * Idempotent.
   */
  dispose(): void {
    this.#over = true
    this.#queue.length = 0
    this.#stopWaiting?.()
    this.#stopAttempt?.()
  }

  #attempt(): void {
    this.#options.onState?.({ kind: 'subscribing', after: this.#received })
    this.#attemptSince = Date.now()
    this.#live = false
    this.#stopAttempt = attempt(this.#client, this.#payload, {
      onResult: (result) => this.#onResult(result),
      onEnd: (cause, isClosed) => this.#onEnd(cause, isClosed),
    })
  }

  #onResult(result: Result): void {
    const read = readResult(result, this.#options.cursorOf)
    if (!read) {
      this.#stopAttempt?.()
      this.#onEnd(result.errors ?? new SubscriptionEnded('expected a cursor in every event: select it'), false)
      return
    }
    this.#received = read.cursor
    this.#failures = 0
    this.#retryPolicy.reset()
    this.#queue.push({ result, read })
    if (!this.#live) {
      this.#live = true
      this.#options.onState?.({ kind: 'live' })
    }
    if (this.#queue.length >= (this.#options.maxQueued ?? 1_000)) {
      this.#stopAttempt?.()
      this.#behind = true
      this.#options.onState?.({ kind: 'behind' })
    }
    void this.#handle()
  }

  #onEnd(cause: unknown, isClosed: boolean): void {
    const error = this.#retryPolicy.finalErrorOf(cause)
    if (cause === completed || error) {
      this.#queue.push({ ending: error })
      void this.#handle()
      return
    }
    // On an idle channel, a connection that lasts this long counts as successful.
    if (Date.now() - this.#attemptSince > (this.#options.retryCapMs ?? defaultRetryCapMs)) this.#failures = 0
    const forMs = retryWaitMs(this.#failures, this.#options)
    this.#failures += 1
    this.#options.onState?.({ kind: 'waiting', forMs, cause })
    const retry = (): void => this.#wait(forMs, () => this.#attempt())
    if (isClosed || closeCodeOf(cause) !== undefined || Array.isArray(cause)) retry()
    else this.#wait(closingMs, retry, (go) => this.#client.on('closed', go))
  }

  /**
   * Calls `then` after the wait. `sooner` may end the wait early; it returns a function that
   * unregisters it.
   */
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

  /** Passes on the queued events one at a time and waits for each. */
  async #handle(): Promise<void> {
    if (this.#handling) return
    this.#handling = true
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        if ('ending' in next) return this.#end(next.ending)
        const { result, read } = next
        const { cursor, gap } = read
        if (gap) await this.#options.onGap?.({ ...noticeIn(read), cursor, kind: 'GAP', gap })
        if (read.isCheckpoint) await this.#options.onCheckpoint?.({ ...noticeIn(read), cursor, kind: 'CHECKPOINT' })
        else if (!this.#over) await this.#sink.next(result, read)
        if (this.#over) return
        this.#options.storage?.set(cursor)
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

/** The other fields that the query selects of a gap or checkpoint of `channel`. */
function noticeIn({ value }: ReadResult): object {
  return typeof value === 'object' && value !== null ? value : {}
}

/**
 * The variables with the current cursor as `after`; `last`, which only begins a subscription
 * without a cursor, is then null. They are getters, read when the payload is sent: a client that
 * sends the payload again by itself sends the current cursor.
 */
function withCursor(
  variables: Payload['variables'],
  cursor: () => string | undefined,
): NonNullable<Payload['variables']> {
  const result = { ...variables, after: undefined }
  Object.defineProperty(result, 'after', { enumerable: true, get: cursor })
  const last = variables?.['last']
  if (last === undefined) return result
  return Object.defineProperty(result, 'last', { enumerable: true, get: () => (cursor() === undefined ? last : null) })
}
