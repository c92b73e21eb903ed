import { type LiveOptions, type LiveStatus, type LiveStore, liveStore } from './live-store.ts'
import { eventOf } from './read-result.ts'
import type { ResumableEvent, ResumeOptions } from './resumption.ts'
import type { Payload, SubscriptionClient } from './subscription-client.ts'

export interface Recent<Event> extends LiveStatus {
  /** The newest events, oldest first, without notices of gaps. Another array after each event. */
  readonly events: readonly Event[]
}

export interface RecentOptions extends LiveOptions {
  /** How many events `events` has at most. Default 100. */
  readonly keep?: number
}

/**
 * The newest events of a subscription, which resumes as `resumable` does. `gap` is set until as
 * many events as are kept came after it.
 */
export function recent<Event = ResumableEvent>(
  client: SubscriptionClient,
  options: RecentOptions,
): LiveStore<Recent<Event>> {
  const { keep = 100, ...liveOptions } = options
  if (!Number.isInteger(keep) || keep < 1) throw new TypeError(`keep: expected a whole number from 1 on, not ${keep}`)
  let current: Pick<Recent<Event>, 'events'> = { events: [] }
  let sinceGap = 0
  return liveStore(client, liveOptions, {
    begin() {
      current = { events: [] }
    },
    apply(result, read) {
      if (read.gap) sinceGap = 0
      if (read.gap || !read.hasValue) return false
      sinceGap += 1
      current = { events: [...current.events, eventOf(result, read) as Event].slice(-keep) }
      return true
    },
    endsGap: () => sinceGap >= keep,
    current: () => current,
  })
}

export interface EachEventOptions<Event> extends Payload, ResumeOptions {
  /** The next event waits for the promise. A rejection ends the subscription with its error. */
  readonly onEvent: (event: Event) => unknown
}

/** Calls `onEvent` for each event in order, and has the status of the subscription. */
export function eachEvent<Event = ResumableEvent>(
  client: SubscriptionClient,
  options: EachEventOptions<Event>,
): LiveStore<LiveStatus> {
  const { onEvent, ...resumeOptions } = options
  const nothing = {}
  return liveStore(client, resumeOptions, {
    handle: (result, read) => (read.hasValue ? onEvent(eventOf(result, read) as Event) : undefined),
    apply: () => false,
    endsGap: (_result, { hasValue }) => hasValue,
    current: () => nothing,
  })
}
