import { checkClientId } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.mutationField('unban', (t) =>
  t.boolean({
    description:
      'Operators only. Lifts `ban`, and allows a revoked client to log in with its password again. Earlier tokens stay revoked. False if the client was not banned or revoked.',
    extensions: operatorsOnly,
    args: { clientId: t.arg.id({ required: true }), reason: t.arg.string({ description: 'For the log.' }) },
    resolve: async (_root, { clientId, reason }, { identity, address, gateway, inspection }) => {
      demand(mayOperate(identity), identity, 'unban clients')
      const client = checkClientId(clientId)
      const lifted = await gateway.bans.lift(client)
      if (lifted) inspection.audit({ identity, address }, 'unban', client, reason)
      return lifted
    },
  }),
)
