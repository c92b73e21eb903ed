import type { ChannelEvent as CoreEvent } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { ChannelEventUnion } from '../channels/channel-event.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.subscriptionField('testSubscription', (t) =>
  t.field({
    type: ChannelEventUnion,
    description:
      'Operators only. What `channel` delivers to the client, at a position of its own: the client keeps its position, and does not become online. Also of a client that is offline or banned. Writes a line to the log.',
    extensions: operatorsOnly,
    args: {
      clientId: t.arg.id({ required: true }),
      channel: t.arg.id({
        description:
          'Another channel that `channel:` grants of its tokens name. Default: its own. Not compared with the grants: Warren knows those of open sessions only (`sessions { sessions { scope } }`).',
      }),
      after: t.arg({ type: 'Cursor' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    subscribe: (_root, { clientId, channel, after, reason }, context): AsyncIterable<CoreEvent> => {
      const { identity, address, inspection } = context
      demand(mayOperate(identity), identity, 'open a test subscription')
      const subscription = context.subscribe({ clientId: channel ?? clientId, after })
      const target = channel == null || channel === clientId ? clientId : `${clientId} on ${channel}`
      inspection.audit({ identity, address }, 'test subscription', target, reason)
      return subscription
    },
    resolve: (event, { clientId, channel }) => ({ clientId: channel ?? clientId, event }),
  }),
)
