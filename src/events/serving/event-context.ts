import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { EventAccess } from '../../core/ports/event-matcher.ts'
import type { SubscribeOptions } from '../../core/sessions/session.ts'

/** What the resolvers of typed fields need of the context of an operation. */
export interface EventContext {
  /** As `Session.subscribeEvent`, in the caller's session. */
  subscribeEvent(options: SubscribeOptions & { readonly access: EventAccess }): ChannelSubscription
}
