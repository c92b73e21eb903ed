'use client'
import { useMemo, useSyncExternalStore } from 'react'
import type { Payload, SubscriptionClient } from '../client/resume.ts'
import type { LiveStore } from '../client/state.ts'

/** The status of a subscription that has not begun. */
export const connecting = { connection: 'connecting', gap: undefined, error: undefined } as const

/**
 * Renders the snapshots of the store that `open` makes. It is made again when the client, the query
 * or a variable changes; the functions among the options are those of that moment.
 */
export function useStore<Options extends Payload, Snapshot>(
  client: SubscriptionClient | null,
  options: Options,
  open: (client: SubscriptionClient, options: Options) => LiveStore<Snapshot>,
  empty: Snapshot,
): Snapshot {
  const { query, variables, operationName, extensions } = options
  const operation = JSON.stringify([query, variables, operationName, extensions])
  // Opening has no effects: the subscription starts with the first call of `subscribe`. So a render
  // that React throws away, as it does before a suspended component is mounted, leaves nothing.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `operation` stands for the options
  const store = useMemo(() => (client ? open(client, options) : undefined), [client, operation])
  return useSyncExternalStore(
    store?.subscribe ?? subscribeToNothing,
    store?.getSnapshot ?? (() => empty),
    // Of the server, and of the first render in the browser that takes over its page.
    () => empty,
  )
}

function subscribeToNothing(): () => void {
  return () => undefined
}
