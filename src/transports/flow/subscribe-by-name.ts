import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import type { Session, SubscribeOptions } from '../../core/sessions/session.ts'
import type { NamedEvents, NamedSubscription } from '../../events/serving/named-events.ts'

export interface SubscribedByName {
  readonly subscription: ChannelSubscription
  /** Prints the messages if the name is that of a typed field; undefined for a channel. */
  readonly typed: NamedSubscription | undefined
}

/**
 * Subscribes to the channel of a client, or to a typed field by a name such as
 * `orderChanged?customerId=7`. `named`: undefined if there are no typed fields. Throws what
 * `Session.subscribe` and `Session.subscribeEvent` throw.
 */
export function subscribeByName(
  session: Session,
  named: NamedEvents | undefined,
  name: string,
  options: SubscribeOptions,
  onEnd?: () => void,
): SubscribedByName {
  const typed = named?.open(name)
  if (!typed) checkClientId(name, 'channel')
  const subscription = typed
    ? session.subscribeEvent({ ...options, access: typed }, onEnd)
    : session.subscribe({ ...options, clientId: name }, onEnd)
  return { subscription, typed }
}
