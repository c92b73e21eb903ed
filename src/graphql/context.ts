import type { ClientChannels } from '../core/client-channels.ts'
import type { Feed } from '../core/feed.ts'
import type { Gateway } from '../core/gateway.ts'
import type { Identity } from '../core/identity.ts'

/** What an operation knows: who asks, and what there is to ask. Made once an operation by each transport. */
export interface Context {
  readonly identity: Identity
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly settings: Settings
  /** Opens a feed in the caller's session; throws as `Session.subscribe` does. */
  subscribe(options: { clientId: string; after?: string | null; checkpoints?: boolean | null }): Feed
}

export interface Settings {
  readonly namespace: string
  readonly version: string
  readonly maxQueryDepth: number
  readonly maxQueryCost: number
}
