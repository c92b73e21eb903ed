import type { TracedMessage as CoreMessage, ReplicaTrace as CoreTrace } from '../../core/accounting/replica-trace.ts'
import { builder } from './builder.ts'

const MessageFate = builder.enumType('MessageFate', {
  description: 'What a replica did with a message as it came.',
  values: {
    HEARD: { value: 'heard', description: 'At least one subscription on this replica was given it.' },
    UNHEARD: { value: 'unheard', description: 'It has clients, and none of them listened on this replica.' },
    UNMATCHED: { value: 'unmatched', description: 'No source says whose it is.' },
    REPEATED: { value: 'repeated', description: 'It had come before: a publisher published it again.' },
    QUARANTINED: { value: 'quarantined', description: 'Its body could not be read.' },
  } as const,
})

const TracedMessage = builder.objectRef<CoreMessage>('TracedMessage').implement({
  description: 'One message with the id, and what this replica did with it.',
  fields: (t) => ({
    exchange: t.exposeString('exchange'),
    routingKey: t.exposeString('routingKey'),
    receivedAt: t.field({ type: 'DateTime', resolve: ({ receivedAt }) => new Date(receivedAt) }),
    fate: t.expose('fate', {
      type: MessageFate,
      nullable: true,
      description: 'Null where the replica started later, and only replays it.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was quarantined.' }),
    sources: t.exposeStringList('sources', { description: 'The ids of the sources that say whose it is.' }),
    clients: t.exposeStringList('clients', { description: 'The first twenty of its clients.' }),
    clientCount: t.exposeInt('clientCount', { nullable: true, description: 'Null: everyone.' }),
    matched: t.exposeInt('matched', {
      description: 'Subscriptions that were given it, live or behind a cursor.',
    }),
    delivered: t.exposeInt('delivered', { description: 'Of those, whose clients were handed it.' }),
    dropped: t.exposeInt('dropped', {
      description:
        'Of those, which ended before, or whose overflow policy took it away. The others wait for slow clients.',
    }),
  }),
})

export const ReplicaTraceObject = builder.objectRef<CoreTrace>('ReplicaTrace').implement({
  description: 'What one replica still knows of a message.',
  fields: (t) => ({
    replica: t.exposeString('replica'),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'How far back it remembers (WARREN_HOT_WINDOW).',
      resolve: ({ since }) => (since === null ? null : new Date(since)),
    }),
    messages: t.expose('messages', { type: [TracedMessage] }),
  }),
})
