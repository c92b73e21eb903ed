import { demand, maySubscribe } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { ClientChannel } from '../channels/client-channel.ts'

builder.queryField('clientChannel', (t) =>
  t.field({
    type: ClientChannel,
    nullable: true,
    args: { clientId: t.arg.id({ required: true }) },
    resolve: (_root, { clientId }, { identity, clientChannels }) => {
      demand(maySubscribe(identity, clientId), identity, `read channel "${clientId}"`)
      return clientChannels.find(clientId)
    },
  }),
)
