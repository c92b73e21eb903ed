import { eventOf, type ReadResult } from './read-result.ts'
import { type ResumableEvent, type ResumeOptions, Resumption } from './resumption.ts'
import { RetryPolicy, type RetryWaits, retryWaitMs } from './retry-policy.ts'
import { type Payload, type Result, type SubscriptionClient, splitPayload, takes } from './subscription-client.ts'

export { SubscriptionEnded } from './retry-policy.ts'

export interface ConsumeOptions<Event> extends Payload, Omit<ResumeOptions, 'storage'> {
  /** The named position, which the gateway keeps: see docs/guides/state-and-stream.md. */
  readonly position: string
  /** The next event waits for the promise. A rejection ends the consumer; the event comes again. */
  readonly handle: (event: Event) => unknown
  /**
   * Called once if the consumer ends by itself: `handle` failed, or a `SubscriptionEnded`. Its
   * `codes` are `['POSITION_TAKEN']` if another device took the position. What was handled before
   * is acknowledged by then.
   */
  readonly onError: (error: unknown) => void
  /** How long handled events are gathered for one acknowledgement, in ms. Default 250. */
  readonly ackEveryMs?: number
}

export interface Consumer {
  /**
   * Ends the subscription. Resolves when the event that is being handled is done, and everything
   * handled is acknowledged, or one attempt to do so failed. Never rejects.
   */
  stop(): Promise<void>
}

const ackMutation = 'mutation Ack($position: String!, $cursor: Cursor!) { ack(position: $position, cursor: $cursor) }'

/**
 * Handles each event of a named position in order, and acknowledges it when its handler is done: at
 * least once, over any number of devices, page loads and connections.
 *
 * The query takes `$position: String` and `$after: Cursor`, and passes both on. Checkpoints move
 * the position, too. A page that closes without `stop` receives what it handled in the last
 * `ackEveryMs` milliseconds again.
 */
export function consume<Event = ResumableEvent>(client: SubscriptionClient, options: ConsumeOptions<Event>): Consumer {
  const { payload, rest } = splitPayload(options)
  const { position, handle, onError, ackEveryMs = 250, ...resumeOptions } = rest
  if (!takes('position', payload) || !takes('after', payload))
    throw new TypeError('query: expected a subscription that takes $position: String and $after: Cursor')
  let handling: Promise<void> = Promise.resolve()
  let isOver = false
  const fail = async (error: unknown): Promise<void> => {
    if (isOver) return
    isOver = true
    resumption.dispose()
    await acks.close()
    onError(error)
  }
  const acks = new Acknowledgements(
    (cursor) => sendAck(client, { position, cursor }),
    ackEveryMs,
    rest,
    (error) => void fail(error),
  )
  const next = async (result: Result, read: ReadResult): Promise<void> => {
    if (read.hasValue) await handle(eventOf(result, read) as Event)
    acks.add(read.cursor)
  }
  const resumption = new Resumption(
    client,
    { ...payload, variables: { ...payload.variables, position } },
    {
      next(result, read) {
        const handled = next(result, read)
        handling = handled.catch(() => undefined)
        return handled
      },
      error: (error) => void fail(error),
      complete: () => void acks.close(),
    },
    {
      ...resumeOptions,
      async onCheckpoint(event) {
        await resumeOptions.onCheckpoint?.(event)
        acks.add(event.cursor)
      },
    },
  )
  return {
    async stop() {
      isOver = true
      resumption.dispose()
      await handling
      await acks.close()
    },
  }
}

/** Sends the newest cursor only, because an acknowledgement covers all before it. */
class Acknowledgements {
  readonly #send: (cursor: string) => Promise<void>
  readonly #everyMs: number
  readonly #retryWaits: RetryWaits
  readonly #onRefused: (error: unknown) => void
  readonly #policy = new RetryPolicy()
  /** The newest cursor that is not acknowledged. */
  #newest: string | undefined
  #sending: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #isClosed = false

  constructor(
    send: (cursor: string) => Promise<void>,
    everyMs: number,
    retryWaits: RetryWaits,
    onRefused: (error: unknown) => void,
  ) {
    this.#send = send
    this.#everyMs = everyMs
    this.#retryWaits = retryWaits
    this.#onRefused = onRefused
  }

  add(cursor: string): void {
    this.#newest = cursor
    this.#schedule(this.#everyMs)
  }

  /** Sends what is left, once. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#sending
    if (this.#newest !== undefined) await this.#attempt()
  }

  #schedule(ms: number): void {
    if (this.#isClosed || this.#sending) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#sending = this.#attempt().finally(() => {
        this.#sending = undefined
        if (this.#newest === undefined) return
        this.#schedule(this.#failures === 0 ? this.#everyMs : retryWaitMs(this.#failures - 1, this.#retryWaits))
      })
    }, ms)
  }

  async #attempt(): Promise<void> {
    const cursor = this.#newest
    if (cursor === undefined) return
    try {
      await this.#send(cursor)
      this.#failures = 0
      this.#policy.reset()
      if (this.#newest === cursor) this.#newest = undefined
    } catch (error) {
      this.#failures += 1
      const refusal = this.#policy.finalErrorOf(error)
      if (!refusal) return
      this.#newest = undefined
      if (!this.#isClosed) this.#onRefused(refusal)
    }
  }
}

function sendAck(client: SubscriptionClient, variables: { position: string; cursor: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe(
      { query: ackMutation, variables },
      {
        next: ({ errors }) => (errors ? reject(errors) : resolve()),
        error: reject,
        // Without a result: the connection was closed.
        complete: () => reject(new Error('the acknowledgement was not answered')),
      },
    )
  })
}
