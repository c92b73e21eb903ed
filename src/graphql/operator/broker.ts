import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { builder } from '../types/builder.ts'

interface JournalBounds {
  readonly epoch: string | undefined
  readonly first: number
  readonly last: number
}

const JournalDetails = builder.objectRef<JournalBounds>('JournalDetails').implement({
  fields: (t) => ({
    epoch: t.string({ nullable: true, resolve: ({ epoch }) => epoch }),
    firstOffset: t.exposeFloat('first'),
    lastOffset: t.exposeFloat('last'),
  }),
})

const BrokerDetails = builder.objectRef<object>('BrokerDetails').implement({
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
      resolve: async (_broker, _args, { gateway, inspection }) => {
        const bounds = await inspection.journal.bounds().catch(() => null)
        return bounds && { ...bounds, epoch: gateway.epoch }
      },
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
    description: 'Operators and observers. What this replica knows of the broker.',
    extensions: operatorsOnly,
    complexity: 10,
    resolve: (_root, _args, { identity }) => {
      demandObserver(identity, 'read the state of the broker')
      return {}
    },
  }),
)
