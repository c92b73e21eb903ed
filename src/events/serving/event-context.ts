import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { EventAccess } from '../../core/ports/event-matcher.ts'
import type { OperationPages } from '../../core/sessions/page-limits.ts'
import type { SessionSubscribeOptions } from '../../core/sessions/session.ts'

/** What the resolvers of typed fields need of the context of an operation. */
export interface EventContext {
  readonly identity: Identity
  /** The address of the caller; empty if it has none. */
  readonly address: string
  readonly gateway: Gateway
  readonly pages: OperationPages
  /**
   * What the requests in flight are counted by: the session of a socket; undefined over HTTP, where
   * the caller counts.
   */
  readonly session: object | undefined
  /** As `Session.subscribeEvent`, in the caller's session. */
  subscribeEvent(options: SessionSubscribeOptions & { readonly access: EventAccess }): ChannelSubscription
}
