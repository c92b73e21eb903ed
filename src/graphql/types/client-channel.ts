import type { Client } from '../../core/ports/client-registry.ts'
import { builder } from './builder.ts'

export const ClientChannel = builder.objectRef<Client>('ClientChannel').implement({
  description: 'What one client listens to; it bears the client id.',
  fields: (t) => ({
    clientId: t.exposeID('clientId'),
    name: t.exposeString('name'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    cursor: t.field({
      type: 'Cursor',
      description: 'The position of now: load your data, then subscribe behind it, and nothing falls between.',
      resolve: (_client, _args, { gateway }) => gateway.position(),
    }),
    subscribers: t.int({
      description: 'Subscriptions of this channel on this replica.',
      resolve: ({ clientId }, _args, { gateway }) => gateway.hub.countOf(clientId),
    }),
  }),
})
