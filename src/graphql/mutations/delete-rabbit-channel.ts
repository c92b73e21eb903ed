import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { operatorsOnly } from '../operators-only.ts'
import { builder } from '../types/builder.ts'

builder.mutationField('deleteRabbitChannel', (t) =>
  t.boolean({
    description: 'Operators only. Keeps the exchange. False if the source does not exist.',
    extensions: operatorsOnly,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { identity, gateway }) => {
      demand(mayOperate(identity), identity, 'delete sources')
      return gateway.deleteSource(id)
    },
  }),
)
