import type { BrowsedPage, PagePlace, SearchedSpan } from '../../core/inspection/journal/journal-browser.ts'
import type { JournalPoint } from '../../core/inspection/journal/journal-places.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import type { PagedField } from '../limits/operation-cost.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { timeOf } from '../scalars/time-of.ts'
import { JournalEntry } from './journal-entry.ts'
import { pageSize, pageSizeOf } from './page-arguments.ts'

const standardPage = 50
/** As for `history`: a page is read from the journal. */
const readCost = 10
/** What an entry holds besides its body, in bytes. */
const entryBytes = 2_048

const JournalPlace = builder.inputType('JournalPlace', {
  description: 'A place in the journal.',
  isOneOf: true,
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor' }),
    offset: t.float(),
    time: t.field({
      type: 'DateTime',
      description: 'When a message was received. Exact as far as the replica remembers, before that roughly.',
    }),
    messageId: t.id({ description: 'Found as far as the replica remembers (WARREN_HOT_WINDOW).' }),
  }),
})

const Searched = builder.objectRef<SearchedSpan>('SearchedSpan').implement({
  description: 'The part of the journal that a page covers: it has all messages of this part that the filter takes.',
  fields: (t) => ({
    messages: t.exposeInt('messages', {
      description:
        'How many messages of this part were compared with the filter. Other offsets of it are marks of the gateway.',
    }),
    firstOffset: t.exposeFloat('firstOffset', { description: 'Of the first entry of this part.' }),
    lastOffset: t.exposeFloat('lastOffset', { description: 'Of its last entry.' }),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the first entry was received. Null: the replica does not remember it.',
      resolve: ({ since }) => (since === undefined ? null : new Date(since)),
    }),
  }),
})

const JournalPage = builder.objectRef<BrowsedPage>('JournalPage').implement({
  fields: (t) => ({
    nodes: t.field({
      type: [JournalEntry],
      description: 'Oldest first.',
      extensions: { holdsPage: true } satisfies PagedField,
      resolve: ({ entries }) => [...entries],
    }),
    startCursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: '`before` of the page with older messages.',
      resolve: ({ start }) => start,
    }),
    endCursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: '`after` of the page with newer messages.',
      resolve: ({ end }) => end,
    }),
    hasOlder: t.exposeBoolean('hasOlder'),
    hasNewer: t.exposeBoolean('hasNewer'),
    at: t.field({
      type: JournalEntry,
      nullable: true,
      description: 'The message at the place that `around` names, if it names one exactly.',
      resolve: ({ at }) => at,
    }),
    note: t.string({
      nullable: true,
      description: 'How the page differs from what was asked for, one sentence.',
      resolve: ({ note }) => note,
    }),
    searched: t.field({
      type: Searched,
      nullable: true,
      description: 'Null: nothing was read. A page ends after 100,000 entries or five seconds.',
      resolve: ({ searched }) => searched,
    }),
    unanswered: t.stringList({
      description: 'Replicas of which the outcomes are not known.',
      resolve: ({ unanswered }) => [...unanswered],
    }),
    epoch: t.string({
      nullable: true,
      description: 'Changes when the journal is deleted and created again.',
      resolve: (_page, _args, { gateway }) => gateway.epoch,
    }),
  }),
})

builder.queryField('messages', (t) =>
  t.field({
    type: JournalPage,
    description:
      'Operators and observers. Messages of the journal, as far back as it is kept. Without a place: the newest ones.',
    extensions: { ...operatorsOnly, pageSize: pageSizeOf(standardPage) } satisfies PagedField & typeof operatorsOnly,
    complexity: readCost,
    args: {
      source: t.arg.id({ description: 'Only messages that the binding of this source takes.' }),
      channel: t.arg.id({ description: 'Only messages for this client.' }),
      field: t.arg.string({ description: 'Only messages that a binding of this typed field takes.' }),
      exchange: t.arg.string(),
      routingKey: t.arg.string({ description: 'A topic pattern.' }),
      text: t.arg.string({ description: 'A text in the body, as it was published.' }),
      search: t.arg.string({
        description:
          'Words that are all in the routing key or the body, or in the message id, or the beginning of one. A number is a whole number.',
      }),
      around: t.arg({ type: JournalPlace }),
      before: t.arg({ type: 'Cursor' }),
      after: t.arg({ type: 'Cursor' }),
      first: t.arg.int({ defaultValue: standardPage }),
    },
    resolve: (_root, { first, ...args }, { identity, address, inspection, pages }) => {
      demandObserver(identity, 'read the journal')
      const filter = {
        source: args.source ?? undefined,
        channel: args.channel ?? undefined,
        field: args.field ?? undefined,
        exchange: args.exchange ?? undefined,
        routingKey: args.routingKey ?? undefined,
        text: args.text ?? undefined,
        search: args.search ?? undefined,
      }
      const payer = payerOf(identity, address)
      return inspection.journal.page(placeOf(args), filter, pageSize(first, standardPage), (entry, isFirst) => {
        const bytes = 2 * entry.body.length + entryBytes
        if (!isFirst) return pages.take(payer, bytes)
        pages.begin(payer, bytes)
        return true
      })
    },
  }),
)

builder.queryField('message', (t) =>
  t.field({
    type: JournalEntry,
    nullable: true,
    description: 'Operators and observers. Null if the journal does not hold it any more.',
    extensions: operatorsOnly,
    complexity: readCost,
    args: { cursor: t.arg({ type: 'Cursor', required: true }) },
    resolve: async (_root, { cursor }, { identity, address, inspection, pages }) => {
      demandObserver(identity, 'read the journal')
      const found = await inspection.journal.at(cursor)
      if (found) pages.begin(payerOf(identity, address), 2 * found.entry.body.length + entryBytes)
      return found
    },
  }),
)

interface Given {
  readonly around?: {
    readonly cursor?: string | null
    readonly offset?: number | null
    readonly time?: Date | string | null
    readonly messageId?: string | null
  } | null
  readonly before?: string | null
  readonly after?: string | null
}

function placeOf({ around, before, after }: Given): PagePlace {
  const given = [around, before, after].filter((value) => value !== undefined && value !== null)
  if (given.length > 1) throw badInput('around', 'expected only one of around, before and after')
  if (typeof before === 'string') return { before }
  if (typeof after === 'string') return { after }
  return around ? { around: pointOf(around) } : 'end'
}

function pointOf({ cursor, offset, time, messageId }: NonNullable<Given['around']>): JournalPoint {
  if (typeof cursor === 'string') return { cursor }
  if (typeof offset === 'number') return { offset }
  if (time) return { timeMs: timeOf('around.time', time) }
  return { messageId: messageId ?? '' }
}
