import { checkClientId } from '../../core/model/channel-event.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../types/builder.ts'

builder.mutationField('unban', (t) =>
  t.boolean({
    description:
      'Operators only. Lifts `ban`, and lets a client that was revoked log in with its password again. Tokens of before stay barred. False where there was nothing to lift.',
    args: { clientId: t.arg.id({ required: true }) },
    resolve: (_root, { clientId }, { identity, gateway }) => {
      demand(mayOperate(identity), identity, 'unban clients')
      return gateway.bans.lift(checkClientId(clientId))
    },
  }),
)
