import { checkClientId } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.mutationField('ban', (t) =>
  t.boolean({
    description:
      'Operators only. Like `revoke`, and also refuses every later token of the client from any issuer, until `unban`.',
    extensions: operatorsOnly,
    args: { clientId: t.arg.id({ required: true }), reason: t.arg.string({ description: 'For the log.' }) },
    resolve: async (_root, { clientId, reason }, { identity, address, gateway, inspection }) => {
      demand(mayOperate(identity), identity, 'ban clients')
      const client = checkClientId(clientId)
      await gateway.bans.ban(client)
      // Earlier tokens stay revoked when the ban is lifted. Also, replicas of the previous release
      // support revocations only.
      await gateway.revocations.revoke(client)
      inspection.audit({ identity, address }, 'ban', client, reason)
      return true
    },
  }),
)
