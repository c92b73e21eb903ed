/** As much of a graphql-ws client as is used here. */
export interface SubscriptionClient {
  subscribe(payload: Payload, sink: ClientSink): () => void
  /**
   * `closed` is given the CloseEvent, `error` whatever broke the connection; both of the one socket
   * that all subscriptions share.
   */
  on(event: 'closed' | 'error', listener: (event: unknown) => void): () => void
}

export interface Payload {
  readonly query: string
  readonly variables?: Record<string, unknown> | null
  readonly operationName?: string | null
  readonly extensions?: Record<string, unknown> | null
}

export interface ClientSink {
  next(result: Result): void
  error(error: unknown): void
  complete(): void
}

export interface Result {
  readonly data?: unknown
  readonly errors?: readonly AnsweredError[]
}

export interface AnsweredError {
  readonly message: string
  readonly extensions?: { readonly [name: string]: unknown }
}

/**
 * Gives the payload to the server and calls back until the first ending; after it, nothing. Returns
 * what stops it without a call.
 */
export function attempt(
  client: SubscriptionClient,
  payload: Payload,
  { onResult, onEnd }: { onResult: (result: Result) => void; onEnd: (cause: unknown) => void },
): () => void {
  let over = false
  let unsubscribe: () => void = () => undefined
  const stop = (): void => {
    if (over) return
    over = true
    for (const unlisten of listening) unlisten()
    unsubscribe()
  }
  const end = (cause: unknown): void => {
    if (over) return
    stop()
    onEnd(cause)
  }
  // Seen before the client itself acts on them: one with `retryAttempts` would subscribe again by
  // itself, under the same id, for which a socket that is still closing may have messages. On 1000
  // it knows better: it was disposed of and completes, or connects again at once.
  const listening = [
    client.on('closed', (event) => {
      if (closeCodeOf(event) !== 1000) end(event)
    }),
    client.on('error', end),
  ]
  unsubscribe = client.subscribe(payload, {
    next: (result) => {
      if (!over) onResult(result)
    },
    error: end,
    complete: () => end(completed),
  })
  return stop
}

/** The cause of an ending that is none of trouble. */
export const completed = Symbol('completed')

/** The code of a CloseEvent (RFC 6455 §7.4), undefined for anything else. */
export function closeCodeOf(cause: unknown): number | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause) || !('reason' in cause)) return undefined
  return typeof cause.code === 'number' ? cause.code : undefined
}
