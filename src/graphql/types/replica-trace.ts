import type { MessageOutcome as CoreOutcome } from '../../core/accounting/labels.ts'
import { outcomeText } from '../../core/accounting/outcome-text.ts'
import {
  behindOf,
  type TracedField as CoreField,
  type TracedMessage as CoreMessage,
  type SourceReason as CoreReason,
  type TracedSession as CoreSession,
  type ReplicaTrace as CoreTrace,
} from '../../core/accounting/replica-trace.ts'
import type { ClientReason } from '../../core/inspection/client-reason.ts'
import { builder } from './builder.ts'

export const MessageOutcome = builder.enumType('MessageOutcome', {
  description: 'What a replica did with a message when it arrived.',
  values: {
    DELIVERED: { value: 'delivered', description: 'At least one subscription on this replica received it.' },
    NO_SUBSCRIBER: {
      value: 'no_subscriber',
      description: 'It is for clients that had no subscription on this replica.',
    },
    UNMATCHED: { value: 'unmatched', description: 'No source found a client for it.' },
    REPEATED: { value: 'repeated', description: 'It repeats an earlier message: a publisher published it again.' },
    QUARANTINED: { value: 'quarantined', description: 'Its body could not be read.' },
    FILTERED: {
      value: 'filtered',
      description: 'Only typed fields are for it, and they exclude it: its event type, or their own conditions.',
    },
    INVALID: { value: 'invalid', description: 'Only typed fields are for it, and it does not fit their types.' },
  } as const satisfies Record<string, { value: CoreOutcome; description: string }>,
})

const FieldOutcome = builder.enumType('FieldOutcome', {
  description: 'What a typed field makes of a message, for the subscriptions that the replica has now.',
  values: {
    MATCHED: { value: 'matched', description: 'At least one subscription has its values.' },
    NOT_MATCHED: { value: 'not_matched', description: 'No subscription has its values; `detail` names the arguments.' },
    FILTERED: { value: 'filtered', description: 'Its event type, or a condition of the schema, excludes it.' },
    INVALID: { value: 'invalid', description: 'It does not fit the type of the field; `detail` says where.' },
    UNUSED: { value: 'unused', description: 'The field has no subscription on this replica.' },
  } as const satisfies Record<string, { value: CoreField['outcome']; description: string }>,
})

export const TracedFieldObject = builder.objectRef<CoreField>('TracedField').implement({
  description: 'A typed field with a binding that takes the message.',
  fields: (t) => ({
    field: t.exposeString('field'),
    outcome: t.expose('outcome', { type: FieldOutcome }),
    detail: t.exposeString('detail', { nullable: true }),
  }),
})

export const SourceReasonObject = builder.objectRef<CoreReason>('SourceReason').implement({
  description: 'What a source of the exchange makes of a message.',
  fields: (t) => ({
    source: t.exposeID('source'),
    name: t.string({
      description: 'The exchange and the routing key of the source; its id if it was deleted.',
      resolve: ({ source }, _args, { gateway }) => gateway.sources.nameOf(source),
    }),
    matched: t.exposeBoolean('matched', { description: 'Whether it finds a client.' }),
    clients: t.exposeStringList('clients', { description: 'The first twenty.' }),
    everyone: t.exposeBoolean('everyone'),
    reason: t.exposeString('reason', { description: 'Where it finds the client, or why it finds none.' }),
  }),
})

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

export const withoutClientText =
  'Whether a source that finds clients takes it, and none found one. Such a message has the outcome `NO_SUBSCRIBER` if typed fields read its exchange, and `UNMATCHED` if not.'

export const quarantineReasonText =
  'Why it went to the quarantine; null if it did not. `schema`: a copy of it did, because it does not fit a typed field. Channels and other fields may have delivered it.'

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
