import { type ClientPage, clientFilters, type InspectedClient } from '../../core/inspection/clients/client-inspector.ts'
import { clientSorts } from '../../core/inspection/clients/online-clients.ts'
import { builder } from '../builder.ts'
import type { PagedField } from '../limits/operation-cost.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { maxPage, pageSize, pageSizeOf } from './page-arguments.ts'

const standardPage = 100
/** Counts against `WARREN_MAX_QUERY_COST`, because every replica is asked. */
const gatherCost = 10

const ClientFilter = builder.enumType('ClientFilter', { values: clientFilters })
const ClientSort = builder.enumType('ClientSort', {
  description: 'The largest value first; client ids in ascending order.',
  values: clientSorts,
})

const GatewayClient = builder.objectRef<InspectedClient>('GatewayClient').implement({
  description: 'A client that is registered, or has a session, or is banned.',
  fields: (t) => ({
    clientId: t.exposeID('clientId'),
    name: t.string({ nullable: true, resolve: ({ registered }) => registered?.name }),
    registered: t.boolean({
      description: 'Whether it registered with a password. Other clients have tokens of an identity provider.',
      resolve: ({ registered }) => registered !== undefined,
    }),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ registered }) => registered?.createdAt }),
    online: t.boolean({
      description: 'Whether it has a session on a replica that answered.',
      resolve: ({ online }) => online !== undefined,
    }),
    lastSeen: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ clientId }, _args, { inspection }) => inspection.presence.lastSeenOf(clientId),
    }),
    banned: t.boolean({ resolve: ({ clientId }, _args, { gateway }) => gateway.bans.isBanned(clientId) }),
    slow: t.boolean({
      description: 'Whether events wait for it, or a subscription continues from the journal at its pace.',
      resolve: ({ online }) => online?.slow ?? false,
    }),
    sessions: t.int({ resolve: ({ online }) => online?.sessions ?? 0 }),
    transports: t.stringList({ resolve: ({ online }) => [...(online?.transports ?? [])] }),
    replicas: t.stringList({ resolve: ({ online }) => [...(online?.replicas ?? [])] }),
    offset: t.float({
      nullable: true,
      description: 'The oldest position of its subscriptions in the journal.',
      resolve: ({ online }) => online?.offset,
    }),
    lagMs: t.float({
      nullable: true,
      description: 'How long ago the oldest event that waits for it was received; 0 if none waits.',
      resolve: ({ online }) => online?.lagMs,
    }),
    pending: t.int({ description: 'Events that wait for it.', resolve: ({ online }) => online?.pending ?? 0 }),
    queuedBytes: t.float({ resolve: ({ online }) => online?.queuedBytes ?? 0 }),
    delivered: t.float({ description: 'In its open sessions.', resolve: ({ online }) => online?.delivered ?? 0 }),
    dropped: t.float({ description: 'In its open sessions.', resolve: ({ online }) => online?.dropped ?? 0 }),
  }),
})

const ClientCounts = builder.objectRef<ClientPage['counts']>('ClientCounts').implement({
  description: 'Of all clients. A client with sessions on two replicas counts twice in `slow` and `dropping`.',
  fields: (t) => ({
    registered: t.int({ resolve: (_counts, _args, { inspection }) => inspection.countRegistered() }),
    online: t.int({
      description: 'Over all replicas, each client once.',
      resolve: ({ online }, _args, { inspection }) => inspection.presence.size ?? online,
    }),
    leaving: t.int({
      description: 'Those of `online` without a session: they left within WARREN_PRESENCE_GRACE and may be back.',
      resolve: (_counts, _args, { inspection }) => inspection.presence.leaving,
    }),
    slow: t.exposeInt('slow'),
    dropping: t.exposeInt('dropping', { description: 'With events that an open session has dropped.' }),
    banned: t.int({ resolve: (_counts, _args, { gateway }) => gateway.bans.banned.length }),
  }),
})

const GatewayClients = builder.objectRef<ClientPage>('GatewayClients').implement({
  fields: (t) => ({
    nodes: t.field({
      type: [GatewayClient],
      extensions: { holdsPage: true } satisfies PagedField,
      resolve: ({ clients }) => [...clients],
    }),
    endCursor: t.string({
      nullable: true,
      description: '`after` of the next page.',
      resolve: ({ endCursor }) => endCursor,
    }),
    hasMore: t.exposeBoolean('hasMore'),
    counts: t.expose('counts', { type: ClientCounts }),
    unanswered: t.exposeStringList('unanswered', { description: 'Replicas that are missing in the answer.' }),
    at: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
  }),
})

builder.queryField('clients', (t) =>
  t.field({
    type: GatewayClients,
    description: 'Operators and observers. Clients that are registered or have a session, in pages.',
    extensions: { ...operatorsOnly, pageSize: pageSizeOf(standardPage) } satisfies PagedField & typeof operatorsOnly,
    complexity: gatherCost,
    args: {
      search: t.arg.string({ description: 'A part of the client id. The case of ASCII letters does not matter.' }),
      only: t.arg({ type: ClientFilter }),
      transport: t.arg.string({
        description:
          'Only clients with a session over this transport, such as `sse`, on any replica. Their figures are then of those sessions.',
      }),
      sort: t.arg({
        type: ClientSort,
        defaultValue: 'CLIENT_ID',
        description: 'Anything but CLIENT_ID lists the first 1,000 clients that are online.',
      }),
      first: t.arg.int({ defaultValue: standardPage, description: `At most ${maxPage}.` }),
      after: t.arg.string(),
    },
    resolve: (_root, { search, only, transport, sort, first, after }, { identity, inspection }) => {
      demandObserver(identity, 'list clients')
      return inspection.clients.clients({
        search: search ?? '',
        only: only ?? undefined,
        transport: transport ?? undefined,
        sort: sort ?? 'CLIENT_ID',
        first: pageSize(first, standardPage),
        after: after ?? undefined,
      })
    },
  }),
)

builder.queryField('client', (t) =>
  t.field({
    type: GatewayClient,
    nullable: true,
    description: 'Operators and observers. Null if the client is neither registered nor online nor banned.',
    extensions: operatorsOnly,
    complexity: gatherCost,
    args: { clientId: t.arg.id({ required: true }) },
    resolve: (_root, { clientId }, { identity, inspection }) => {
      demandObserver(identity, 'list clients')
      return inspection.clients.client(clientId)
    },
  }),
)
