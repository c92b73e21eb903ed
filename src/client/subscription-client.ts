/** The part of a graphql-ws client that this module uses. */
export interface SubscriptionClient {
  subscribe(payload: Payload, sink: ClientSink): () => void
  /**
   * `closed` receives the CloseEvent and `error` the error that broke the connection. Both concern
   * the one socket that all subscriptions share.
   */
  on(event: 'closed' | 'error', listener: (event: unknown) => void): () => void
}

export interface Payload {
  readonly query: string
  readonly variables?: Record<string, unknown> | null
  readonly operationName?: string | null
  readonly extensions?: Record<string, unknown> | null
}

/** The members of the payload, and the others: options of this module. */
export function splitPayload<Options extends Payload>(
  options: Options,
): { payload: Payload; rest: Omit<Options, keyof Payload> } {
  const { query, variables, operationName, extensions, ...rest } = options
  const payload = {
    query,
    ...(variables === undefined ? {} : { variables }),
    ...(operationName === undefined ? {} : { operationName }),
    ...(extensions === undefined ? {} : { extensions }),
  }
  return { payload, rest }
}

/** Whether the operation is a subscription that has the variable. */
export function takes(name: string, payload: Payload): boolean {
  const operation = payload.operationName || '\\w*'
  return new RegExp(`subscription\\s*${operation}\\s*[(][^]*[$]${name}\\s*:`).test(payload.query)
}

export interface ClientSink {
  next(result: Result): void
  error(error: unknown): void
  complete(): void
}

export interface Result {
  readonly data?: unknown
  readonly errors?: readonly AnsweredError[]
  readonly extensions?: { readonly [name: string]: unknown } | null
}

export interface AnsweredError {
  readonly message: string
  readonly extensions?: { readonly [name: string]: unknown }
}

export interface AttemptListener {
  onResult(result: Result): void
  /** `isClosed`: the client has reported that its connection is closed. */
  onEnd(cause: unknown, isClosed: boolean): void
}

/**
 * Subscribes and calls back until the first ending, then no more. Returns a function that stops it
 * without a call.
 */
export function attempt(client: SubscriptionClient, payload: Payload, listener: AttemptListener): () => void {
  let over = false
  let lost: { readonly cause: unknown; readonly timer: ReturnType<typeof setTimeout> } | undefined
  let isClosed = false
  let unsubscribe: () => void = () => undefined
  const stop = (): void => {
    if (over) return
    over = true
    clearTimeout(lost?.timer)
    for (const unlisten of listening) unlisten()
    unsubscribe()
  }
  const end = (cause: unknown): void => {
    if (over) return
    stop()
    listener.onEnd(cause, isClosed)
  }
  // A client with `retryAttempts` would subscribe again under the same id, for which a closing
  // socket may still have messages. That takes it another connection, so it is stopped in the next
  // turn of the event loop. By then a client that was disposed of has completed, whatever the code
  // with which its connection was closed. Code 1000 is left to the client: it completes, or it
  // reconnects at once.
  const lose = (cause: unknown): void => {
    lost ??= { cause, timer: setTimeout(() => end(cause), 0) }
  }
  const listening = [
    client.on('closed', (event) => {
      isClosed = true
      if (closeCodeOf(event) !== 1000) lose(event)
    }),
    client.on('error', lose),
  ]
  unsubscribe = client.subscribe(payload, {
    next: (result) => {
      if (!over) listener.onResult(result)
    },
    error: (error) => end(lost ? lost.cause : error),
    complete: () => end(completed),
  })
  return stop
}

/** The cause of a normal ending. */
export const completed = Symbol('completed')

/** The code of a CloseEvent (RFC 6455 §7.4). Undefined for any other cause. */
export function closeCodeOf(cause: unknown): number | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause) || !('reason' in cause)) return undefined
  return typeof cause.code === 'number' ? cause.code : undefined
}

/** Close codes without a close frame: 1006 (RFC 6455 §7.4.1) and 4499 (graphql-ws). */
const lostCodes = { broken: 1006, terminated: 4499 }

/** Whether the connection broke, or was never made, in contrast to an answer of the gateway. */
export function isLostConnection(cause: unknown): boolean {
  if (Array.isArray(cause)) return false
  const code = closeCodeOf(cause)
  return code === undefined || Object.values(lostCodes).includes(code)
}

/** What ended an attempt, as a sentence without a full stop. */
export function causeText(cause: unknown): string {
  if (Array.isArray(cause)) return errorsText(cause as AnsweredError[])
  const code = closeCodeOf(cause)
  if (code === lostCodes.broken) return 'the connection was lost'
  if (code === lostCodes.terminated) return 'the gateway did not answer a ping'
  if (code !== undefined) {
    const { reason } = cause as { reason?: unknown }
    return `the gateway closed the connection: ${[code, reason].filter(Boolean).join(' ')}`
  }
  const hasMessage = typeof cause === 'object' && cause !== null && 'message' in cause
  return String(hasMessage ? cause.message : cause)
}

function errorsText(errors: readonly AnsweredError[]): string {
  return errors.map(({ message, extensions }) => [extensions?.['code'], message].filter(Boolean).join(': ')).join('; ')
}
