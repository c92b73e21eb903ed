import type { ChannelEvent as CoreEvent } from '../../core/model/channel-event.ts'
import type { overflowPolicies } from '../../core/model/overflow-policy.ts'
import { builder } from '../types/builder.ts'
import { ChannelEventUnion } from '../types/channel-event.ts'

const OverflowPolicy = builder.enumType('OverflowPolicy', {
  description:
    'What becomes of a subscription whose client is slower than its channel, once what may wait for it is full.',
  values: {
    CATCH_UP: { description: "It is served from the journal, at the client's own pace: nothing is lost." },
    END: { description: 'Its connection ends with 4290; the client comes back with its cursor, and nothing is lost.' },
    CONFLATE: { description: 'One message waits, the newest; a notice tells how many were passed over.' },
    DROP_OLDEST: { description: 'What has waited longest goes first; a notice tells how many went.' },
  } as const satisfies Record<(typeof overflowPolicies)[number], object>,
})

builder.subscriptionField('channel', (t) =>
  t.field({
    type: ChannelEventUnion,
    description: 'Everything behind `after`, in order, once, and then live; without it, from now on.',
    args: {
      clientId: t.arg.id({ required: true }),
      after: t.arg({ type: 'Cursor' }),
      checkpoints: t.arg.boolean({ defaultValue: false, description: 'Keep the cursor fresh while nothing happens.' }),
      overflow: t.arg({
        type: OverflowPolicy,
        description:
          'What becomes of the subscription when its client is too slow; unless given, what the operator has set (`CATCH_UP`).',
      }),
    },
    subscribe: (_root, args, context): AsyncIterable<CoreEvent> => context.subscribe(args),
    resolve: (event, { clientId }) => ({ clientId, event }),
  }),
)
