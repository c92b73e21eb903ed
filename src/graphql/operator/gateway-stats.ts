import { accountsOf, type Stats } from '../../core/inspection/replicas/gateway-stats.ts'
import { Feed } from '../../core/sessions/feeds/feed.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { demandObserver, operatorsOnly, sharedFeed } from '../operators-only.ts'
import { MessageOutcome } from '../traces/message-outcome.ts'
import { DeliveryAccounts } from './accounts.ts'
import { GatewayReplica } from './replicas.ts'

/** The interval between two events, in milliseconds. */
const interval = { least: 250, most: 60_000, standard: 1_000 }

const SourceRate = builder.objectRef<Stats['bySource'][number]>('SourceRate').implement({
  fields: (t) => ({
    source: t.id({
      description: 'The id of the first source of the exchange; `none` for messages without one.',
      resolve: ({ name }) => name,
    }),
    exchange: t.string({
      nullable: true,
      resolve: ({ name }, _args, { gateway }) => gateway.sources.get(name)?.exchange,
    }),
    receivedPerSecond: t.exposeFloat('perSecond', { nullable: true }),
    total: t.exposeFloat('total', { description: 'Since the start of the replica that has counted the most.' }),
  }),
})

const TransportRate = builder.objectRef<Stats['byTransport'][number]>('TransportRate').implement({
  fields: (t) => ({
    transport: t.exposeString('transport'),
    sessions: t.exposeInt('sessions'),
    subscriptions: t.exposeInt('subscriptions'),
    deliveredPerSecond: t.exposeFloat('deliveredPerSecond', { nullable: true }),
    droppedPerSecond: t.exposeFloat('droppedPerSecond', { nullable: true }),
  }),
})

const FieldRate = builder.objectRef<Stats['byField'][number]>('FieldRate').implement({
  description: 'A typed field.',
  fields: (t) => ({
    field: t.exposeString('field'),
    matchedPerSecond: t.exposeFloat('matchedPerSecond', { nullable: true }),
    deliveredPerSecond: t.exposeFloat('deliveredPerSecond', { nullable: true }),
    filteredPerSecond: t.exposeFloat('filteredPerSecond', { nullable: true }),
    invalidPerSecond: t.exposeFloat('invalidPerSecond', { nullable: true }),
  }),
})

const OutcomeRate = builder.objectRef<Stats['byOutcome'][number]>('OutcomeRate').implement({
  fields: (t) => ({
    outcome: t.expose('name', { type: MessageOutcome }),
    perSecond: t.exposeFloat('perSecond', {
      nullable: true,
      description:
        'Of the replica where it is highest, because each replica has an outcome for every message. NO_SUBSCRIBER: at least, without messages that another replica delivered.',
    }),
    total: t.exposeFloat('total'),
  }),
})

const MessageRate = builder.objectRef<Stats['withoutClient']>('MessageRate').implement({
  description: 'Each replica receives every message: of the replica where it is highest.',
  fields: (t) => ({
    total: t.exposeFloat('total', { description: 'Since the start of the replica.' }),
    perSecond: t.exposeFloat('perSecond', { nullable: true }),
  }),
})

const DeliveryTimes = builder.objectRef<Stats['delivery']>('DeliveryTimes').implement({
  description: 'From broker receipt to socket write: upper bounds of the buckets of `warren_delivery_seconds`.',
  fields: (t) => ({
    p50Ms: t.exposeFloat('p50Ms', { nullable: true }),
    p99Ms: t.exposeFloat('p99Ms', { nullable: true }),
  }),
})

const GatewayStats = builder.objectRef<Stats>('GatewayStats').implement({
  description: 'Rates of all replicas that answered. They are null in the first event, which has nothing to compare.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', resolve: ({ reports }) => new Date(reports.at) }),
    spanMs: t.exposeFloat('spanMs', { description: 'The time that the rates are measured over.' }),
    receivedPerSecond: t.exposeFloat('receivedPerSecond', { nullable: true }),
    deliveredPerSecond: t.exposeFloat('deliveredPerSecond', { nullable: true }),
    sessions: t.int({
      resolve: ({ reports }) => reports.answers.reduce((sum, { value }) => sum + value.sessions, 0),
    }),
    bySource: t.expose('bySource', { type: [SourceRate] }),
    withoutClient: t.expose('withoutClient', {
      type: MessageRate,
      description:
        'Messages for which sources sought a client and found none, also those that typed fields read: `UNMATCHED` of `byOutcome` leaves the latter out.',
    }),
    byTransport: t.expose('byTransport', { type: [TransportRate] }),
    byField: t.expose('byField', { type: [FieldRate] }),
    byOutcome: t.expose('byOutcome', { type: [OutcomeRate] }),
    deliveryTimes: t.expose('delivery', { type: DeliveryTimes }),
    accounts: t.field({ type: DeliveryAccounts, resolve: ({ reports }) => accountsOf(reports) }),
    replicas: t.field({
      type: [GatewayReplica],
      resolve: ({ reports }, _args, { inspection }) => inspection.replicasOf(reports),
    }),
    unanswered: t.stringList({ resolve: ({ reports }) => [...reports.unanswered] }),
  }),
})

builder.subscriptionField('gatewayStats', (t) =>
  t.field({
    type: GatewayStats,
    description: 'Operators and observers. Rates of the whole deployment. Nothing is computed while nobody subscribes.',
    extensions: { ...operatorsOnly, ...sharedFeed },
    args: {
      every: t.arg.int({
        defaultValue: interval.standard,
        description: `Milliseconds between two events, from ${interval.least} to ${interval.most}.`,
      }),
    },
    subscribe: (_root, { every }, context) => {
      demandObserver(context.identity, 'read rates')
      const everyMs = every ?? interval.standard
      if (everyMs < interval.least || everyMs > interval.most)
        throw badInput('every', `expected ${interval.least} to ${interval.most} milliseconds, got ${everyMs}`)
      const feed = context.follow(new Feed<Stats>(), (identity) => demandObserver(identity, 'read rates'))
      context.inspection.followStats(feed, everyMs)
      return feed
    },
    resolve: (stats) => stats,
  }),
)
