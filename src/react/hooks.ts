'use client'
import type { ResumableEvent, SubscriptionClient } from '../client/resume.ts'
import { type Keyed, type KeyedOptions, keyed, type Latest, type LiveOptions, latest } from '../client/state.ts'
import { connecting, useStore } from './use-store.ts'

export { type ChannelMessage, type ChannelOptions, useChannel } from './use-channel.ts'
export { type ConnectionClient, type ConnectionState, useConnection } from './use-connection.ts'
export { useEvent } from './use-event.ts'

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

const nothingYet: Latest<never> = { ...connecting, value: undefined, cursor: undefined }
const noEntries: Keyed<never> = { ...connecting, entries: new Map<string, never>(), isComplete: false }
