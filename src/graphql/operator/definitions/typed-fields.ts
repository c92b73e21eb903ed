import type { FieldActivity } from '../../../core/inspection/definitions/field-activity.ts'
import type {
  ArgumentDefinition,
  FieldBinding,
  SchemaFile,
} from '../../../core/inspection/definitions/field-definition.ts'
import {
  type FieldSubscriber,
  type FieldSubscriberPage,
  maxSubscribers,
} from '../../../core/inspection/definitions/field-subscribers.ts'
import type {
  InspectedField,
  InspectedSchema,
  ReplicaSchema,
} from '../../../core/inspection/definitions/schema-inspector.ts'
import type { FieldReport } from '../../../core/inspection/definitions/schema-report.ts'
import { builder } from '../../builder.ts'
import { ExchangeTypeEnum } from '../../channels/rabbit-channel.ts'
import type { PagedField } from '../../limits/operation-cost.ts'
import { demandObserver, operatorsOnly } from '../../operators-only.ts'
import { messagesByReason } from '../messages-by-reason.ts'
import { pageSize, pageSizeOf } from '../page-arguments.ts'
import { describedState, TypedFieldState } from './field-state.ts'

const subscriberPage = 50

const TypedFieldArgument = builder.objectRef<ArgumentDefinition>('TypedFieldArgument').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    type: t.exposeString('type'),
    description: t.exposeString('description', { nullable: true }),
    defaultValue: t.exposeString('defaultValue', { nullable: true }),
    meaning: t.exposeString('meaning', { description: 'What it is compared with, or what it does.' }),
  }),
})

const TypedFieldBinding = builder.objectRef<FieldBinding>('TypedFieldBinding').implement({
  description: 'Which messages a typed field reads.',
  fields: (t) => ({
    exchange: t.exposeString('exchange', { description: 'After WARREN_EXCHANGE_MAP.' }),
    exchangeType: t.expose('exchangeType', { type: ExchangeTypeEnum }),
    routingKey: t.exposeString('routingKey', { description: 'As written, with captures.' }),
    bindingKey: t.exposeString('bindingKey', { description: 'As RabbitMQ has it.' }),
    source: t.exposeID('source', { description: 'The source that brings its messages into the journal.' }),
    body: t.exposeString('body', { description: 'Where the payload is in the body, as a JSON pointer.' }),
  }),
})

const TypedFieldCounts = builder.objectRef<FieldReport>('TypedFieldCounts').implement({
  description: 'Counters since the start of the replicas, as the metrics `warren_event_*_total` have them.',
  fields: (t) => ({
    subscriptions: t.exposeInt('subscriptions', { description: 'Open now.' }),
    matched: t.exposeFloat('matched', { description: 'Messages that matched a subscription when they arrived.' }),
    delivered: t.exposeFloat('delivered', { description: 'Events that were delivered to clients.' }),
    filtered: t.exposeFloat('filtered', { description: 'Messages that the schema excludes.' }),
    invalid: t.exposeFloat('invalid', { description: 'Messages that did not fit the type, while it was in use.' }),
    matchedPerSecond: t.exposeFloat('matchedPerSecond', { nullable: true }),
    deliveredPerSecond: t.exposeFloat('deliveredPerSecond', { nullable: true }),
  }),
})

const ReplicaField = builder.objectRef<InspectedField['replicas'][number]>('ReplicaField').implement({
  fields: (t) => ({
    replica: t.exposeString('replica'),
    counts: t.expose('field', { type: TypedFieldCounts }),
  }),
})

const FieldMismatch = messagesByReason(
  'FieldMismatch',
  'Recent messages that do not fit the type of a field, for the same reason.',
)

