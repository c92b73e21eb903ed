import type { LoadHistoryPage, LoadPoint } from '../../../core/inspection/replicas/load-history.ts'
import { builder } from '../../builder.ts'
import { demandObserver, operatorsOnly } from '../../operators-only.ts'

const HistorySpan = builder.enumType('HistorySpan', {
  values: {
    HOUR: { value: 'hour', description: 'In points of ten seconds.' },
    DAY: { value: 'day', description: 'In points of four minutes.' },
  } as const,
})

const GatewayHistoryPoint = builder.objectRef<LoadPoint>('GatewayHistoryPoint').implement({
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When it begins.', resolve: ({ at }) => new Date(at) }),
    receivedPerSecond: t.exposeFloat('received', {
      description: 'From the broker. Each replica receives everything, so it is the highest of all replicas.',
    }),
    deliveredPerSecond: t.exposeFloat('delivered', { description: 'The sum of all replicas, as the following.' }),
    droppedPerSecond: t.exposeFloat('dropped'),
    sessions: t.exposeInt('sessions', { description: 'At the end of the point.' }),
    replicas: t.exposeInt('replicas', { description: 'How many replicas have a report of this time.' }),
  }),
})

const GatewayHistory = builder.objectRef<LoadHistoryPage>('GatewayHistory').implement({
  description: 'Rates of the past. Each replica keeps its own in memory, from its start on.',
  fields: (t) => ({
    stepMs: t.exposeInt('stepMs', { description: 'The length of a point.' }),
    points: t.field({
      type: [GatewayHistoryPoint],
      description: 'Oldest first. Times without a report are missing.',
      resolve: ({ points }) => [...points],
    }),
    unanswered: t.exposeStringList('unanswered', { description: 'Replicas that are missing in the sums.' }),
  }),
})

builder.queryField('gatewayHistory', (t) =>
  t.field({
    type: GatewayHistory,
    description: 'Operators and observers. Rates of the last hour or the last day over all replicas.',
    extensions: operatorsOnly,
    complexity: 10,
    args: {
      span: t.arg({ type: HistorySpan, defaultValue: 'hour' }),
      since: t.arg({
        type: 'DateTime',
        description:
          'Only points that begin then or later. Replicas that answered late may change the last two of an answer before.',
      }),
    },
    resolve: (_root, { span, since }, { identity, inspection }) => {
      demandObserver(identity, 'read the history')
      return inspection.history.read(span ?? 'hour', since ? new Date(since).getTime() : undefined)
    },
  }),
)
