import type { TailBatch } from '../../core/inspection/tail-feeds.ts'
import { Feed } from '../../core/sessions/feeds/feed.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { JournalEntry } from '../operator/journal-entry.ts'
import { demandObserver, operatorsOnly, sharedFeed } from '../operators-only.ts'
import { MessageOutcome } from '../traces/message-outcome.ts'

/** How many messages a second one subscription shows. */
const perSecond = { standard: 200, most: 1_000 }
const maxText = 500

const OutcomeCount = builder.objectRef<TailBatch['outcomes'][number]>('OutcomeCount').implement({
  fields: (t) => ({ outcome: t.expose('outcome', { type: MessageOutcome }), count: t.exposeInt('count') }),
})

const TailEventObject = builder.objectRef<TailBatch>('TailEvent').implement({
  description: 'What came since the event before. At most four a second, and none while nothing comes.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
    entries: t.expose('entries', {
      type: [JournalEntry],
      description: 'Oldest first, with what all replicas that answered did with each.',
    }),
    seen: t.exposeInt('seen', { description: 'How many messages met the filter, of those that were compared.' }),
    sampledOneIn: t.exposeFloat('sampledOneIn', {
      description: 'One in this many of the messages that meet the filter is in `entries`. 1: all of them.',
    }),
    outcomes: t.expose('outcomes', {
      type: [OutcomeCount],
      description:
        'All messages, whatever the filter, by what all replicas that answered did with them. Estimated from a sample if there are more than 400 a second.',
    }),
    withoutClient: t.exposeInt('withoutClient', {
      description:
        'Messages of `NO_SUBSCRIBER` in `outcomes` for which sources found no client, but which typed fields read.',
    }),
    unanswered: t.exposeStringList('unanswered'),
  }),
})

const TailFilter = builder.inputType('TailFilter', {
  description: 'All members that are given must hold.',
  fields: (t) => ({
    exchange: t.string(),
    routingKey: t.string({ description: 'A topic pattern.' }),
    text: t.string({ description: 'A text in the body, as it was published.' }),
    outcomes: t.field({ type: [MessageOutcome], description: 'Only messages with one of these outcomes.' }),
  }),
})

builder.subscriptionField('tail', (t) =>
  t.field({
    type: TailEventObject,
    description:
      'Operators and observers. Messages as they come from the journal, and what became of them. Reading changes nothing. Sampled above `maxPerSecond`.',
    extensions: { ...operatorsOnly, ...sharedFeed },
    args: {
      source: t.arg.id({ description: 'Only messages that the binding of this source takes.' }),
      channel: t.arg.id({ description: 'Only messages for this client.' }),
      field: t.arg.string({ description: 'Only messages that a binding of this typed field takes.' }),
      filter: t.arg({ type: TailFilter }),
      maxPerSecond: t.arg.int({ defaultValue: perSecond.standard, description: `At most ${perSecond.most}.` }),
    },
    subscribe: (_root, { source, channel, field, filter, maxPerSecond }, context) => {
      demandObserver(context.identity, 'follow the journal')
      const rate = maxPerSecond ?? perSecond.standard
      if (rate < 1 || rate > perSecond.most)
        throw badInput('maxPerSecond', `expected 1 to ${perSecond.most}, got ${rate}`)
      const text = filter?.text ?? undefined
      if (text !== undefined && (text === '' || text.length > maxText))
        throw badInput('filter.text', `expected 1 to ${maxText} characters`)
      const matches = context.inspection.journal.matcherOf({
        source: source ?? undefined,
        channel: channel ?? undefined,
        field: field ?? undefined,
        exchange: filter?.exchange ?? undefined,
        routingKey: filter?.routingKey ?? undefined,
        text,
      })
      const feed = context.follow(new Feed<TailBatch>(), (identity) => demandObserver(identity, 'follow the journal'))
      const outcomes = filter?.outcomes ?? []
      context.inspection.tail.begin(feed, { matches, outcomes, maxPerSecond: rate })
      return feed
    },
    resolve: (event) => event,
  }),
)
