import { useMemo, useSyncExternalStore } from 'react'
import type { ResumableEvent } from '../client/resumption.ts'
import {
  type Keyed,
  type KeyedOptions,
  keyed,
  type Latest,
  type LiveOptions,
  type LiveStore,
  latest,
} from '../client/state.ts'
import type { SubscriptionClient } from '../client/subscription-client.ts'

/**
 * The newest event of a subscription, the state of its connection, and whether events are missing.
 * See `latest`.
 *
 * `client`: a graphql-ws client that outlives the component. Null: nothing is subscribed, such as
 * on a server or before a login. The subscription starts when the component is mounted, and again
 * when the client, the query or a variable changes; the functions among the options are those of
 * that moment.
 */
export function useLatest<Event = ResumableEvent>(
  client: SubscriptionClient | null,
  options: LiveOptions,
): Latest<Event> {
  return useStore(client, options, latest<Event>, nothingYet as Latest<Event>)
}

/** The entries of a field with `@state`, as `keyed` keeps them. `client`: as for `useLatest`. */
export function useKeyed<Value>(client: SubscriptionClient | null, options: KeyedOptions<Value>): Keyed<Value> {
  return useStore(client, options, keyed<Value>, noEntries as Keyed<Value>)
}

const connecting = { connection: 'connecting', gap: undefined, error: undefined } as const
const nothingYet: Latest<never> = { ...connecting, value: undefined, cursor: undefined }
const noEntries: Keyed<never> = { ...connecting, entries: new Map<string, never>(), isComplete: false }
const subscribeToNothing = () => () => {}

function useStore<Options extends LiveOptions, Snapshot>(
  client: SubscriptionClient | null,
  options: Options,
  open: (client: SubscriptionClient, options: Options) => LiveStore<Snapshot>,
  empty: Snapshot,
): Snapshot {
  const { query, variables, operationName, extensions } = options
  const operation = JSON.stringify([query, variables, operationName, extensions])
  // Opening has no effects: the subscription starts with the first call of `subscribe`.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `operation` stands for the options
  const store = useMemo(() => (client ? open(client, options) : undefined), [client, operation])
  return useSyncExternalStore(
    store?.subscribe ?? subscribeToNothing,
    store?.getSnapshot ?? (() => empty),
    // Of the server, and of the first render in the browser that takes over its page.
    () => empty,
  )
}
