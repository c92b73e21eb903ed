import type { DraftProblem, SchemaDraft } from '../../../core/inspection/definitions/schema-drafts.ts'
import { payerOf } from '../../../core/sessions/payer.ts'
import { builder } from '../../builder.ts'
import type { PagedField } from '../../limits/operation-cost.ts'
import { demandObserver, operatorsOnly } from '../../operators-only.ts'
import { JournalEntry } from '../journal-entry.ts'
import { pageSize, pageSizeOf } from '../page-arguments.ts'

const messagesRead = { standard: 200, most: 500 }
const entryBytes = 2_048

const ProblemSeverity = builder.enumType('SchemaProblemSeverity', {
  values: {
    ERROR: { value: 'error', description: 'The gateway would not serve it.' },
    REMARK: { value: 'remark', description: 'The gateway would serve it.' },
  } as const,
})

const SchemaProblem = builder.objectRef<DraftProblem>('SchemaProblem').implement({
  fields: (t) => ({
    line: t.exposeInt('line'),
    column: t.exposeInt('column'),
    severity: t.expose('severity', { type: ProblemSeverity }),
    message: t.exposeString('message'),
  }),
})

const DraftedEvent = builder.objectRef<SchemaDraft['events'][number]>('DraftedEvent').implement({
  fields: (t) => ({
    field: t.exposeString('field'),
    message: t.expose('message', { type: JournalEntry }),
    event: t.field({
      type: 'JSON',
      nullable: true,
      description: 'As a client gets it that selects every field.',
      resolve: ({ event }) => event,
    }),
  }),
})

const DraftMismatch = builder.objectRef<SchemaDraft['mismatches'][number]>('DraftMismatch').implement({
  fields: (t) => ({
    field: t.exposeString('field'),
    message: t.expose('message', { type: JournalEntry }),
    reason: t.exposeString('reason'),
  }),
})

const SchemaDraftObject = builder.objectRef<SchemaDraft>('SchemaDraft').implement({
  description: 'A draft of SDL for the messages of an exchange, to review before it is served.',
  fields: (t) => ({
    exchange: t.exposeString('exchange'),
    exists: t.exposeBoolean('exists', { description: 'Whether RabbitMQ has the exchange.' }),
    nearExchanges: t.exposeStringList('nearExchanges', {
      description: 'If the exchange does not exist or carries nothing: exchanges that may have been meant.',
    }),
    messages: t.exposeInt('messages', { description: 'How many messages it was made from.' }),
    sdl: t.exposeString('sdl', { nullable: true, description: 'Null: there is no message to infer it from.' }),
    problems: t.expose('problems', {
      type: [SchemaProblem],
      description: "What is wrong with it beside the team's files. A field that exists already is an error.",
    }),
    fitting: t.exposeInt('fitting', { description: 'How many of the messages would be events.' }),
    excluded: t.exposeInt('excluded'),
    mismatched: t.exposeInt('mismatched'),
    events: t.expose('events', {
      type: [DraftedEvent],
      complexity: { field: 1, multiplier: 2 },
      description: 'What clients would get, the newest first, at most 20.',
    }),
    mismatches: t.expose('mismatches', {
      type: [DraftMismatch],
      complexity: { field: 1, multiplier: 2 },
      description: 'Messages that do not fit, the newest first, at most 20.',
    }),
    note: t.string({ nullable: true, resolve: ({ note }) => note }),
  }),
})

builder.queryField('inferSchema', (t) =>
  t.field({
    type: SchemaDraftObject,
    description:
      'Operators and observers. Drafts SDL from messages of an exchange that the journal holds, as `warren schema infer`, and tries it on them. Nothing is served.',
    extensions: {
      ...operatorsOnly,
      pageSize: pageSizeOf(messagesRead.standard, messagesRead.most),
    } satisfies PagedField & typeof operatorsOnly,
    complexity: 50,
    args: {
      exchange: t.arg.string({ required: true }),
      routingKey: t.arg.string({ defaultValue: '#', description: 'A topic pattern.' }),
      field: t.arg.string({ description: 'The name of the subscription field. Default: from the exchange.' }),
      examples: t.arg.boolean({
        defaultValue: true,
        description: 'Whether comments show values from messages, which may be personal data.',
      }),
      sdl: t.arg.string({ description: 'Tries this SDL in place of a draft.' }),
      first: t.arg.int({
        defaultValue: messagesRead.standard,
        description: `How many of the newest messages are read, at most ${messagesRead.most} and 2 MiB.`,
      }),
    },
    resolve: (_root, { exchange, routingKey, field, examples, sdl, first }, context) => {
      const { identity, address, inspection, pages } = context
      demandObserver(identity, 'draft schemas')
      const payer = payerOf(identity, address)
      return inspection.drafts.draft(
        {
          exchange,
          routingKey: routingKey ?? '#',
          field: field ?? undefined,
          examples: examples ?? true,
          sdl: sdl ?? undefined,
          count: pageSize(first, messagesRead.standard, messagesRead.most),
        },
        (entry, isFirst) => {
          const bytes = 2 * entry.body.length + entryBytes
          if (!isFirst) return pages.take(payer, bytes)
          pages.begin(payer, bytes)
          return true
        },
      )
    },
  }),
)
