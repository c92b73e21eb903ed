import { fullJitter } from '../../core/timing/jitter.ts'
import { pause } from '../../core/timing/pause.ts'
import { closeReasons, errorTable } from '../../errors.ts'
import { CommandFailure } from '../failure.ts'
import { type ConnectionEnd, hearOnce, type PrintedEvent } from './subscribe-once.ts'

export interface FollowOptions {
  /** `ws://…/graphql` */
  readonly url: string
  /** A token, or what makes a fresh one for each connection. */
  readonly token: string | (() => Promise<string>)
  readonly clientId: string
  /** The cursor to begin behind; undefined: now. */
  readonly after: string | undefined
  /** Called with each event in order, checkpoints included. */
  readonly onEvent: (event: PrintedEvent) => void
  /** Told in sentences what happens to the connection. */
  readonly say: (text: string) => void
  /** Ends it. */
  readonly signal: AbortSignal
}

const backoff = { firstRetryMs: 250, retryCapMs: 10_000 }

/**
 * Hears a channel over as many connections as it takes: after a lost one, with a new subscription
 * behind the last cursor. Resolves when `signal` aborts or the gateway completes the subscription;
 * rejects with `CommandFailure` where coming back is of no use, or where nobody answers at first.
 */
export async function follow(options: FollowOptions): Promise<void> {
  const { url, token, clientId, say, signal } = options
  let { after } = options
  let everListened = false
  let failures = 0
  while (!signal.aborted) {
    const end = await hearOnce({
      url,
      token: typeof token === 'string' ? token : await token(),
      clientId,
      after,
      signal,
      onListening() {
        say(after === undefined ? `Listening at ${url}` : `Listening at ${url}, behind cursor ${after}`)
        everListened = true
      },
      onCursor(cursor) {
        after = cursor
        failures = 0
      },
      onEvent: options.onEvent,
    })
    if (signal.aborted || end.kind === 'complete') return
    if (!everListened && end.kind === 'lost') {
      throw new CommandFailure(`--url: no gateway answers at ${url} (${end.text})`)
    }
    if (!maySucceedLater(end, { freshToken: typeof token === 'function' })) throw new CommandFailure(end.text)
    // Full jitter: clients that were cut off together don't come back together.
    const pauseMs = fullJitter(failures, backoff)
    failures += 1
    say(`${end.text}; trying again in ${Math.round(pauseMs)} ms`)
    await pause(pauseMs, signal)
  }
}

const retryable = new Set<string>(Object.entries(errorTable).flatMap(([code, { retry }]) => (retry ? [code] : [])))
/**
 * Closes of WebSocket and graphql-transport-ws themselves that the client's own doing brings about,
 * again and again.
 */
const ownFaults = [1002, 1003, 1007, 1008, 1009, 4004, 4005, 4400, 4406, 4409, 4429, 4500]

function maySucceedLater(
  end: Exclude<ConnectionEnd, { kind: 'complete' }>,
  { freshToken }: { freshToken: boolean },
): boolean {
  if (end.kind === 'lost') return true
  if (end.kind === 'refused') return end.codes.every((code) => retryable.has(code))
  // The same token is refused again, and so is one made with the same wrong secret.
  if (end.code === closeReasons.UNAUTHORIZED.graphqlWs) return false
  if (end.code === closeReasons.TOKEN_EXPIRED.graphqlWs) return freshToken
  const reason = Object.values(closeReasons).find(({ graphqlWs }) => graphqlWs === end.code)
  return reason?.comeBack ?? !ownFaults.includes(end.code)
}
