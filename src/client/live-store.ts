import type { ReadGap, ReadResult } from './read-result.ts'
import { type ResumeOptions, type ResumeState, Resumption } from './resumption.ts'
import { type Payload, type Result, type SubscriptionClient, splitPayload, takes } from './subscription-client.ts'

/** A value that a subscription keeps current. Fits `useSyncExternalStore` and similar functions. */
export interface LiveStore<Snapshot> {
  /**
   * Calls `onChange` after each change; returns a function that ends it. The first caller starts
   * the subscription, and the last one ends it.
   */
  readonly subscribe: (onChange: () => void) => () => void
  /** The same object until something changes. */
  readonly getSnapshot: () => Snapshot
}

export interface LiveStatus {
  /**
   * `connecting`: subscribed, and nothing was received yet. `live`: since the first result, which
   * the value may not have yet. `waiting`: the connection was lost, and the next attempt begins
   * soon. `ended`: see `error`. Select `checkpoints: true`, and an idle subscription is live at
   * once.
   */
  readonly connection: 'connecting' | 'live' | 'waiting' | 'ended'
  /** Events are missing, and the value has not been made good since. */
  readonly gap: ReadGap | undefined
  /** Why the subscription ended: a `SubscriptionEnded`. Undefined if the gateway completed it. */
  readonly error: unknown
}

/**
 * Without `storage`: the value is not stored, so a stored cursor would leave a hole before it.
 */
export type LiveOptions = Payload & Omit<ResumeOptions, 'storage' | 'onGap'>

/** What a store makes of results. */
export interface LiveValue<Value> {
  /** A subscription begins. */
  begin?(): void
  /** The next result waits for the promise. A rejection ends the subscription with its error. */
  handle?(result: Result, read: ReadResult): unknown
  /** Whether the value changed. */
  apply(result: Result, read: ReadResult): boolean
  /** Whether what was missing does not matter any more. */
  endsGap(result: Result, read: ReadResult): boolean
  /** The same object until `apply` returned true. */
  current(): Value
}

const beginning: LiveStatus = { connection: 'connecting', gap: undefined, error: undefined }

export function liveStore<Value extends object>(
  client: SubscriptionClient,
  options: Payload & ResumeOptions,
  value: LiveValue<Value>,
): LiveStore<LiveStatus & Value> {
  const { payload, rest } = splitPayload(options)
  if (!takes('after', payload))
    throw new TypeError('query: expected a subscription that takes $after: Cursor and passes it on')
  const listeners = new Set<() => void>()
  let status = beginning
  let snapshot: (LiveStatus & Value) | undefined
  let resumption: Resumption | undefined
  let stopping: ReturnType<typeof setTimeout> | undefined

  const change = (next: Partial<LiveStatus>, isChanged = false): void => {
    const before = status
    const after = { ...status, ...next }
    const isSame = before.connection === after.connection && before.gap === after.gap && before.error === after.error
    if (isSame && !isChanged) return
    status = after
    snapshot = undefined
    for (const listener of listeners) listener()
  }
  const onState = (state: ResumeState): void => {
    options.onState?.(state)
    if (state.kind === 'waiting' || state.kind === 'live') change({ connection: state.kind })
    else if (state.kind === 'subscribing' && status.connection !== 'waiting') change({ connection: 'connecting' })
  }
  const start = (): void => {
    status = beginning
    snapshot = undefined
    value.begin?.()
    resumption = new Resumption(
      client,
      payload,
      {
        next(result, read) {
          const isChanged = value.apply(result, read)
          const gap = value.endsGap(result, read) ? undefined : status.gap
          change({ gap: read.gap ?? gap }, isChanged)
          return value.handle?.(result, read)
        },
        error: (error) => change({ connection: 'ended', error }),
        complete: () => change({ connection: 'ended' }),
      },
      { ...rest, onState },
    )
  }
  const stop = (): void => {
    resumption?.dispose()
    resumption = undefined
  }
  return {
    subscribe(onChange) {
      // Each call counts once, also if a caller passes the same function twice.
      const listener = (): void => onChange()
      listeners.add(listener)
      clearTimeout(stopping)
      if (!resumption) start()
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0) return
        // React's StrictMode unsubscribes and subscribes again at once.
        stopping = setTimeout(stop, 0)
      }
    },
    getSnapshot: () => (snapshot ??= { ...status, ...value.current() }),
  }
}
