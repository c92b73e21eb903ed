import type { ClientChannels } from '../core/clients/client-channels.ts'
import type { ChannelSubscription } from '../core/delivery/channel-subscription.ts'
import type { Gateway } from '../core/gateway.ts'
import type { Inspection } from '../core/inspection/inspection.ts'
import type { Identity } from '../core/model/identity.ts'
import type { Feed } from '../core/sessions/feeds/feed.ts'
import type { OperationPages } from '../core/sessions/page-limits.ts'
import type { Session } from '../core/sessions/session.ts'

/**
 * The context of an operation: the caller, and the gateway that it uses. Each transport creates one
 * for each operation.
 */
export interface Context {
  readonly identity: Identity
  /** The address of the caller, for the limits on passwords. */
  readonly address: string
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  /** What operators ask about the whole deployment. */
  readonly inspection: Inspection
  readonly settings: Settings
  /** The memory accounting of the history pages of this operation. */
  readonly pages: OperationPages
  /** Opens a subscription in the caller's session; throws as `Session.subscribe` does. */
  subscribe(options: Parameters<Session['subscribe']>[0]): ChannelSubscription
  /** The session of the caller's socket; undefined over HTTP. */
  readonly session: Session | undefined
  /** As `subscribe`, to a typed field. */
  subscribeEvent(options: Parameters<Session['subscribeEvent']>[0]): ChannelSubscription
  /**
   * Begins a feed in the caller's session. `check`: as in `Session.follow`, which throws the same.
   */
  follow<Event>(feed: Feed<Event>, check: (identity: Identity) => void): Feed<Event>
  /**
   * Renews the session of the caller's socket with a new token. Rejects with `BAD_USER_INPUT` if
   * the caller has no such session.
   */
  renewSession(token: string): Promise<Identity>
}

export interface Settings {
  readonly namespace: string
  readonly version: string
  readonly maxQueryDepth: number
  readonly maxQueryCost: number
  readonly proxyHops: number
  /** The bounds of the journal. */
  readonly retention: { readonly maxAgeMs: number; readonly maxBytes: number }
  readonly keepAliveMs: number
}
