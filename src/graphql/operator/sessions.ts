import type { ClientSessions } from '../../core/inspection/clients/client-inspector.ts'
import { type EndedPage, maxEndedSessions } from '../../core/inspection/clients/ended-report.ts'
import type { SubscriptionReport } from '../../core/inspection/clients/session-report.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { maxPage, pageSize } from './page-arguments.ts'

const standardEnded = 50

const SessionSubscription = builder.objectRef<SubscriptionReport>('SessionSubscription').implement({
  fields: (t) => ({
    field: t.exposeString('field', { description: '`channel`, or the name of the typed field.' }),
    topic: t.exposeString('topic', {
      description: 'The client id of a channel, or the field with its conditions, such as `orderChanged?customerId=7`.',
    }),
    since: t.field({ type: 'DateTime', resolve: ({ since }) => new Date(since) }),
    overflow: t.exposeString('overflow', { description: 'What happens when the client is too slow.' }),
    cursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: 'Of the event that the client took last. Null: none yet.',
      resolve: ({ cursor }) => cursor,
    }),
    offset: t.exposeFloat('offset', { nullable: true, description: 'The same position, as an offset in the journal.' }),
    lagMs: t.exposeFloat('lagMs', {
      description: 'How long ago the oldest event that waits was received; 0 if none waits.',
    }),
    pending: t.exposeInt('pending'),
    queuedBytes: t.exposeFloat('queuedBytes'),
    delivered: t.exposeFloat('delivered'),
    dropped: t.exposeFloat('dropped'),
    slow: t.exposeBoolean('slow'),
  }),
})

const ClientSession = builder.objectRef<ClientSessions['sessions'][number]>('ClientSession').implement({
  description: 'A connection of a client, or a streamed response.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'For `disconnect`.' }),
    replica: t.exposeString('replica'),
    clientId: t.exposeID('clientId', { nullable: true }),
    transport: t.exposeString('transport'),
    address: t.exposeString('address'),
    since: t.field({ type: 'DateTime', resolve: ({ since }) => new Date(since) }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its token expires. Null: never.',
      resolve: ({ expiresAt }) => (expiresAt === null ? null : new Date(expiresAt)),
    }),
    scope: t.exposeStringList('scope', { description: 'What its token grants.' }),
    queuedBytes: t.exposeFloat('queuedBytes', { description: 'Bytes of events that wait for the client.' }),
    pending: t.exposeInt('pending', { description: 'Events that wait for the client.' }),
    delivered: t.exposeFloat('delivered'),
    dropped: t.exposeFloat('dropped'),
    slow: t.exposeBoolean('slow', {
      description: 'Whether events wait, or a subscription continues from the journal at the pace of the client.',
    }),
    subscriptions: t.expose('subscriptions', { type: [SessionSubscription], description: 'The first hundred.' }),
    subscriptionCount: t.exposeInt('subscriptionCount'),
  }),
})

const ClientSessionsObject = builder.objectRef<ClientSessions>('ClientSessions').implement({
  fields: (t) => ({
    clientId: t.exposeID('clientId'),
    banned: t.boolean({ resolve: ({ clientId }, _args, { gateway }) => gateway.bans.isBanned(clientId) }),
    sessions: t.expose('sessions', {
      type: [ClientSession],
      description: 'Those that began last first, at most 200 of each replica.',
    }),
    unanswered: t.exposeStringList('unanswered', { description: 'Replicas that are missing in the answer.' }),
  }),
})

builder.queryField('sessions', (t) =>
  t.field({
    type: ClientSessionsObject,
    description: 'Operators and observers. The sessions of a client on all replicas.',
    extensions: operatorsOnly,
    complexity: 10,
    args: { clientId: t.arg.id({ required: true }) },
    resolve: (_root, { clientId }, { identity, inspection }) => {
      demandObserver(identity, 'list sessions')
      return inspection.clients.sessions(checkClientId(clientId))
    },
  }),
)

const EndedSessionObject = builder.objectRef<EndedPage['sessions'][number]>('EndedSession').implement({
  description: 'A session that the gateway cut off, or that ended with events that were dropped.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'As `ClientSession.id`.' }),
    replica: t.exposeString('replica'),
    clientId: t.exposeID('clientId', { nullable: true }),
    transport: t.exposeString('transport'),
    address: t.exposeString('address'),
    reason: t.exposeString('reason', { description: 'As the label of `warren_sessions_ended_total`.' }),
    since: t.field({ type: 'DateTime', resolve: ({ since }) => new Date(since) }),
    endedAt: t.field({ type: 'DateTime', resolve: ({ endedAt }) => new Date(endedAt) }),
    delivered: t.exposeFloat('delivered'),
    dropped: t.exposeFloat('dropped', {
      description: 'By the overflow policy, or because the session ended. A client that resumes receives the latter.',
    }),
  }),
})

const EndedSessionsObject = builder.objectRef<EndedPage>('EndedSessions').implement({
  fields: (t) => ({
    sessions: t.expose('sessions', { type: [EndedSessionObject], description: 'Newest first.' }),
    unanswered: t.exposeStringList('unanswered', { description: 'Replicas that are missing in the answer.' }),
  }),
})

builder.queryField('endedSessions', (t) =>
  t.field({
    type: EndedSessionsObject,
    description: `Operators and observers. Sessions that were cut off or dropped events. Each replica remembers the last ${maxEndedSessions} since its start.`,
    extensions: operatorsOnly,
    complexity: 10,
    args: {
      clientId: t.arg.id({ description: 'Only sessions of this client.' }),
      first: t.arg.int({ defaultValue: standardEnded, description: `At most ${maxPage}.` }),
    },
    resolve: (_root, { clientId, first }, { identity, inspection }) => {
      demandObserver(identity, 'list sessions')
      const only = clientId === null || clientId === undefined ? null : checkClientId(clientId)
      return inspection.clients.endedSessions(only, pageSize(first, standardEnded))
    },
  }),
)

builder.mutationField('disconnect', (t) =>
  t.boolean({
    description:
      'Operators only. Closes one session (1012). Its client comes back with its cursor and loses nothing. False: no replica has the session.',
    extensions: operatorsOnly,
    args: {
      session: t.arg.id({ required: true, description: '`ClientSession.id`.' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    resolve: async (_root, { session, reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'disconnect sessions')
      const ended = await inspection.clients.disconnect(session)
      if (ended) inspection.audit({ identity, address }, 'disconnect', session, reason)
      return ended
    },
  }),
)
