import type { InspectedSource, SourcePreview } from '../../core/inspection/source-inspector.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { builder } from '../builder.ts'
import { CreateRabbitChannelInput, RabbitChannel } from '../channels/rabbit-channel.ts'
import type { PagedField } from '../limits/operation-cost.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { JournalEntry } from './journal-entry.ts'
import { messagesByReason } from './messages-by-reason.ts'
import { pageSize, pageSizeOf } from './page-arguments.ts'

const previewPage = 100
const entryBytes = 2_048

const UnmatchedReasonObject = messagesByReason(
  'UnmatchedReason',
  'Recent messages that found no client for the same reason.',
)

const GatewaySource = builder.objectRef<InspectedSource>('GatewaySource').implement({
  description: 'A source, and what it did with the messages that this replica remembers (WARREN_HOT_WINDOW).',
  fields: (t) => ({
    id: t.id({ resolve: ({ source }) => source.id }),
    source: t.expose('source', { type: RabbitChannel, description: 'Everything that defines it.' }),
    receivedPerSecond: t.exposeFloat('receivedPerSecond', { description: 'Over the last ten seconds.' }),
    lastMessageAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Null: no message that this replica remembers.',
      resolve: ({ lastMessageAt }) => (lastMessageAt === undefined ? null : new Date(lastMessageAt)),
    }),
    messages: t.exposeInt('messages', { description: 'Messages that its binding takes.' }),
    unmatchedShare: t.float({
      nullable: true,
      description: 'Of its newest messages, the share without a client. Null: there is no message.',
      resolve: ({ explained, unmatched }) =>
        explained === 0 ? null : unmatched.reduce((sum, { count }) => sum + count, 0) / explained,
    }),
    unmatched: t.expose('unmatched', {
      type: [UnmatchedReasonObject],
      complexity: { field: 1, multiplier: 2 },
      description: 'Why its newest messages found no client, the most frequent reason first.',
    }),
  }),
})

builder.queryField('sources', (t) =>
  t.field({
    type: [GatewaySource],
    description: 'Operators and observers. The sources, with what they receive and what they miss, and why.',
    extensions: operatorsOnly,
    complexity: { field: 20, multiplier: 4 },
    resolve: (_root, _args, { identity, inspection }) => {
      demandObserver(identity, 'list sources')
      return inspection.sources.sources()
    },
  }),
)

builder.queryField('exchangesLike', (t) =>
  t.stringList({
    description:
      'Operators and observers. Existing exchanges with a name that differs by little, nearest first: sources, and what RabbitMQ has of the usual typing errors.',
    extensions: operatorsOnly,
    complexity: 20,
    args: { name: t.arg.string({ required: true }) },
    resolve: (_root, { name }, { identity, inspection }) => {
      demandObserver(identity, 'look for exchanges')
      return inspection.sources.exchangesLike(name.slice(0, 255))
    },
  }),
)

const PreviewedMessage = builder.objectRef<SourcePreview['messages'][number]>('PreviewedMessage').implement({
  fields: (t) => ({
    message: t.expose('browsed', { type: JournalEntry }),
    clients: t.exposeStringList('clients', { description: 'What the definition finds.' }),
    everyone: t.exposeBoolean('everyone'),
    reason: t.exposeString('reason', { description: 'Where it finds the client, or why it finds none.' }),
  }),
})

const SourcePreviewObject = builder.objectRef<SourcePreview>('SourcePreview').implement({
  description: 'What a definition would do with recent messages. Nothing is created.',
  fields: (t) => ({
    exchange: t.exposeString('exchange'),
    exists: t.exposeBoolean('exists', { description: 'Whether RabbitMQ has the exchange.' }),
    nearExchanges: t.exposeStringList('nearExchanges', {
      description: 'If the exchange does not exist or carries nothing: exchanges that may have been meant.',
    }),
    matched: t.int({
      description: 'How many of the messages find a client.',
      resolve: ({ messages }) => messages.filter(({ clients, everyone }) => everyone || clients.length > 0).length,
    }),
    distinctClients: t.int({ resolve: ({ messages }) => new Set(messages.flatMap(({ clients }) => clients)).size }),
    messages: t.field({
      type: [PreviewedMessage],
      description: 'Newest first.',
      extensions: { holdsPage: true } satisfies PagedField,
      resolve: ({ messages }) => [...messages],
    }),
    note: t.string({ nullable: true, resolve: ({ note }) => note }),
  }),
})

builder.queryField('preview', (t) =>
  t.field({
    type: SourcePreviewObject,
    description: 'Operators and observers. Tries the definition of a source on messages that the journal holds.',
    extensions: { ...operatorsOnly, pageSize: pageSizeOf(previewPage, 200) } satisfies PagedField &
      typeof operatorsOnly,
    complexity: 20,
    args: {
      input: t.arg({ type: CreateRabbitChannelInput, required: true }),
      first: t.arg.int({ defaultValue: previewPage, description: 'At most 200 messages.' }),
    },
    resolve: (_root, { input, first }, { identity, address, inspection, pages }) => {
      demandObserver(identity, 'preview sources')
      const { buffered: _, clientId, ...definition } = input
      const payer = payerOf(identity, address)
      return inspection.sources.preview(
        { ...definition, clientId: clientId ?? undefined },
        pageSize(first, previewPage, 200),
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
