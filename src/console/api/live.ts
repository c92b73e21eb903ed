import { type Client, createClient } from 'graphql-ws'
import { endWhenSilent, resuming, SubscriptionEnded } from '../../client/resume.ts'
import type { TypedDocumentString } from './generated/graphql.ts'
import { type AnsweredFailure, endpoint, execute, Failure, failureOf } from './graphql.ts'
import { keepDigits } from './lossless.ts'
import { currentToken, onSignIn } from './token.ts'

export interface LiveSink<Result> {
  next(result: Result): void
  /** The gateway refused the subscription. It is over. */
  refused(failure: Failure): void
  /** Whether results can arrive. False: the connection is lost, and is being made again. */
  connected(connected: boolean): void
}

/** The first and the longest pause before another attempt, in milliseconds. */
const retry = { firstMs: 500, longestMs: 15_000 }

let client: Client | undefined
/** The same without resuming, while the gateway has its connection. */
let connected: Client | undefined
/** The token that the socket was opened with, or that renewed it. */
let socketToken: string | undefined

/** One socket for the page. It is open only while a subscription is. */
export function socket(): Client {
  client ??= createSocket()
  return client
}

onSignIn(() => {
  void client?.dispose()
  client = undefined
})

/** Passes a renewed token to the open socket, so that its subscriptions go on. */
export function renewSocket(): void {
  const token = currentToken()
  if (!client || token === undefined) return
  client.subscribe(
    { query: 'mutation ($token: String!) { refreshSession(token: $token) { expiresAt } }', variables: { token } },
    {
      next: ({ errors }) => {
        if (!errors) socketToken = token
      },
      // The socket ends with the old token, and its subscriptions begin again with the new one.
      error: () => undefined,
      complete: () => undefined,
    },
  )
}

function createSocket(): Client {
  const url = new URL(endpoint, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const plain = createClient({
    url: url.href,
    connectionParams: () => {
      socketToken = currentToken()
      return { token: socketToken ?? '' }
    },
    retryAttempts: 0,
    keepAlive: 10_000,
    jsonMessageReviver: keepDigits,
  })
  endWhenSilent(plain)
  plain.on('connected', () => {
    connected = plain
  })
  plain.on('closed', () => {
    // The socket of another sign-in may close later than the next one opens.
    if (connected === plain) connected = undefined
  })
  return resuming(plain, { cursorOf })
}

/** Of an event, or of the event in a result about it. */
function cursorOf(value: unknown): string | undefined {
  const { cursor, event } = (value ?? {}) as { cursor?: string; event?: { cursor?: string } }
  return cursor ?? event?.cursor
}

/**
 * Subscribes, and subscribes again after a lost connection. Returns a function that ends the
 * subscription.
 */
export function subscribe<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  sink: LiveSink<Result>,
): () => void {
  let ended = false
  let attempts = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop = (): void => undefined
  const again = (): void => {
    if (ended) return
    sink.connected(false)
    const pause = Math.min(retry.longestMs, retry.firstMs * 2 ** attempts)
    attempts += 1
    timer = setTimeout(begin, pause / 2 + Math.random() * (pause / 2))
  }
  const refuse = (failure: Failure): void => {
    if (ended) return
    ended = true
    sink.refused(failure)
  }
  const begin = (): void => {
    stop = socket().subscribe<Result>(
      { query: document.toString(), variables: variables ?? {} },
      {
        next: ({ data, errors }) => {
          if (ended) return
          const [first] = errors ?? []
          if (first) return refuse(failureOf(first))
          attempts = 0
          sink.connected(true)
          if (data) sink.next(data)
        },
        error: (error) => {
          const refusal = refusalOf(error)
          if (refusal) refuse(refusal)
          else again()
        },
        complete: again,
      },
    )
  }
  begin()
  return () => {
    ended = true
    clearTimeout(timer)
    stop()
  }
}

/**
 * As `execute`, over the socket if it is open, which costs the gateway a fraction of a request over
 * HTTP. For what is asked again and again.
 */
export function executeAgain<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  signal: AbortSignal,
): Promise<Result> {
  const open = socketToken === currentToken() ? connected : undefined
  if (!open) return execute(document, variables, signal)
  return new Promise((resolve, reject) => {
    const stop = open.subscribe<Result>(
      { query: document.toString(), variables: variables ?? {} },
      {
        next: ({ data, errors }) => {
          const [first] = errors ?? []
          if (first) reject(failureOf(first))
          else if (data) resolve(data)
        },
        // The connection is lost, or the token is refused: the answer over HTTP is the reason.
        error: () => void execute(document, variables, signal).then(resolve, reject),
        complete: () => reject(new Failure('UNREACHABLE', 'The gateway answered without data.')),
      },
    )
    signal.addEventListener('abort', () => {
      stop()
      reject(signal.reason)
    })
  })
}

/** The failure if another attempt cannot help; undefined if the connection was lost. */
function refusalOf(reported: unknown): Failure | undefined {
  // A subscription that resumes reports what ended it as the cause.
  const isFinal = reported instanceof SubscriptionEnded
  if (isFinal && reported.cause === undefined) return failureOf({ message: reported.message })
  const error = isFinal ? reported.cause : reported
  if (Array.isArray(error)) return failureOf((error as AnsweredFailure[])[0] ?? { message: 'refused' })
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (code === 4291 && socketToken !== currentToken()) return undefined
  if (code === 4401 || code === 4403 || code === 4291 || code === 4292) {
    const { reason } = error as { reason?: unknown }
    const message = typeof reason === 'string' && reason !== '' ? reason : 'the token is not accepted'
    return failureOf({ message, extensions: { code: 'UNAUTHENTICATED' } })
  }
  return undefined
}
