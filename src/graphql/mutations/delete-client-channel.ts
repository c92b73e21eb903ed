import { demand, mayActFor } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'

builder.mutationField('deleteClientChannel', (t) =>
  t.boolean({
    description:
      'For the client itself and operators. Ends its subscriptions on every replica. False if the channel does not exist.',
    args: { clientId: t.arg.id({ required: true }) },
    resolve: async (_root, { clientId }, { identity, clientChannels, gateway }) => {
      demand(mayActFor(identity, clientId), identity, `delete channel "${clientId}"`)
      // Before the next owner can take the id.
      const deletedAt = new Date()
      const removed = await clientChannels.remove(clientId)
      if (removed) await gateway.endChannel(clientId, deletedAt)
      return removed
    },
  }),
)
