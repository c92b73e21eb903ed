import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.mutationField('deleteRabbitChannel', (t) =>
  t.boolean({
    description: 'Operators only. Keeps the exchange. False if the source does not exist.',
    extensions: operatorsOnly,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_root, { id }, { identity, address, gateway, inspection }) => {
      demand(mayOperate(identity), identity, 'delete sources')
      const source = gateway.sources.get(id)
      const deleted = await gateway.deleteSource(id)
      if (deleted)
        inspection.audit(
          { identity, address },
          'delete source',
          source ? `${source.exchange} ${source.routingKey}` : id,
        )
      return deleted
    },
  }),
)
