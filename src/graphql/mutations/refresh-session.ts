import { toDate } from '../../core/body/to-date.ts'
import { type Identity, printScope } from '../../core/model/identity.ts'
import { builder } from '../types/builder.ts'

const Session = builder.objectRef<Identity>('Session').implement({
  fields: (t) => ({
    clientId: t.id({
      description: 'Empty where the token is no client’s in particular.',
      resolve: ({ clientId }) => clientId ?? '',
    }),
    scope: t.stringList({ resolve: ({ scope }) => printScope(scope) }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ expiresAt }) => toDate(expiresAt?.getTime()),
      description: 'When the session ends unless it is renewed again; null: never.',
    }),
  }),
})

builder.mutationField('refreshSession', (t) =>
  t.field({
    type: Session,
    description: 'Renews the session of the WebSocket that it comes on, in place: no subscription is interrupted.',
    args: { token: t.arg.string({ required: true }) },
    resolve: (_root, { token }, context) => context.renewSession(token),
  }),
)
