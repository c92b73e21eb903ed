'use client'
import { useEffect, useRef } from 'react'
import type { ResumableEvent, SubscriptionClient } from '../client/resume.ts'
import { type EachEventOptions, eachEvent, type LiveStatus } from '../client/state.ts'
import { connecting, useStore } from './use-store.ts'

/**
 * Calls `onEvent` for each event of a subscription in order, once, and returns the status. The next
 * event waits for the promise that `onEvent` returns; a rejection ends the subscription with its
 * error. It is the function of the newest render that is called. `client`: as for `useLatest`.
 */
export function useEvent<Event = ResumableEvent>(
  client: SubscriptionClient | null,
  options: Omit<EachEventOptions<Event>, 'onEvent'>,
  onEvent: EachEventOptions<Event>['onEvent'],
): LiveStatus {
  const newest = useRef(onEvent)
  // Runs before the effect of `useStore` below, which subscribes.
  useEffect(() => {
    newest.current = onEvent
  })
  const open = (opened: SubscriptionClient, given: typeof options) =>
    eachEvent<Event>(opened, { ...given, onEvent: (event) => newest.current(event) })
  return useStore<typeof options, LiveStatus>(client, options, open, connecting)
}
