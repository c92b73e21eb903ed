import type { ClientChannels } from '../core/clients/client-channels.ts'
import type { ChannelSubscription } from '../core/delivery/channel-subscription.ts'
import type { Gateway } from '../core/gateway.ts'
import type { Identity } from '../core/model/identity.ts'
import type { OperationPages } from '../core/sessions/page-limits.ts'
import type { Session } from '../core/sessions/session.ts'

/**
 * What an operation knows: who asks, and what there is to ask. Made once an operation by each
 * transport.
 */
export interface Context {
  readonly identity: Identity
  /** Where the caller is: limits on passwords are kept by it. */
  readonly address: string
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly settings: Settings
  /** What the pages of history of this operation hold. */
  readonly pages: OperationPages
  /** Opens a feed in the caller's session; throws as `Session.subscribe` does. */
  subscribe(options: Parameters<Session['subscribe']>[0]): ChannelSubscription
  /**
   * The session of the caller's socket goes on under this token. Rejects with `BAD_USER_INPUT`
   * where there is no such session.
   */
  renewSession(token: string): Promise<Identity>
}

export interface Settings {
  readonly namespace: string
  readonly version: string
  readonly maxQueryDepth: number
  readonly maxQueryCost: number
  readonly proxyHops: number
  readonly keepAliveMs: number
}