const TypedFieldActivity = builder.objectRef<FieldActivity>('TypedFieldActivity').implement({
  description:
    'What the field makes of the messages that the replica remembers (WARREN_HOT_WINDOW), whether or not there are subscribers.',
  fields: (t) => ({
    receivedPerSecond: t.exposeFloat('receivedPerSecond', {
      description: 'Messages that its bindings take, over the last ten seconds.',
    }),
    lastMessageAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Null: no message that this replica remembers.',
      resolve: ({ lastMessageAt }) => (lastMessageAt === undefined ? null : new Date(lastMessageAt)),
    }),
    messages: t.exposeInt('messages', { description: 'Messages that its bindings take.' }),
    checked: t.exposeInt('checked', { description: 'How many of the newest were checked against its type.' }),
    fitting: t.exposeInt('fitting'),
    excluded: t.exposeInt('excluded', { description: 'Of another event type, or excluded by a condition.' }),
    mismatched: t.exposeInt('mismatched'),
    mismatches: t.expose('mismatches', {
      type: [FieldMismatch],
      complexity: { field: 1, multiplier: 2 },
      description: 'The most frequent reason first.',
    }),
  }),
})

const FieldSubscriberObject = builder.objectRef<FieldSubscriber>('FieldSubscriber').implement({
  fields: (t) => ({
    clientId: t.exposeID('clientId'),
    subscriptions: t.exposeInt('subscriptions'),
    sessions: t.exposeInt('sessions'),
    transports: t.exposeStringList('transports'),
    replicas: t.exposeStringList('replicas'),
    delivered: t.exposeFloat('delivered'),
    dropped: t.exposeFloat('dropped'),
    pending: t.exposeInt('pending', { description: 'Events that wait for the client.' }),
  }),
})

const FieldSubscribersObject = builder.objectRef<FieldSubscriberPage>('FieldSubscribers').implement({
  fields: (t) => ({
    nodes: t.field({
      type: [FieldSubscriberObject],
      description: 'By client id.',
      extensions: { holdsPage: true } satisfies PagedField,
      resolve: ({ clients }) => [...clients],
    }),
    endCursor: t.string({ nullable: true, resolve: ({ endCursor }) => endCursor }),
    hasMore: t.exposeBoolean('hasMore'),
    withoutClient: t.exposeInt('withoutClient', {
      description: 'Subscriptions with a token that names no client, such as those of operators.',
    }),
    unanswered: t.exposeStringList('unanswered', { description: 'Replicas that are missing in the page.' }),
  }),
})

const InvalidPolicy = builder.enumType('InvalidEventPolicy', {
  description: 'What happens to a message that does not fit the type.',
  values: {
    QUARANTINE: { description: 'It goes to the quarantine, and no client gets it.' },
    NULL: { description: 'Clients get null at the place that does not fit.' },
    DELIVER: { description: 'Clients get an error.' },
  } as const,
})

const TypedField = builder.objectRef<InspectedField>('TypedField').implement({
  description: 'A typed subscription field of the team.',
  fields: (t) => ({
    name: t.string({ resolve: ({ definition }) => definition.name }),
    type: t.string({ description: 'As clients see it.', resolve: ({ definition }) => definition.type }),
    description: t.string({ nullable: true, resolve: ({ definition }) => definition.description }),
    arguments: t.field({ type: [TypedFieldArgument], resolve: ({ definition }) => [...definition.arguments] }),
    bindings: t.field({ type: [TypedFieldBinding], resolve: ({ definition }) => [...definition.bindings] }),
    access: t.stringList({
      description: 'Who may subscribe, one sentence for each way.',
      resolve: ({ definition }) => [...definition.access],
    }),
    conditions: t.stringList({
      description: 'What the schema demands of a message.',
      resolve: ({ definition }) => [...definition.conditions],
    }),
    invalid: t.field({ type: InvalidPolicy, resolve: ({ definition }) => definition.invalid }),
    gap: t.string({ description: 'How a gap reaches clients.', resolve: ({ definition }) => definition.gap }),
    history: t.boolean({ resolve: ({ definition }) => definition.history }),
    state: t.field({
      type: TypedFieldState,
      nullable: true,
      description: 'Null: the field has no keyed state.',
      complexity: 5,
      resolve: describedState,
    }),
    file: t.string({ description: 'Where it is defined.', resolve: ({ definition }) => definition.file }),
    line: t.int({ resolve: ({ definition }) => definition.line }),
    sdl: t.string({
      description: "The team's SDL of the field and of the types that it reaches, as it was written.",
      complexity: 5,
      resolve: ({ sdl }) => sdl(),
    }),
    counts: t.expose('sum', { type: TypedFieldCounts, description: 'Of all replicas that answered.' }),
    replicas: t.field({ type: [ReplicaField], resolve: ({ replicas }) => [...replicas] }),
    recent: t.field({ type: TypedFieldActivity, complexity: 5, resolve: ({ activity }) => activity() }),
    subscribers: t.field({
      type: FieldSubscribersObject,
      description: 'The clients that subscribe to it, on all replicas.',
      extensions: { pageSize: pageSizeOf(subscriberPage, maxSubscribers) } satisfies PagedField,
      complexity: 20,
      args: {
        first: t.arg.int({ defaultValue: subscriberPage, description: `At most ${maxSubscribers}.` }),
        after: t.arg.string({ description: 'The `endCursor` of the page before.' }),
      },
      resolve: ({ definition }, { first, after }, { inspection }) =>
        inspection.schema.subscribers(
          definition.name,
          pageSize(first, subscriberPage, maxSubscribers),
          after ?? undefined,
        ),
    }),
  }),
})

