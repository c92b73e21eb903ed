import type { ConnectedNode } from '../../core/inspection/broker-inspector.ts'
import type { ReplicaReport } from '../../core/inspection/replicas/replica-report.ts'
import { builder } from '../builder.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'

interface JournalBounds {
  readonly epoch: string | undefined
  readonly first: number
  readonly last: number
  readonly oldestNeeded: number | null
  readonly retention: Retention
}

interface Retention {
  readonly maxAgeMs: number
  readonly maxBytes: number
}

export const BrokerNodeObject = builder.objectRef<ConnectedNode>('BrokerNode').implement({
  description: 'A node of RabbitMQ that gateways are connected to, as it described itself.',
  fields: (t) => ({
    address: t.exposeString('address', { description: 'Host and port, as in WARREN_BROKER_URL.' }),
    connections: t.exposeInt('connections', { description: 'Open connections of the gateways.' }),
    product: t.exposeString('product'),
    version: t.exposeString('version'),
    cluster: t.exposeString('cluster', { description: 'The name of its cluster.' }),
  }),
})

const JournalRetention = builder.objectRef<Retention>('JournalRetention').implement({
  description: 'As WARREN_RETENTION has it. RabbitMQ removes whole segments, so the journal may hold more.',
  fields: (t) => ({ maxAgeMs: t.exposeFloat('maxAgeMs'), maxBytes: t.exposeFloat('maxBytes') }),
})

const JournalDetails = builder.objectRef<JournalBounds>('JournalDetails').implement({
  fields: (t) => ({
    epoch: t.string({ nullable: true, resolve: ({ epoch }) => epoch }),
    firstOffset: t.exposeFloat('first'),
    lastOffset: t.exposeFloat('last'),
    retention: t.field({ type: JournalRetention, resolve: ({ retention }) => retention }),
    oldestNeeded: t.float({
      nullable: true,
      description:
        'The oldest offset that a subscription of a slow client reads next, over all replicas that answered. Null: none is behind.',
      resolve: ({ oldestNeeded }) => oldestNeeded,
    }),
    entriesLeft: t.float({
      nullable: true,
      description:
        'How many entries retention removes before that client gets a gap: from firstOffset to oldestNeeded. RabbitMQ does not say when it removes them.',
      resolve: ({ oldestNeeded, first }) => (oldestNeeded === null ? null : Math.max(0, oldestNeeded - first)),
    }),
  }),
})

interface Broker {
  /** Reads the reports of the replicas, once for all fields. */
  readonly reports: () => Promise<readonly ReplicaReport[]>
}

const BrokerDetails = builder.objectRef<Broker>('BrokerDetails').implement({
  fields: (t) => ({
    up: t.boolean({ resolve: (_broker, _args, { gateway }) => gateway.up }),
    reason: t.string({
      nullable: true,
      description: 'Why the journal cannot be read. Null while it can.',
      resolve: (_broker, _args, { gateway }) => (gateway.up ? null : gateway.downReason),
    }),
    journal: t.field({
      type: JournalDetails,
      nullable: true,
      description: 'Null while the broker is away.',
      resolve: async ({ reports }, _args, { gateway, inspection, settings: { retention } }) => {
        const bounds = await inspection.journal.bounds().catch(() => null)
        const needed = (await reports()).flatMap(({ oldestNeeded }) => oldestNeeded ?? [])
        const oldestNeeded = needed.length === 0 ? null : Math.min(...needed)
        return bounds && { ...bounds, epoch: gateway.epoch, oldestNeeded, retention }
      },
    }),
    nodes: t.field({
      type: [BrokerNodeObject],
      description: 'Those that the replicas are connected to, by address. Empty for the embedded broker.',
      resolve: async ({ reports }) => sumByAddress((await reports()).flatMap(({ brokerNodes }) => brokerNodes)),
    }),
    quarantined: t.int({
      nullable: true,
      description: 'Messages in the quarantine. Null while the broker is away.',
      resolve: (_broker, _args, { inspection }) => inspection.quarantine.count().catch(() => null),
    }),
  }),
})

builder.queryField('broker', (t) =>
  t.field({
    type: BrokerDetails,
    description:
      'Operators and observers. What this replica knows of the broker. While an operator follows `gatewayStats`, what replicas reported may be a second old.',
    extensions: operatorsOnly,
    complexity: 10,
    resolve: (_root, _args, { identity, inspection }) => {
      demandObserver(identity, 'read the state of the broker')
      let gathered: Promise<readonly ReplicaReport[]> | undefined
      const gather = async () => (await inspection.recentReports()).answers.map(({ value }) => value)
      return {
        reports: () => {
          gathered ??= gather()
          return gathered
        },
      }
    },
  }),
)

function sumByAddress(nodes: readonly ConnectedNode[]): ConnectedNode[] {
  const found = new Map<string, ConnectedNode>()
  for (const node of nodes) {
    const known = found.get(node.address)
    found.set(node.address, { ...node, connections: node.connections + (known?.connections ?? 0) })
  }
  return [...found.values()].toSorted((one, other) => (one.address < other.address ? -1 : 1))
}
