import type { InspectedReplica } from '../../core/inspection/inspection.ts'
import type { ReplicaReport } from '../../core/inspection/replicas/replica-report.ts'
import { builder } from '../builder.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { BrokerNodeObject } from './broker.ts'

const ReplicaState = builder.enumType('ReplicaState', {
  values: {
    SERVING: { value: 'serving', description: 'It reads the journal to its end.' },
    BEHIND: { value: 'behind', description: "It is more than a second behind the journal's end." },
    BROKER_DOWN: { value: 'broker-down', description: 'It cannot read the journal; `reason` says why.' },
    DRAINING: { value: 'draining', description: 'It ends its sessions and takes no new ones.' },
    DRAINED: { value: 'drained', description: 'An operator has drained it. It takes no sessions until `undrain`.' },
    ENDED: { value: 'ended', description: 'It has announced its end.' },
    SILENT: { value: 'silent', description: 'It did not answer in time.' },
  } as const,
})

const ReplicaLoad = builder.objectRef<ReplicaReport['load']>('ReplicaLoad').implement({
  fields: (t) => ({
    cpu: t.exposeFloat('cpu', { nullable: true, description: 'Of one processor; 1 is all of it.' }),
    loopDelayMs: t.exposeFloat('loopDelayMs', {
      nullable: true,
      description: 'How late the event loop ran in 99 of 100 cases since the last question.',
    }),
  }),
})

const ReplicaMemory = builder.objectRef<ReplicaReport['memory']>('ReplicaMemory').implement({
  fields: (t) => ({ rssBytes: t.exposeFloat('rssBytes'), heapBytes: t.exposeFloat('heapBytes') }),
})

const ReplicaWindow = builder.objectRef<ReplicaReport['window']>('ReplicaWindow').implement({
  description: 'The end of the journal in memory (WARREN_HOT_WINDOW).',
  fields: (t) => ({
    bytes: t.exposeFloat('bytes'),
    firstOffset: t.exposeFloat('firstOffset', { nullable: true }),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its oldest message arrived.',
      resolve: ({ since }) => (since === null ? null : new Date(since)),
    }),
    spanMs: t.float({ nullable: true, resolve: ({ since }) => (since === null ? null : Date.now() - since) }),
  }),
})

const ReplicaOutbox = builder.objectRef<ReplicaReport>('ReplicaOutbox').implement({
  fields: (t) => ({
    bytes: t.exposeFloat('outboxBytes', { description: 'Bytes that wait to be written to sockets.' }),
    bufferedBytes: t.exposeFloat('bufferedBytes', { description: 'Bytes that subscriptions queue for slow clients.' }),
    waitingSessions: t.exposeInt('waitingSessions', { description: 'Sessions for which events wait.' }),
    waitingClients: t.exposeIDList('waitingClients', { description: 'Some of their clients, at most five.' }),
  }),
})

export const GatewayReplica = builder.objectRef<InspectedReplica>('GatewayReplica').implement({
  description: 'A replica of the deployment. What it did not tell in time is null.',
  fields: (t) => ({
    name: t.string({ resolve: ({ member }) => member.replica }),
    answered: t.boolean({
      description: 'Whether it answered within half a second.',
      resolve: ({ report }) => report !== undefined,
    }),
    lastSeenAt: t.field({
      type: 'DateTime',
      description: 'When the replica that you ask received anything from it last.',
      resolve: ({ member }) => new Date(member.lastSeenAt),
    }),
    endedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ member, report }) => (report || member.endedAt === undefined ? null : new Date(member.endedAt)),
    }),
    state: t.field({
      type: ReplicaState,
      resolve: ({ member, report }) => report?.state ?? (member.endedAt === undefined ? 'silent' : 'ended'),
    }),
    reason: t.string({ nullable: true, resolve: ({ report }) => report?.reason }),
    version: t.string({ resolve: ({ member, report }) => report?.version ?? member.version }),
    startedAt: t.field({ type: 'DateTime', resolve: ({ member }) => new Date(member.startedAt) }),
    uptimeMs: t.float({ nullable: true, resolve: ({ report }) => report && Date.now() - report.startedAt }),
    sessions: t.int({ nullable: true, resolve: ({ report }) => report?.sessions }),
    subscriptions: t.int({ nullable: true, resolve: ({ report }) => report?.subscriptions }),
    catchingUp: t.int({
      nullable: true,
      description:
        'Subscriptions that read the journal, because they resumed or their client is slow. What they have not read is not in the accounts yet.',
      resolve: ({ report }) => report?.catchingUp,
    }),
    catchingUpClients: t.idList({
      nullable: true,
      description: 'Some of their clients, at most five.',
      resolve: ({ report }) => report?.catchingUpClients,
    }),
    fellBehind: t.float({
      nullable: true,
      description: 'How often a subscription left live delivery because its client was slow.',
      resolve: ({ report }) => report?.transports.reduce((sum, [, counts]) => sum + counts.fellBehind, 0),
    }),
    receivedPerSecond: t.float({ nullable: true, resolve: ({ report }) => report?.receivedPerSecond }),
    deliveredPerSecond: t.float({ nullable: true, resolve: ({ report }) => report?.deliveredPerSecond }),
    lagMs: t.float({
      nullable: true,
      description:
        "How far it is behind the journal's end: the time that a mark takes into the journal and back. Null if it is not known.",
      resolve: ({ report }) => report?.lagMs,
    }),
    position: t.float({
      nullable: true,
      description: 'The offset in the journal that it read last.',
      resolve: ({ report }) => report?.position,
    }),
    brokerNodes: t.field({
      type: [BrokerNodeObject],
      nullable: true,
      description: 'The nodes of RabbitMQ that it is connected to.',
      resolve: ({ report }) => (report ? [...report.brokerNodes] : null),
    }),
    load: t.field({ type: ReplicaLoad, nullable: true, resolve: ({ report }) => report?.load }),
    memory: t.field({ type: ReplicaMemory, nullable: true, resolve: ({ report }) => report?.memory }),
    hotWindow: t.field({ type: ReplicaWindow, nullable: true, resolve: ({ report }) => report?.window }),
    outbox: t.field({ type: ReplicaOutbox, nullable: true, resolve: ({ report }) => report }),
  }),
})

builder.queryField('replicas', (t) =>
  t.field({
    type: [GatewayReplica],
    description:
      'Operators and observers. All replicas of the deployment, also those that did not answer in time or ended in the last ten minutes.',
    extensions: operatorsOnly,
    resolve: async (_root, _args, { identity, inspection }) => {
      demandObserver(identity, 'list replicas')
      return inspection.replicasOf(await inspection.reports())
    },
  }),
)
