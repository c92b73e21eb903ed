import { KeyedEntries, type KeyedEntry, type StateMarks } from './keyed-entries.ts'
import { type LiveOptions, type LiveStatus, type LiveStore, liveStore } from './live-store.ts'
import { eventOf } from './read-result.ts'
import type { ResumableEvent } from './resumption.ts'
import type { Result, SubscriptionClient } from './subscription-client.ts'

export type { LiveOptions, LiveStatus, LiveStore } from './live-store.ts'
export { type EachEventOptions, eachEvent, type Recent, type RecentOptions, recent } from './recent.ts'

export interface Latest<Event> extends LiveStatus {
  /** The newest event. Undefined: none has come yet. */
  readonly value: Event | undefined
  /** Of the newest event. */
  readonly cursor: string | undefined
}

/**
 * The newest event of a subscription, which resumes as `resumable` does. To begin with the current
 * value, pass the variable `last: 1`; to bound the rate, pass `every`.
 */
export function latest<Event = ResumableEvent>(
  client: SubscriptionClient,
  options: LiveOptions,
): LiveStore<Latest<Event>> {
  let newest: Pick<Latest<Event>, 'value' | 'cursor'> = { value: undefined, cursor: undefined }
  return liveStore(client, options, {
    apply(result, read) {
      if (!read.hasValue) return false
      newest = { value: eventOf(result, read) as Event, cursor: read.cursor }
      return true
    },
    endsGap: (_result, { hasValue }) => hasValue,
    current: () => newest,
  })
}

export interface Keyed<Value> extends LiveStatus {
  /**
   * The current values by key. A new map after each change; a value that did not change is the same
   * object in both.
   */
  readonly entries: ReadonlyMap<string, Value>
  /**
   * Whether a whole snapshot was received. Until then, `entries` has what came so far. A later
   * snapshot, after a gap or a long absence, replaces the entries when it is whole.
   */
  readonly isComplete: boolean
}

export interface KeyedOptions<Value> extends LiveOptions {
  /** The key of a value. Default: its member `id`. Undefined: it has none, and is ignored. */
  readonly keyOf?: (value: Value) => string | number | undefined
  /**
   * Whether the value stands for the removal of its key, such as one member of a union. Needed only
   * behind a router that drops `extensions`, which name the removed key otherwise.
   */
  readonly isRemoval?: (value: Value) => boolean
}

/** The entries of a field with `@state`: its snapshot, then every change. */
export function keyed<Value>(client: SubscriptionClient, options: KeyedOptions<Value>): LiveStore<Keyed<Value>> {
  const { keyOf = idOf, isRemoval, ...liveOptions } = options
  const entries = new KeyedEntries<Value>()
  const entryOf = (value: Value | null | undefined): KeyedEntry<Value> => {
    if (value === null || value === undefined) return undefined
    const key = keyOf(value)
    return key === undefined ? undefined : { key: String(key), value }
  }
  let current: Pick<Keyed<Value>, 'entries' | 'isComplete'> = { entries: entries.current, isComplete: false }
  return liveStore(client, liveOptions, {
    begin: () => entries.begin(),
    apply(result, { value }) {
      const marks = marksOf(result)
      const entry = entryOf(value as Value | null | undefined)
      const removed = marks.removed ?? (entry && isRemoval?.(entry.value) ? entry.key : undefined)
      if (!entries.apply(entry, { ...marks, removed })) return false
      current = {
        get entries() {
          return entries.current
        },
        isComplete: entries.isComplete,
      }
      return true
    },
    endsGap: (result) => marksOf(result).state === 'SNAPSHOT_END',
    current: () => current,
  })
}

function marksOf({ extensions }: Result): StateMarks {
  const { state, reset, removed } = (extensions?.['warren'] ?? {}) as Partial<Record<keyof StateMarks, unknown>>
  return {
    state: state === 'SNAPSHOT' || state === 'SNAPSHOT_END' || state === 'REBASED' ? state : undefined,
    reset: reset === true,
    removed: typeof removed === 'string' ? removed : undefined,
  }
}

function idOf(value: unknown): string | number | undefined {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  return typeof id === 'string' || typeof id === 'number' ? id : undefined
}
