import { toDate } from '../../core/body/to-date.ts'
import { type Identity, printScope } from '../../core/model/identity.ts'
import { builder } from '../builder.ts'

const Session = builder.objectRef<Identity>('Session').implement({
  fields: (t) => ({
    clientId: t.id({
      description: 'Empty if the token belongs to no client.',
      resolve: ({ clientId }) => clientId ?? '',
    }),
    scope: t.stringList({ resolve: ({ scope }) => printScope(scope) }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ expiresAt }) => toDate(expiresAt?.getTime()),
      description: 'When the session ends unless it is renewed again. Null: never.',
    }),
  }),
})

builder.mutationField('refreshSession', (t) =>
  t.field({
    type: Session,
    description: 'Renews the session of the WebSocket that sends it, without interrupting subscriptions.',
    args: { token: t.arg.string({ required: true }) },
    resolve: (_root, { token }, context) => context.renewSession(token),
  }),
)
