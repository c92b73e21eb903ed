import type { ChannelEvent as CoreEvent } from '../../core/channel.ts'
import { builder } from '../builder.ts'
import { ChannelEvent } from '../types/channel-event.ts'

builder.subscriptionField('channel', (t) =>
  t.field({
    type: ChannelEvent,
    description: 'Everything behind `after`, in order, once, and then live; without it, from now on.',
    args: {
      clientId: t.arg.id({ required: true }),
      after: t.arg({ type: 'Cursor' }),
      checkpoints: t.arg.boolean({ defaultValue: false, description: 'Keep the cursor fresh while nothing happens.' }),
    },
    subscribe: (_root, args, context): AsyncIterable<CoreEvent> => context.subscribe(args),
    resolve: (event, { clientId }) => ({ clientId, event }),
  }),
)
