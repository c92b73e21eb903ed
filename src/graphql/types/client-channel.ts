import type { Client } from '../../core/ports/client-registry.ts'
import { builder } from './builder.ts'

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
