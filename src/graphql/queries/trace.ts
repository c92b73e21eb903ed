import { demand, mayObserve } from '../../core/sessions/authorizer.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { operatorsOnly } from '../operators-only.ts'
import { timeOf } from '../scalars/time-of.ts'
import { ReplicaTraceObject } from '../traces/replica-trace.ts'

const MessagePicture = builder.inputType('MessagePicture', {
  description: 'What you remember of a message. All members that are given must hold.',
  fields: (t) => ({
    exchange: t.string(),
    routingKey: t.string({ description: 'A topic pattern.' }),
    from: t.field({ type: 'DateTime', description: 'Received at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Received at this time or earlier.' }),
    text: t.string({ description: 'A text in the body, as it was published.' }),
    clientId: t.id({ description: 'The client that it is for.' }),
    search: t.string({
      description:
        'What you know of it, such as `order 17`: the newest messages with these words in their id, or with an id that begins so. If there are none, those with each word in the routing key or the body.',
    }),
  }),
})

builder.queryField('trace', (t) =>
  t.field({
    type: [ReplicaTraceObject],
    description:
      'Operators and observers. What each replica did with a recent message. Contains the replicas that answer within half a second, this one first. Expects one of messageId, cursor and look.',
    extensions: operatorsOnly,
    complexity: { field: 10, multiplier: 3 },
    args: {
      messageId: t.arg.id({ description: 'Finds the newest twenty messages with this id.' }),
      cursor: t.arg({ type: 'Cursor' }),
      look: t.arg({ type: MessagePicture, description: 'Finds the newest twenty messages that look so.' }),
    },
    resolve: (_root, { messageId, cursor, look }, { identity, gateway, inspection }) => {
      demand(mayObserve(identity), identity, 'trace messages')
      const given = [messageId, cursor, look].filter((value) => value !== undefined && value !== null)
      if (given.length !== 1) throw badInput('messageId', 'expected one of messageId, cursor and look')
      if (typeof messageId === 'string') return gateway.tracer.trace(messageId)
      if (typeof cursor === 'string') return inspection.traces.at(cursor)
      return inspection.traces.like({
        exchange: look?.exchange ?? null,
        routingKey: look?.routingKey ?? null,
        from: look?.from ? timeOf('look.from', look.from) : null,
        to: look?.to ? timeOf('look.to', look.to) : null,
        text: look?.text ?? null,
        clientId: look?.clientId ?? null,
        search: look?.search ?? null,
      })
    },
  }),
)
