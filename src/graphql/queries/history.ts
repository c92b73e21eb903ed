import { demand, mayHear } from '../../core/authorizer.ts'
import { checkClientId } from '../../core/channel.ts'
import { type History, readHistory } from '../../core/history.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { ChannelEvent, ChannelGap } from '../types/channel-event.ts'

const maxPage = 1_000

const ChannelHistory = builder.objectRef<History & { clientId: string }>('ChannelHistory').implement({
  fields: (t) => ({
    events: t.field({
      type: [ChannelEvent],
      resolve: ({ clientId, events }) => events.map((event) => ({ clientId, event })),
    }),
    cursor: t.expose('cursor', {
      type: 'Cursor',
      description: 'Behind the last event of this page: `after` of the next.',
    }),
    hasMore: t.exposeBoolean('hasMore'),
    gap: t.field({ type: ChannelGap, nullable: true, resolve: ({ gap }) => gap ?? null }),
  }),
})

builder.queryField('history', (t) =>
  t.field({
    type: ChannelHistory,
    description: 'Pages through what a channel has had, oldest first, as far as the journal keeps it.',
    args: {
      clientId: t.arg.id({ required: true }),
      after: t.arg({ type: 'Cursor' }),
      first: t.arg.int({ defaultValue: 100, description: `At most ${maxPage}.` }),
    },
    resolve: async (_root, { clientId, after, first }, { identity, gateway }) => {
      const channel = checkClientId(clientId)
      demand(mayHear(identity, channel), identity, `hear channel "${channel}"`)
      const size = first ?? 100
      if (size < 1 || size > maxPage) throw badInput('first', `expected a number from 1 to ${maxPage}, got ${size}`)
      return { clientId, ...(await readHistory(gateway, { channel, after: after ?? undefined, first: size })) }
    },
  }),
)
