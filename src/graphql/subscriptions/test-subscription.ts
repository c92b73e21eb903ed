import type { ChannelEvent as CoreEvent } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { operatorsOnly } from '../operators-only.ts'
import { builder } from '../types/builder.ts'
import { ChannelEventUnion } from '../types/channel-event.ts'

builder.subscriptionField('testSubscription', (t) =>
  t.field({
    type: ChannelEventUnion,
    description:
      'Operators only. What `channel` delivers to the client, at a position of its own: the client keeps its position, and does not become online. Also of a client that is offline or banned. Writes a line to the log.',
    extensions: operatorsOnly,
    args: {
      clientId: t.arg.id({ required: true }),
      after: t.arg({ type: 'Cursor' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    subscribe: (_root, { clientId, after, reason }, context): AsyncIterable<CoreEvent> => {
      const { identity, address, inspection } = context
      demand(mayOperate(identity), identity, 'open a test subscription')
      const subscription = context.subscribe({ clientId, after })
      inspection.audit({ identity, address }, 'test subscription', clientId, reason)
      return subscription
    },
    resolve: (event, { clientId }) => ({ clientId, event }),
  }),
)
