import type { Account, Accounts } from '../../core/inspection/replicas/gateway-stats.ts'
import { builder } from '../builder.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'

const DeliveryAccount = builder.objectRef<Account & { readonly transport?: string }>('DeliveryAccount').implement({
  description: 'Events since the start of each replica: matched = delivered + filtered + dropped + pending.',
  fields: (t) => ({
    transport: t.string({
      nullable: true,
      description: 'Null in a sum.',
      resolve: ({ transport }) => transport,
    }),
    matched: t.exposeFloat('matched', { description: 'Events that subscriptions took, live or in a replay.' }),
    delivered: t.exposeFloat('delivered', { description: 'Handed to the socket of the client.' }),
    filtered: t.float({
      description:
        'Always 0: conditions of a subscription are part of what matches. `byField.filteredPerSecond` has what a schema excludes.',
      resolve: () => 0,
    }),
    dropped: t.exposeFloat('dropped', {
      description: 'By the overflow policy, or because the subscription ended before.',
    }),
    pending: t.exposeFloat('pending', { description: 'Events that wait for slow clients.' }),
    difference: t.float({
      description: 'What is missing in the equation. Anything but 0 is a fault of Warren.',
      resolve: ({ matched, delivered, dropped, pending }) => matched - delivered - dropped - pending,
    }),
  }),
})

const ReplicaAccount = builder.objectRef<Accounts['byReplica'][number]>('ReplicaAccount').implement({
  fields: (t) => ({
    replica: t.exposeString('replica'),
    startedAt: t.field({ type: 'DateTime', resolve: ({ startedAt }) => new Date(startedAt) }),
    account: t.expose('account', { type: DeliveryAccount }),
  }),
})

export const DeliveryAccounts = builder.objectRef<Accounts>('DeliveryAccounts').implement({
  fields: (t) => ({
    at: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
    byTransport: t.expose('byTransport', { type: [DeliveryAccount] }),
    byReplica: t.expose('byReplica', { type: [ReplicaAccount] }),
    total: t.expose('total', { type: DeliveryAccount }),
    unanswered: t.exposeStringList('unanswered', { description: 'Replicas that are missing in the sums.' }),
  }),
})

builder.queryField('accounts', (t) =>
  t.field({
    type: DeliveryAccounts,
    description: 'Operators and observers. Whether everything that was matched is accounted for.',
    extensions: operatorsOnly,
    resolve: (_root, _args, { identity, inspection }) => {
      demandObserver(identity, 'read accounts')
      return inspection.accounts()
    },
  }),
)
