import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { operatorsOnly } from '../operators-only.ts'
import { builder } from '../types/builder.ts'

builder.mutationField('disconnect', (t) =>
  t.boolean({
    description:
      'Operators only. Closes one session (1012). Its client comes back with its cursor and loses nothing. False: no replica has the session.',
    extensions: operatorsOnly,
    args: {
      session: t.arg.id({ required: true, description: '`ClientSession.id`.' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    resolve: async (_root, { session, reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'disconnect sessions')
      const ended = await inspection.clients.disconnect(session)
      if (ended) inspection.audit({ identity, address }, 'disconnect', session, reason)
      return ended
    },
  }),
)
