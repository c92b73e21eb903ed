import type { MessageOutcome as CoreOutcome } from '../../core/accounting/labels.ts'
import type { TracedField as CoreField, SourceReason as CoreReason } from '../../core/accounting/replica-trace.ts'
import { builder } from '../builder.ts'

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

export const withoutClientText =
  'Whether a source that finds clients takes it, and none found one. Such a message has the outcome `NO_SUBSCRIBER` if typed fields read its exchange, and `UNMATCHED` if not.'

export const quarantineReasonText =
  'Why it went to the quarantine; null if it did not. `schema`: a copy of it did, because it does not fit a typed field. Channels and other fields may have delivered it.'
