import type { JournalBin, JournalHistogramPage } from '../../../core/inspection/journal/journal-histogram.ts'
import { builder } from '../../builder.ts'
import { demandObserver, operatorsOnly } from '../../operators-only.ts'
import { timeOf } from '../../scalars/time-of.ts'

const dayMs = 24 * 60 * 60_000
const standardBins = 60
const onlyRemembered = 'Counts before the memory of the replica are then null, because RabbitMQ counts all entries.'

const JournalBinObject = builder.objectRef<JournalBin>('JournalBin').implement({
  fields: (t) => ({
    from: t.field({ type: 'DateTime', resolve: ({ from }) => new Date(from) }),
    to: t.field({ type: 'DateTime', resolve: ({ to }) => new Date(to) }),
    count: t.exposeFloat('count', { nullable: true, description: 'Null: it is not known.' }),
    exact: t.exposeBoolean('exact', {
      description:
        "True: messages that this replica has counted. False: the difference of two offsets, found by RabbitMQ's times of chunks; it contains the gateway's own marks, at most one a second.",
    }),
    firstOffset: t.exposeFloat('firstOffset', { nullable: true }),
    kept: t.exposeBoolean('kept', {
      description: 'False: the journal no longer holds this time, or did not begin yet.',
    }),
  }),
})

const JournalHistogramObject = builder.objectRef<JournalHistogramPage>('JournalHistogram').implement({
  fields: (t) => ({
    bins: t.field({ type: [JournalBinObject], resolve: ({ bins }) => [...bins] }),
    firstOffset: t.exposeFloat('firstOffset', { description: 'Of the oldest entry of the journal.' }),
    lastOffset: t.exposeFloat('lastOffset'),
  }),
})

builder.queryField('journalHistogram', (t) =>
  t.field({
    type: JournalHistogramObject,
    description: 'Operators and observers. How many messages the journal received by time.',
    extensions: operatorsOnly,
    complexity: 10,
    args: {
      from: t.arg({ type: 'DateTime', description: 'Default: 24 hours before `to`.' }),
      to: t.arg({ type: 'DateTime', description: 'Default: now.' }),
      bins: t.arg.int({ defaultValue: standardBins }),
      source: t.arg.id({ description: `Only messages that the binding of this source takes. ${onlyRemembered}` }),
      exchange: t.arg.string({ description: `Only messages of this exchange. ${onlyRemembered}` }),
      routingKey: t.arg.string({ description: `Only messages that this topic pattern takes. ${onlyRemembered}` }),
    },
    resolve: (_root, { from, to, bins, source, exchange, routingKey }, { identity, inspection }) => {
      demandObserver(identity, 'read the journal')
      const end = to ? timeOf('to', to) : Date.now()
      return inspection.histogram.count(
        { from: from ? timeOf('from', from) : end - dayMs, to: end, bins: bins ?? standardBins },
        { source: source ?? undefined, exchange: exchange ?? undefined, routingKey: routingKey ?? undefined },
      )
    },
  }),
)
