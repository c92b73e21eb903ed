import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { parseJson } from '../../core/json/parse-json.ts'

export interface PrintedEvent {
  readonly kind: 'MESSAGE' | 'GAP' | 'CHECKPOINT'
  readonly cursor: string
  readonly [field: string]: unknown
}

/** How a connection ended; `text` is a sentence without its full stop. */
export type ConnectionEnd =
  | { readonly kind: 'complete' }
  /** The operation was answered with errors. */
  | { readonly kind: 'refused'; readonly codes: readonly string[]; readonly text: string }
  | { readonly kind: 'closed'; readonly code: number; readonly text: string }
  | { readonly kind: 'lost'; readonly text: string }

export interface HearOptions {
  readonly url: string
  readonly token: string
  readonly clientId: string
  readonly after: string | undefined
  readonly signal: AbortSignal
  /** From here on nothing is missed of a channel whose client is registered. */
  readonly onListening: () => void
  /**
   * The place from which to resume, whenever it is a new one; before `onEvent` for the same event.
   */
  readonly onCursor: (cursor: string) => void
  readonly onEvent: (event: PrintedEvent) => void
}

/** Checkpoints are always asked for, so that the cursor of an idle channel doesn't age. */
const subscription = `subscription Tail($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) {
    kind cursor clientId data type contentType messageId headers exchange routingKey
    redelivered publishedAt receivedAt gap { reason oldest }
  }
}`
const position = 'query Position($clientId: ID!) { clientChannel(clientId: $clientId) { cursor } }'

interface Answer {
  readonly channel?: PrintedEvent
  readonly clientChannel?: { readonly cursor: string } | null
}

/** Hears a channel over one connection until that ends, or `signal` aborts. Does not reject. */
export async function hearOnce(options: HearOptions): Promise<ConnectionEnd> {
  const { clientId, signal, onListening, onCursor, onEvent } = options
  let { after } = options
  let trouble = ''
  const client = connect(options, (text) => {
    trouble = text
  })
  const withTrouble = (end: ConnectionEnd): ConnectionEnd =>
    end.kind === 'lost' && trouble !== '' && trouble !== end.text ? { ...end, text: `${end.text}: ${trouble}` } : end
  try {
    if (after === undefined) {
      // Asked before anything is heard, so that a connection that is lost before the first event
      // leaves no hole either.
      const asked = await operation(client, position, { clientId }, signal, ({ clientChannel }) => {
        after = clientChannel?.cursor
        if (after !== undefined) onCursor(after)
        onListening()
      })
      if (asked.kind !== 'complete') return withTrouble(asked)
    } else {
      client.on('connected', onListening)
    }
    const heard = await operation(client, subscription, { clientId, after }, signal, ({ channel }) => {
      // What was under way when the reader had enough is none of his.
      if (signal.aborted || !channel) return
      onCursor(channel.cursor)
      onEvent(channel)
    })
    return withTrouble(heard)
  } finally {
    // Not waited for: it does not return while a connection is being made.
    void Promise.resolve(client.dispose()).catch(() => undefined)
  }
}

const handshakeTimeoutMs = 10_000
const pingMs = 10_000
/** A peer that is gone without a word is noticed this long after a ping. */
const pongTimeoutMs = 10_000

class PunctualWebSocket extends WebSocket {
  constructor(url: string, protocols: string) {
    super(url, protocols, { handshakeTimeout: handshakeTimeoutMs })
  }

  /**
   * graphql-ws parses text with `JSON.parse`, and takes what is no text as it is: so it gets
   * messages with every digit of their numbers.
   */
  override addEventListener(...[type, listener, options]: Parameters<WebSocket['addEventListener']>): void {
    if (type !== 'message') return super.addEventListener(type, listener, options)
    const take = listener as (event: { data: unknown }) => void
    super.addEventListener('message', ({ data }) => take({ data: parsed(data) }), options)
  }
}

/** As it came where it is no JSON: graphql-ws says so. */
function parsed(data: unknown): unknown {
  try {
    return parseJson(String(data))
  } catch {
    return data
  }
}

function connect({ url, token }: HearOptions, onTrouble: (text: string) => void): Client {
  let overdue: NodeJS.Timeout | undefined
  const client = createClient({
    url,
    webSocketImpl: PunctualWebSocket,
    // It would come back with the variables of the beginning; resuming needs the last cursor.
    retryAttempts: 0,
    // One socket from now until `dispose`, for the question and the subscription; its errors reach
    // them too.
    lazy: false,
    onNonLazyError: () => undefined,
    keepAlive: pingMs,
    connectionParams: { Authorization: `Bearer ${token}` },
    on: {
      error: (error) => onTrouble(messageOf(error)),
      ping: (received) => {
        if (!received) overdue = setTimeout(() => client.terminate(), pongTimeoutMs)
      },
      pong: (received) => {
        if (received) clearTimeout(overdue)
      },
      closed(event) {
        clearTimeout(overdue)
        // After an orderly end it would connect again, in spite of `retryAttempts`, with the
        // variables of the beginning.
        if (isCloseEvent(event) && event.code === 1000) void client.dispose()
      },
    },
  })
  return client
}

/** One operation to its end. Does not reject. */
function operation(
  client: Client,
  query: string,
  variables: Record<string, unknown>,
  signal: AbortSignal,
  onAnswer: (answer: Answer) => void,
): Promise<ConnectionEnd> {
  return new Promise((resolve) => {
    const stop = client.subscribe<Answer>(
      { query, variables },
      {
        next({ data, errors }) {
          if (errors && errors.length > 0) resolve(refusal(errors))
          else if (data) onAnswer(data)
        },
        error: (error) => resolve(endOf(error)),
        complete: () => resolve({ kind: 'complete' }),
      },
    )
    const end = () => {
      stop()
      resolve({ kind: 'complete' })
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function endOf(error: unknown): ConnectionEnd {
  if (Array.isArray(error)) return refusal(error as AnsweredError[])
  if (!isCloseEvent(error)) return { kind: 'lost', text: messageOf(error) }
  const { code, reason = '' } = error
  // 1006: the connection broke without a close frame (RFC 6455 §7.4.1). 4499: we gave up on a
  // silent peer.
  if (code === 1006) return { kind: 'lost', text: 'the connection was lost' }
  if (code === 4499) return { kind: 'lost', text: 'the gateway fell silent' }
  return {
    kind: 'closed',
    code,
    text: `the gateway closed the connection: ${[code, reason].filter(Boolean).join(' ')}`,
  }
}

function isCloseEvent(error: unknown): error is { code: number; reason?: string } {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
}

interface AnsweredError {
  readonly message: string
  readonly extensions?: { readonly code?: unknown }
}

function refusal(errors: readonly AnsweredError[]): ConnectionEnd {
  const codes = errors.map(({ extensions }) => (typeof extensions?.code === 'string' ? extensions.code : ''))
  const text = errors.map(({ message }, index) => [codes[index], message].filter(Boolean).join(': ')).join('; ')
  return { kind: 'refused', codes, text }
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
}
