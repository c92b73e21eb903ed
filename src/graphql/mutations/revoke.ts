import { checkClientId } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.mutationField('revoke', (t) =>
  t.boolean({
    description:
      'Operators only. Ends the sessions of a client on every replica (4292) and revokes the tokens issued to it so far. Its password gives no token until `unban`.',
    extensions: operatorsOnly,
    args: { clientId: t.arg.id({ required: true }), reason: t.arg.string({ description: 'For the log.' }) },
    resolve: async (_root, { clientId, reason }, { identity, address, gateway, inspection }) => {
      demand(mayOperate(identity), identity, 'revoke clients')
      const client = checkClientId(clientId)
      await gateway.bans.lockLogin(client)
      await gateway.revocations.revoke(client)
      inspection.audit({ identity, address }, 'revoke', client, reason)
      return true
    },
  }),
)
