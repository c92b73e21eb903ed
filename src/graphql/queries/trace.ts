import { demand, mayObserve } from '../../core/sessions/authorizer.ts'
import { operatorsOnly } from '../operators-only.ts'
import { builder } from '../types/builder.ts'
import { ReplicaTraceObject } from '../types/replica-trace.ts'

builder.queryField('trace', (t) =>
  t.field({
    type: [ReplicaTraceObject],
    description:
      'Operators and observers. What each replica did with a recent message. Contains the replicas that answer within half a second, this one first.',
    extensions: operatorsOnly,
    args: { messageId: t.arg.id({ required: true }) },
    resolve: (_root, { messageId }, { identity, gateway }) => {
      demand(mayObserve(identity), identity, 'trace messages')
      return gateway.tracer.trace(messageId)
    },
  }),
)
