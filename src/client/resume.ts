import { type CursorStorage, type ResumableEvent, type ResumeOptions, Resumption } from './resumption.ts'
import type { ClientSink, Payload, SubscriptionClient } from './subscription-client.ts'

export { endWhenSilent } from './end-when-silent.ts'
export type { CursorStorage, ResumableEvent, ResumeOptions, ResumeState } from './resumption.ts'
export type { SubscriptionClient } from './subscription-client.ts'
export { SubscriptionEnded } from './verdict.ts'

export interface Resumable<Event> extends AsyncIterable<Event> {
  /**
   * Begins at once. `next` is called with one event after another: a promise that it returns is
   * waited for, its rejection ends the subscription with `error`. Returns what ends the
   * subscription without another call.
   */
  subscribe(sink: EventSink<Event>): () => void
}

export interface EventSink<Event> {
  next(event: Event): unknown
  /**
   * Coming back is of no use (`SubscriptionEnded`), or `next`, `onGap` or the storage has thrown.
   */
  error?(error: unknown): void
  complete?(): void
}

/**
 * A subscription that keeps its cursor and resumes by itself, on any graphql-ws client:
 *
 *     const variables = { clientId: 'alice' }
 *     for await (const event of resumable(client, { query, variables })) { … }
 *
 * The query takes `$after: Cursor` and selects `cursor`; `kind` and `gap { reason oldest }` too. It
 * begins behind the stored cursor, else behind `variables.after`, else now. Each event is handed
 * over once and in order, however often the connection is lost; with a `storage`, an event during
 * which the page goes away comes again: at least once. Iterating begins it and leaving the loop
 * ends it; the event in hand counts as handled when the next one is asked for. Make the client with
 * `retryAttempts: 0`.
 */
export function resumable<Event extends ResumableEvent = ResumableEvent>(
  client: SubscriptionClient,
  options: Payload & ResumeOptions,
): Resumable<Event> {
  const { query, variables, operationName, extensions, ...rest } = options
  if (!takesAfter(query))
    throw new TypeError('query: expected a subscription that takes $after: Cursor and passes it on')
  const payload = {
    query,
    variables,
    ...(operationName === undefined ? {} : { operationName }),
    ...(extensions === undefined ? {} : { extensions }),
  }
  const subscribe = (sink: EventSink<Event>): (() => void) => {
    const resumption = new Resumption(
      client,
      payload,
      {
        // The cursor is there, whatever it is called in the query; the rest is what the query has
        // asked for.
        next: (_result, event) => sink.next(event as Event),
        error: (error) => sink.error?.(error),
        complete: () => sink.complete?.(),
      },
      rest,
    )
    return () => resumption.dispose()
  }
  return { subscribe, [Symbol.asyncIterator]: () => new EventIterator(subscribe) }
}

/**
 * The same client, in which every subscription that takes `$after` resumes by itself: for Apollo
 * Client, urql, Relay and whoever else is handed a graphql-ws client. Other operations pass as they
 * are. Checkpoints are kept and not handed on.
 */
export function resuming<Client extends SubscriptionClient>(
  client: Client,
  options: Omit<ResumeOptions, 'storage'> & { storage?: (payload: Payload) => CursorStorage | undefined } = {},
): Client {
  const subscribe = (payload: Payload, sink: ClientSink): (() => void) => {
    if (!takesAfter(payload.query)) return client.subscribe(payload, sink)
    const storage = options.storage?.(payload)
    const resumption = new Resumption(client, payload, sink, { ...options, storage })
    return () => resumption.dispose()
  }
  return { ...client, subscribe }
}

function takesAfter(query: string): boolean {
  return /\$after\s*:/.test(query)
}

/** Asks for one event at a time, so that the one before counts as handled. */
class EventIterator<Event> implements AsyncIterator<Event> {
  readonly #dispose: () => void
  readonly #arrived: Step<Event>[] = []
  readonly #asked: { resolve(result: IteratorResult<Event>): void; reject(error: unknown): void }[] = []
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
      this.#asked.push({ resolve, reject })
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
    while (this.#asked.length > 0 && (this.#over || this.#arrived.length > 0)) {
      const asked = this.#asked.shift()
      const step = this.#over ? undefined : this.#arrived.shift()
      if (step && 'value' in step) {
        this.#handled = step.handled
        asked?.resolve({ done: false, value: step.value })
        continue
      }
      this.#over = true
      if (step?.error === undefined) asked?.resolve({ done: true, value: undefined })
      else asked?.reject(step.error)
    }
  }
}

type Step<Event> = { readonly value: Event; readonly handled: () => void } | { readonly error: unknown }