const SchemaFileObject = builder.objectRef<SchemaFile>('SchemaFile').implement({
  fields: (t) => ({ path: t.exposeString('path'), text: t.exposeString('text') }),
})

const SchemaFailure = builder.objectRef<{ readonly at: number; readonly message: string }>('SchemaFailure').implement({
  description: 'Files that were read again and could not be served.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
    message: t.exposeString('message'),
  }),
})

const ReplicaSchemaObject = builder.objectRef<ReplicaSchema>('ReplicaSchema').implement({
  description: 'Which schema a replica serves.',
  fields: (t) => ({
    replica: t.exposeString('replica'),
    hash: t.string({
      nullable: true,
      description: 'Equal for files of equal meaning. Null: it has no WARREN_SCHEMA.',
      resolve: ({ version }) => version?.hash,
    }),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it began to serve it.',
      resolve: ({ version }) => version && new Date(version.since),
    }),
    isSame: t.exposeBoolean('isSame', { description: 'Whether the replica that you ask serves the same.' }),
    failure: t.field({
      type: SchemaFailure,
      nullable: true,
      description: 'Why the files that it read last are not served.',
      resolve: ({ version }) => version?.failure,
    }),
  }),
})

const TypedFields = builder.objectRef<InspectedSchema>('TypedFields').implement({
  fields: (t) => ({
    hash: t.string({
      nullable: true,
      description: 'Of the schema that the replica serves that you ask. Null: no WARREN_SCHEMA.',
      resolve: ({ version }) => version?.hash,
    }),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it began to serve it.',
      resolve: ({ version }) => version && new Date(version.since),
    }),
    served: t.string({
      description: 'The SDL of everything that clients see, without directives.',
      complexity: 20,
      resolve: ({ printServed }) => printServed(),
    }),
    files: t.field({
      type: [SchemaFileObject],
      description: "The team's files, as they were read.",
      resolve: ({ files }) => [...files()],
    }),
    fields: t.field({
      type: [TypedField],
      complexity: { field: 10, multiplier: 4 },
      resolve: ({ fields }) => [...fields],
    }),
    replicas: t.field({
      type: [ReplicaSchemaObject],
      description: 'The replicas that answered, the one that you ask first.',
      resolve: ({ replicas }) => [...replicas],
    }),
    unanswered: t.stringList({
      description: 'Replicas that are missing in the counts.',
      resolve: ({ unanswered }) => [...unanswered],
    }),
  }),
})

builder.queryField('typedFields', (t) =>
  t.field({
    type: TypedFields,
    description:
      'Operators and observers. The typed fields of WARREN_SCHEMA: what each reads, who subscribes, what it delivers and what does not fit; and which replica serves which schema.',
    extensions: operatorsOnly,
    complexity: 10,
    args: { name: t.arg.string({ description: 'Only the field of this name.' }) },
    resolve: (_root, { name }, { identity, inspection }) => {
      demandObserver(identity, 'read typed fields')
      return inspection.schema.read(name ?? undefined)
    },
  }),
)
