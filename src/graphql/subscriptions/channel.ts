import { everyDescription } from '../../core/delivery/pace.ts'
import { lastDescription } from '../../core/delivery/replay/last-events.ts'
import type { ChannelEvent as CoreEvent } from '../../core/model/channel-event.ts'
import type { overflowPolicies } from '../../core/model/overflow-policy.ts'
import { type AutoAck, autoAckDescription, positionDescription } from '../../core/positions/position-options.ts'
import { builder } from '../builder.ts'
import { ChannelEventUnion } from '../channels/channel-event.ts'

const OverflowPolicy = builder.enumType('OverflowPolicy', {
  description:
    'What a subscription does when its client is too slow and its buffer (WARREN_MAX_BUFFERED_BYTES) is full.',
  values: {
    CATCH_UP: { description: "Continue from the journal at the client's pace. No event is lost." },
    END: { description: 'Close the connection with 4290. The client resumes with its cursor, and no event is lost.' },
    CONFLATE: { description: 'Keep only the newest message. A gap reports how many were dropped.' },
    DROP_OLDEST: { description: 'Drop the oldest messages first. A gap reports how many were dropped.' },
  } as const satisfies Record<(typeof overflowPolicies)[number], object>,
})

const AutoAckEnum = builder.enumType('AutoAck', {
  description: 'When a named position moves without the mutation `ack`.',
  values: {
    DELIVERED: {
      description:
        'When the event was handed to the connection. An event that the connection then loses is not delivered again.',
    },
  } as const satisfies Record<AutoAck, object>,
})

builder.subscriptionField('channel', (t) =>
  t.field({
    type: ChannelEventUnion,
    description:
      'Delivers every event after the cursor `after` once and in order, then live events. Without `after`: the `last` events, if wanted, and from now on.',
    args: {
      clientId: t.arg.id({ required: true }),
      after: t.arg({ type: 'Cursor' }),
      last: t.arg.int({ description: lastDescription }),
      position: t.arg.string({ description: positionDescription }),
      autoAck: t.arg({ type: AutoAckEnum, description: autoAckDescription }),
      every: t.arg.string({ description: everyDescription }),
      checkpoints: t.arg.boolean({
        defaultValue: false,
        description: 'Also deliver fresh cursors while the channel is idle.',
      }),
      overflow: t.arg({
        type: OverflowPolicy,
        description:
          'What to do when the client is too slow. Default: the first policy of WARREN_OVERFLOW (`CATCH_UP`).',
      }),
    },
    subscribe: (_root, args, context): AsyncIterable<CoreEvent> => context.subscribe(args),
    resolve: (event, { clientId }) => ({ clientId, event }),
  }),
)
