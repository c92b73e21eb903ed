import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../types/builder.ts'
import { ReplicaTraceObject } from '../types/replica-trace.ts'

builder.queryField('trace', (t) =>
  t.field({
    type: [ReplicaTraceObject],
    description:
      'Operators only. Where a recent message went: what each replica that answers within half a second still knows, this one first.',
    args: { messageId: t.arg.id({ required: true }) },
    resolve: (_root, { messageId }, { identity, gateway }) => {
      demand(mayOperate(identity), identity, 'trace messages')
      return gateway.tracer.trace(messageId)
    },
  }),
)
