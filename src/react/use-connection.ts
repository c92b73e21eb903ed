'use client'
import { useSyncExternalStore } from 'react'
import type { LiveStore } from '../client/state.ts'

/**
 * `idle`: no connection was needed yet, or the client closed it because nothing is subscribed.
 * `disconnected`: it was lost or refused, and the subscriptions resume soon.
 */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'disconnected'

/** The part of a graphql-ws client that `useConnection` uses. */
export interface ConnectionClient {
  on(event: 'connecting' | 'connected', listener: () => void): () => void
  on(event: 'closed', listener: (event: unknown) => void): () => void
}

/**
 * The state of the one socket that all subscriptions of a graphql-ws client share. The client has
 * no record of it: call the hook in a component that is there before the first subscription.
 * `client`: as for `useLatest`.
 */
export function useConnection(client: ConnectionClient | null): ConnectionState {
  const { subscribe, getSnapshot } = client ? connectionOf(client) : none
  return useSyncExternalStore(subscribe, getSnapshot, none.getSnapshot)
}

const none: LiveStore<ConnectionState> = { subscribe: () => () => undefined, getSnapshot: () => 'idle' }
const connections = new WeakMap<ConnectionClient, LiveStore<ConnectionState>>()

/** One for each client, which it lives as long as. */
function connectionOf(client: ConnectionClient): LiveStore<ConnectionState> {
  const known = connections.get(client)
  if (known) return known
  let state: ConnectionState = 'idle'
  const listeners = new Set<() => void>()
  const change = (next: ConnectionState): void => {
    state = next
    for (const listener of listeners) listener()
  }
  client.on('connecting', () => change('connecting'))
  client.on('connected', () => change('connected'))
  client.on('closed', (event) => change((event as { code?: unknown }).code === 1000 ? 'idle' : 'disconnected'))
  const store: LiveStore<ConnectionState> = {
    subscribe(onChange) {
      const listener = (): void => onChange()
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    getSnapshot: () => state,
  }
  connections.set(client, store)
  return store
}
