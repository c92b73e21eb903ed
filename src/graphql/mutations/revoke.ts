import { demand, mayOperate } from '../../core/authorizer.ts'
import { checkClientId } from '../../core/channel.ts'
import { builder } from '../builder.ts'

builder.mutationField('revoke', (t) =>
  t.boolean({
    description:
      'Operators only. Ends the sessions of a client on every replica (4292) and bars the tokens that it was issued until now.',
    args: { clientId: t.arg.id({ required: true }) },
    resolve: async (_root, { clientId }, { identity, gateway }) => {
      demand(mayOperate(identity), identity, 'revoke clients')
      await gateway.revocations.revoke(checkClientId(clientId))
      return true
    },
  }),
)
