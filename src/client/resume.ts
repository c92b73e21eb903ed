import { eventOf } from './read-result.ts'
import { type CursorStorage, type ResumableEvent, type ResumeOptions, Resumption } from './resumption.ts'
import { type ClientSink, type Payload, type SubscriptionClient, splitPayload, takes } from './subscription-client.ts'

export { endWhenSilent } from './end-when-silent.ts'
export type { CursorStorage, ResumableEvent, ResumeOptions, ResumeState } from './resumption.ts'
export { SubscriptionEnded } from './retry-policy.ts'
export type { Payload, SubscriptionClient } from './subscription-client.ts'

export interface Resumable<Event> extends AsyncIterable<Event> {
  /**
   * Subscribes at once and calls `next` with one event at a time. If `next` returns a promise, the
   * next event waits for it; its rejection ends the subscription with `error`. Returns a function
   * that ends the subscription without further calls.
   */
  subscribe(sink: EventSink<Event>): () => void
}

export interface EventSink<Event> {
  next(event: Event): unknown
  /**
   * The subscription ended: resuming cannot help (`SubscriptionEnded`), or `next`, `onGap`,
   * `onCheckpoint` or the storage threw.
   */
  error?(error: unknown): void
  complete?(): void
}

/**
 * A subscription on any graphql-ws client. It keeps its cursor and resumes after a lost connection:
 *
 *     const variables = { clientId: 'alice' }
 *     for await (const event of resumable(client, { query, variables })) { … }
 *
 * The query takes `$after: Cursor`. A query of `channel` selects `cursor`, and should select `kind`
 * and `gap { reason oldest }`; a typed field has them in the extensions of its results. It begins
 * after the stored cursor, else after `variables.after`, else now. Each event is passed on once and
 * in order, however often the connection is lost. With a `storage`, an event that the page did not
 * finish handling before it closed is passed on again: at least once.
 *
 * Iterating starts the subscription, and leaving the loop ends it. An event counts as handled when
 * the next one is requested. Create the client with `retryAttempts: 0`. End the subscription before
 * `client.dispose()`: one that waits for its next attempt would connect again.
 */
export function resumable<Event = ResumableEvent>(
  client: SubscriptionClient,
  options: Payload & ResumeOptions,
): Resumable<Event> {
  const { payload, rest } = splitPayload(options)
  if (!takes('after', payload))
    throw new TypeError('query: expected a subscription that takes $after: Cursor and passes it on')
  const subscribe = (sink: EventSink<Event>): (() => void) => {
    const resumption = new Resumption(
      client,
      payload,
      {
        next: (result, read) => (read.hasValue ? sink.next(eventOf(result, read) as Event) : undefined),
        error: (error) => sink.error?.(error),
        complete: () => sink.complete?.(),
      },
      rest,
    )
    return () => resumption.dispose()
  }
  return { subscribe, [Symbol.asyncIterator]: () => new EventIterator(subscribe) }
}

/** Each subscription may have a storage of its own. */
export interface ResumingOptions extends Omit<ResumeOptions, 'storage'> {
  readonly storage?: (payload: Payload) => CursorStorage | undefined
}

/**
 * Returns the client with a `subscribe` that resumes every subscription with a variable `$after`.
 * For Apollo Client, urql, Relay and other libraries that take a graphql-ws client. Other
 * operations are passed through. Checkpoints update the cursor and are not passed on.
 */
export function resuming<Client extends SubscriptionClient>(client: Client, options: ResumingOptions = {}): Client {
  const subscribe = (payload: Payload, sink: ClientSink): (() => void) => {
    if (!takes('after', payload)) return client.subscribe(payload, sink)
    const storage = options.storage?.(payload)
    const resumption = new Resumption(client, payload, sink, { ...options, storage })
    return () => resumption.dispose()
  }
  return { ...client, subscribe }
}

/**
 * Requests one event at a time, because asking for the next event marks the previous one as
 * handled.
 */
class EventIterator<Event> implements AsyncIterator<Event> {
  readonly #dispose: () => void
  readonly #arrived: Step<Event>[] = []
  readonly #requests: { resolve(result: IteratorResult<Event>): void; reject(error: unknown): void }[] = []
  #handled: () => void = () => undefined
  #over = false

  constructor(subscribe: Resumable<Event>['subscribe']) {
    this.#dispose = subscribe({
      next: (value) => new Promise<void>((handled) => this.#arrive({ value, handled })),
      error: (error) => this.#arrive({ error }),
      complete: () => this.#arrive({ error: undefined }),
    })
  }

  next(): Promise<IteratorResult<Event>> {
    this.#handled()
    this.#handled = () => undefined
    return new Promise((resolve, reject) => {
      this.#requests.push({ resolve, reject })
      this.#answer()
    })
  }

  return(): Promise<IteratorResult<Event>> {
    this.#over = true
    this.#dispose()
    this.#answer()
    return Promise.resolve({ done: true, value: undefined })
  }

  #arrive(step: Step<Event>): void {
    this.#arrived.push(step)
    this.#answer()
  }

  #answer(): void {
    while (this.#requests.length > 0 && (this.#over || this.#arrived.length > 0)) {
      const request = this.#requests.shift()
      const step = this.#over ? undefined : this.#arrived.shift()
      if (step && 'value' in step) {
        this.#handled = step.handled
        request?.resolve({ done: false, value: step.value })
        continue
      }
      this.#over = true
      if (step?.error === undefined) request?.resolve({ done: true, value: undefined })
      else request?.reject(step.error)
    }
  }
}

type Step<Event> = { readonly value: Event; readonly handled: () => void } | { readonly error: unknown }
