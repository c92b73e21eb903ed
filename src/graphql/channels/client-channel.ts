import type { Client } from '../../core/ports/client-registry.ts'
import { checkPositionName, ownerOf } from '../../core/positions/position-options.ts'
import { builder } from '../builder.ts'
import { countCost, EventCountObject } from './client-position.ts'

export const ClientChannel = builder.objectRef<Client>('ClientChannel').implement({
  description: 'The channel of one client, named by its client id.',
  fields: (t) => ({
    clientId: t.exposeID('clientId'),
    name: t.exposeString('name'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    cursor: t.field({
      type: 'Cursor',
      description:
        'The current position. Query it before you load your data, then subscribe with `after` set to it: no event is missed in between.',
      resolve: (_client, _args, { gateway }) => gateway.position(),
    }),
    unread: t.field({
      type: EventCountObject,
      nullable: true,
      complexity: countCost,
      description:
        "How many messages are behind the caller's position of this name in the channel. Null if there is no such position, or the number is not known.",
      args: { position: t.arg.string({ required: true }) },
      resolve: ({ clientId }, { position }, { identity, gateway }) =>
        gateway.positions.unreadIn(clientId, { clientId: ownerOf(identity), name: checkPositionName(position) }),
    }),
    online: t.boolean({
      description: 'Whether the client has a session on any replica, or had one within WARREN_PRESENCE_GRACE.',
      resolve: ({ clientId }, _args, { inspection }) => inspection.presence.isOnline(clientId),
    }),
    lastSeen: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the client was online last; now if it is. Null: never, as far as is known.',
      resolve: ({ clientId }, _args, { inspection }) => inspection.presence.lastSeenOf(clientId),
    }),
    subscribers: t.int({
      description: 'Number of subscriptions to this channel on this replica.',
      resolve: ({ clientId }, _args, { gateway }) => gateway.hub.countOf(clientId),
    }),
  }),
})
