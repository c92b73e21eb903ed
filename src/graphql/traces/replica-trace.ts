import { outcomeText } from '../../core/accounting/outcome-text.ts'
import {
  behindOf,
  type TracedMessage as CoreMessage,
  type TracedSession as CoreSession,
  type ReplicaTrace as CoreTrace,
} from '../../core/accounting/replica-trace.ts'
import type { ClientReason } from '../../core/inspection/client-reason.ts'
import { builder } from '../builder.ts'
import {
  MessageOutcome,
  quarantineReasonText,
  SourceReasonObject,
  TracedFieldObject,
  withoutClientText,
} from './message-outcome.ts'

const TracedSessionOutcome = builder.enumType('TracedSessionOutcome', {
  values: {
    DELIVERED: { value: 'delivered', description: 'Its client has taken this event or a later one.' },
    WAITING: { value: 'waiting', description: 'It has not come that far.' },
    STARTED_LATER: {
      value: 'started_later',
      description: 'It began after the message arrived. It has the event only if it resumed with an older cursor.',
    },
  } as const satisfies Record<string, { value: CoreSession['outcome']; description: string }>,
})

const TracedSession = builder.objectRef<CoreSession>('TracedSession').implement({
  description: 'A subscription to the channel of a client of the message, open now.',
  fields: (t) => ({
    session: t.exposeID('session'),
    clientId: t.exposeID('clientId'),
    openedBy: t.exposeID('openedBy', {
      nullable: true,
      description:
        'The client id of its token, if another identity reads the channel: an operator, or an agent with a `channel:` grant. Empty: that token has none. Null: the client itself.',
    }),
    transport: t.exposeString('transport'),
    address: t.exposeString('address'),
    since: t.field({ type: 'DateTime', resolve: ({ since }) => new Date(since) }),
    outcome: t.expose('outcome', { type: TracedSessionOutcome }),
    pending: t.exposeInt('pending', { description: 'Events that wait for the client.' }),
  }),
})

const ClientReasonObject = builder.objectRef<ClientReason>('ClientReason').implement({
  fields: (t) => ({
    isFor: t.exposeBoolean('isFor'),
    reason: t.exposeString('reason', { description: 'Where a source finds the client, or why none does.' }),
  }),
})

const TracedMessage = builder.objectRef<CoreMessage>('TracedMessage').implement({
  description: 'A message that was asked for, and what this replica did with it.',
  fields: (t) => ({
    exchange: t.exposeString('exchange'),
    routingKey: t.exposeString('routingKey'),
    receivedAt: t.field({ type: 'DateTime', resolve: ({ receivedAt }) => new Date(receivedAt) }),
    outcome: t.expose('outcome', {
      type: MessageOutcome,
      nullable: true,
      description: 'Null if the replica started after the message arrived and only replays it.',
    }),
    fate: t.expose('outcome', {
      type: MessageOutcome,
      nullable: true,
      deprecationReason: 'Renamed to `outcome`. Removed in the next release.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: quarantineReasonText }),
    sources: t.exposeStringList('sources', { description: 'The ids of the sources that determine its clients.' }),
    clients: t.exposeStringList('clients', { description: 'The first twenty of its clients.' }),
    clientCount: t.exposeInt('clientCount', { nullable: true, description: 'Null: everyone.' }),
    withoutClient: t.boolean({
      description: withoutClientText,
      resolve: (message, _args, { gateway }) => message.clientCount === 0 && gateway.sources.seeksClientFor(message),
    }),
    matched: t.exposeInt('matched', {
      description: 'Number of subscriptions that took it, live or in a replay.',
    }),
    delivered: t.exposeInt('delivered', { description: 'Number of those that sent it to their clients.' }),
    dropped: t.exposeInt('dropped', {
      description:
        'Number of those that ended before, or dropped it by their overflow policy. The others wait for slow clients.',
    }),
    fields: t.expose('fields', { type: [TracedFieldObject], description: 'The typed fields that read it.' }),
    offset: t.exposeFloat('offset'),
    cursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: 'For `message` and `messages`. Null from a replica of the previous release.',
      resolve: ({ cursor }) => cursor,
    }),
    messageId: t.exposeString('messageId', { nullable: true }),
    preview: t.exposeString('preview', { description: 'The beginning of its body, as text.' }),
    forClient: t.field({
      type: ClientReasonObject,
      description: 'Whether it is for the channel of this client, and why.',
      args: { clientId: t.arg.id({ required: true }) },
      resolve: (message, { clientId }, { inspection }) => inspection.traces.forClient(message, clientId),
    }),
    pending: t.int({
      description: 'Number of subscriptions in which it waits for a slow client.',
      resolve: ({ matched, delivered, dropped }) => matched - delivered - dropped,
    }),
    explanation: t.string({
      description: 'What became of it on this replica, in one sentence.',
      resolve: (message) => outcomeText(message, 'one replica', behindOf(message)),
    }),
    sourceReasons: t.expose('sourceReasons', {
      type: [SourceReasonObject],
      complexity: { field: 1, multiplier: 2 },
      description: 'What each source of its exchange makes of it, now.',
    }),
    sessions: t.expose('sessions', {
      type: [TracedSession],
      description: 'The first twenty subscriptions of its clients on this replica.',
    }),
  }),
})

export const ReplicaTraceObject = builder.objectRef<CoreTrace>('ReplicaTrace').implement({
  description: 'What one replica still knows about a message.',
  fields: (t) => ({
    replica: t.exposeString('replica'),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The oldest message that it remembers (WARREN_HOT_WINDOW).',
      resolve: ({ since }) => (since === null ? null : new Date(since)),
    }),
    // Few messages share an id, and few sources an exchange.
    messages: t.expose('messages', { type: [TracedMessage], complexity: { field: 1, multiplier: 2 } }),
  }),
})
