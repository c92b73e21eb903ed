import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import type { Session, SessionSubscribeOptions } from '../../core/sessions/session.ts'
import type { NamedSubscription } from '../../events/serving/named-events.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'

export interface SubscribedByName {
  readonly subscription: ChannelSubscription
  /** Prints the messages if the name is that of a typed field; undefined for a channel. */
  readonly typed: NamedSubscription | undefined
}

/**
 * Subscribes to the channel of a client, or to a typed field by a name such as
 * `orderChanged?customerId=7`. Throws what `Session.subscribe` and `Session.subscribeEvent` throw.
 */
export function subscribeByName(
  session: Session,
  served: ServedSchema,
  name: string,
  options: SessionSubscribeOptions,
  onEnd?: () => void,
): SubscribedByName {
  const typed = served.current.named?.open(name)
  if (!typed) checkClientId(name, 'channel')
  const subscription = typed
    ? session.subscribeEvent({ ...options, access: typed }, onEnd)
    : session.subscribe({ ...options, clientId: name }, onEnd)
  return { subscription, typed }
}
