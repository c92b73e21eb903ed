import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { SessionSubscribeOptions } from '../../core/sessions/session.ts'
import type { EventField } from '../model/event-schema.ts'
import type { EventContext } from './event-context.ts'
import type { ServedEvents } from './served-events.ts'
import { SubscriptionAccess, type SubscriptionRequest } from './subscription-access.ts'

/** Subscribes to a typed field. Throws what `Session.subscribeEvent` throws. */
export function subscribeToField(
  served: ServedEvents,
  request: SubscriptionRequest,
  context: EventContext,
): ChannelSubscription {
  return context.subscribeEvent({
    ...builtInOptions(request.field, request.args),
    access: new SubscriptionAccess(served, request),
  })
}

/** The built-in arguments of the field, whatever the author called them. */
function builtInOptions({ builtIn }: EventField, args: Readonly<Record<string, unknown>>): SessionSubscribeOptions {
  const valueOf = (name: string | undefined) => (name === undefined ? undefined : args[name])
  return {
    after: valueOf(builtIn.after) as SessionSubscribeOptions['after'],
    last: valueOf(builtIn.last) as SessionSubscribeOptions['last'],
    position: valueOf(builtIn.position) as SessionSubscribeOptions['position'],
    autoAck: valueOf(builtIn.autoAck) as SessionSubscribeOptions['autoAck'],
    every: valueOf(builtIn.every) as SessionSubscribeOptions['every'],
    checkpoints: valueOf(builtIn.checkpoints) as SessionSubscribeOptions['checkpoints'],
    overflow: valueOf(builtIn.overflow) as SessionSubscribeOptions['overflow'],
  }
}
