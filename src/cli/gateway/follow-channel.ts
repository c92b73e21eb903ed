import type { Client } from 'graphql-ws'
import { type ResumeState, resumable } from '../../client/resume.ts'
import { causeText, isLostConnection } from '../../client/subscription-client.ts'
import { CommandFailure } from '../failure.ts'
import { gatewayClient } from './gateway-client.ts'

export interface TailEvent {
  readonly kind: 'MESSAGE' | 'GAP' | 'CHECKPOINT'
  readonly cursor: string
  readonly [field: string]: unknown
}

export interface FollowOptions {
  /** `ws://…/graphql` */
  readonly url: string
  /** Called for each connection. */
  readonly token: () => Promise<string>
  readonly clientId: string
  /** The cursor to begin after. Undefined: now. */
  readonly after: string | undefined
  /** Begin with so many of the last events. Not together with `after`. */
  readonly last: number | undefined
  /** Called with each message and gap, in order. */
  readonly onEvent: (event: TailEvent) => void
  readonly onCheckpoint: (event: TailEvent) => void
  /** Called with one sentence for each change of the connection. */
  readonly log: (text: string) => void
  /** Ends it. */
  readonly signal: AbortSignal
}

/**
 * With checkpoints, the first one is the position where a subscription without `after` begins.
 * Gateways of an earlier version do not know `last`.
 */
const queryOf = (
  last: number | undefined,
): string => `subscription Tail($clientId: ID!, $after: Cursor${last === undefined ? '' : ', $last: Int'}) {
  channel(clientId: $clientId, after: $after${last === undefined ? '' : ', last: $last'}, checkpoints: true) {
    kind cursor clientId data type contentType messageId headers exchange routingKey
    redelivered publishedAt receivedAt gap { reason oldest }
  }
}`

/**
 * Subscribes to a channel and resumes after a lost connection. Resolves when `signal` aborts or the
 * gateway completes the subscription. Rejects with `CommandFailure` if resuming cannot help, or if
 * the first connection fails.
 */
export async function followChannel(options: FollowOptions): Promise<void> {
  const client = gatewayClient(options.url, options.token)
  try {
    await follow(client, options)
  } finally {
    // Not awaited, because it does not return before a pending connection is established.
    void Promise.resolve(client.dispose()).catch(() => undefined)
  }
}

function follow(client: Client, { url, clientId, after, last, signal, log, ...options }: FollowOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let connected = false
    let announced = false
    let position = after
    const announce = () => {
      if (!announced)
        log(position === undefined ? `Listening at ${url}` : `Listening at ${url}, behind cursor ${position}`)
      announced = true
    }
    const fail = (error: Error) => {
      stop()
      reject(error)
    }
    const onState = (state: ResumeState) => {
      if (state.kind === 'subscribing') position = state.after
      if (state.kind !== 'waiting') return
      const { cause, forMs } = state
      // From `token`: the next connection would fail too.
      if (cause instanceof CommandFailure) return fail(cause)
      const text = causeText(cause)
      if (!connected && isLostConnection(cause))
        return fail(new CommandFailure(`--url: no gateway answers at ${url} (${text})`))
      announced = false
      log(`${text}; trying again in ${forMs} ms`)
    }
    client.on('connected', () => {
      connected = true
      if (position !== undefined) announce()
    })
    const subscription = resumable<TailEvent>(client, {
      query: queryOf(last),
      variables: { clientId, after, ...(last !== undefined && { last }) },
      onState,
      onCheckpoint(event) {
        announce()
        options.onCheckpoint(event as TailEvent)
      },
    })
    const stop = subscription.subscribe({
      next(event) {
        announce()
        options.onEvent(event)
      },
      error: (error) => reject(new CommandFailure(causeText(error))),
      complete: resolve,
    })
    const end = () => {
      stop()
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
