import { type Identity, noScope } from '../../core/model/identity.ts'
import type { EventCount } from '../../core/positions/event-counter.ts'
import { topicOfText } from '../../core/positions/position-options.ts'
import type { StoredPosition } from '../../core/positions/position-store.ts'
import { builder } from '../builder.ts'

/** Counts against `WARREN_MAX_QUERY_COST`, because a part of the journal may be read. */
export const countCost = 5

export const EventCountObject = builder.objectRef<EventCount>('EventCount').implement({
  fields: (t) => ({
    count: t.exposeInt('count'),
    atLeast: t.exposeBoolean('atLeast', {
      description: 'Whether there may be more: the gateway counts in a bounded part of the journal.',
    }),
  }),
})

export const ClientPosition = builder.objectRef<StoredPosition>('ClientPosition').implement({
  description: 'A place that the gateway keeps for a client: the argument `position` of its subscriptions.',
  fields: (t) => ({
    name: t.exposeString('name'),
    field: t.string({
      nullable: true,
      description: 'The subscription field that it belongs to. Null: no subscription has used it yet.',
      resolve: ({ topic }) => (topic === undefined ? null : topicOfText(topic).field),
    }),
    arguments: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The arguments of the field, without those that are not about which events are delivered.',
      resolve: ({ topic }) => (topic === undefined ? null : topicOfText(topic).args),
    }),
    cursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: 'A subscription with the position continues after it.',
      resolve: ({ place }, _args, { gateway }) => place && { ...place, codec: gateway.cursors },
    }),
    movedAt: t.field({ type: 'DateTime', resolve: ({ movedAt }) => movedAt }),
    usedAt: t.field({
      type: 'DateTime',
      description: 'When it was last moved, or a subscription had it. It is removed WARREN_POSITION_TTL later.',
      resolve: ({ usedAt }) => usedAt,
    }),
    lag: t.field({
      type: EventCountObject,
      nullable: true,
      complexity: countCost,
      description:
        'How many messages are behind it. Null if that is not known: the journal was replaced or cannot be read, or the position is that of a typed field and depends on claims that the caller does not have.',
      resolve: (position, _args, { gateway, identity }) =>
        gateway.positions.behind(position, ownerIn(position, identity)),
    }),
  }),
})

/** The client itself has the claims of its token. For others there are none. */
function ownerIn({ clientId }: StoredPosition, identity: Identity): Identity {
  if (identity.clientId === clientId) return identity
  return { clientId, scope: noScope, issuedAt: undefined, expiresAt: undefined }
}
