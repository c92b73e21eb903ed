import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import { eventWeight } from '../../core/delivery/event-weight.ts'
import { type History, readHistory } from '../../core/delivery/history.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import { channelTopic } from '../../core/ports/topic.ts'
import { demand, maySubscribe } from '../../core/sessions/authorizer.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { ChannelEventUnion, ChannelGap } from '../channels/channel-event.ts'
import type { PagedField } from '../limits/operation-cost.ts'

const defaultPage = 100
const maxPage = 1_000
/** Counts against `WARREN_MAX_QUERY_COST`, in fields, because a page is read from the journal. */
const readCost = 10

const ChannelHistory = builder.objectRef<History & { clientId: string }>('ChannelHistory').implement({
  fields: (t) => ({
    events: t.field({
      type: [ChannelEventUnion],
      extensions: { holdsPage: true } satisfies PagedField,
      resolve: ({ clientId, events }) => events.map((event) => ({ clientId, event })),
    }),
    cursor: t.expose('cursor', {
      type: 'Cursor',
      description: 'The position after the last event of this page: `after` of the next page.',
    }),
    hasMore: t.exposeBoolean('hasMore'),
    gap: t.field({ type: ChannelGap, nullable: true, resolve: ({ gap }) => gap ?? null }),
  }),
})

builder.queryField('history', (t) =>
  t.field({
    type: ChannelHistory,
    description: 'The past events of a channel in pages, oldest first, as far as the journal keeps them.',
    args: {
      clientId: t.arg.id({ required: true }),
      after: t.arg({ type: 'Cursor' }),
      first: t.arg.int({
        defaultValue: defaultPage,
        description: `At most ${maxPage}. A page of large messages ends earlier, with \`hasMore\`.`,
      }),
    },
    complexity: readCost,
    extensions: {
      pageSize: ({ first }) => (typeof first === 'number' ? Math.min(first, maxPage) : defaultPage),
    } satisfies PagedField,
    resolve: async (_root, { clientId, after, first }, { identity, address, gateway, pages }, info) => {
      const channel = checkClientId(clientId)
      demand(maySubscribe(identity, channel), identity, `read the history of channel "${channel}"`)
      const size = first ?? defaultPage
      if (size < 1 || size > maxPage) throw badInput('first', `expected a number from 1 to ${maxPage}, got ${size}`)
      const payer = payerOf(identity, address)
      const copies = { data: copiesIn(info, 'data'), headers: copiesIn(info, 'headers') }
      const page = await readHistory(gateway, {
        topic: channelTopic(channel),
        after: after ?? undefined,
        first: size,
        reserve: (event, isFirst) => {
          const bytes = eventWeight(event, copies)
          if (!isFirst) return pages.take(payer, bytes)
          pages.begin(payer, bytes)
          return true
        },
      })
      return { clientId, ...page }
    },
  }),
)

/**
 * How often the response contains a field of an event, which aliases can repeat. Fragments count
 * where they are used.
 */
function copiesIn({ fieldNodes, fragments }: GraphQLResolveInfo, field: 'data' | 'headers'): number {
  const known = new Map<string, number>()
  const ofFragment = ({ name, selectionSet }: FragmentDefinitionNode): number => {
    const counted = known.get(name.value) ?? ofSelections(selectionSet)
    known.set(name.value, counted)
    return counted
  }
  const ofField = ({ name, selectionSet }: FieldNode): number =>
    (name.value === field ? 1 : 0) + (selectionSet ? ofSelections(selectionSet) : 0)
  const ofSelections = ({ selections }: SelectionSetNode): number => {
    let copies = 0
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) copies += ofField(selection)
      else if (selection.kind === Kind.INLINE_FRAGMENT) copies += ofSelections(selection.selectionSet)
      else {
        const fragment = fragments[selection.name.value]
        if (fragment) copies += ofFragment(fragment)
      }
    }
    return copies
  }
  return fieldNodes.reduce((copies, node) => copies + ofField(node), 0)
}
