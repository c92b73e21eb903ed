import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { CreateRabbitChannelInput, RabbitChannel } from '../channels/rabbit-channel.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.mutationField('createRabbitChannel', (t) =>
  t.field({
    type: RabbitChannel,
    description: 'Operators only. Creates a source. Repeatable: the same input returns the same source.',
    extensions: operatorsOnly,
    args: { input: t.arg({ type: CreateRabbitChannelInput, required: true }) },
    resolve: async (_root, { input }, { identity, address, gateway, inspection }) => {
      demand(mayOperate(identity), identity, 'create sources')
      const clientId = input.clientId ?? undefined
      const { buffered, ...definition } = input
      const source = await gateway.createSource({ ...definition, clientId, ...(buffered ? { buffered } : {}) })
      inspection.audit({ identity, address }, 'create source', `${source.exchange} ${source.routingKey}`)
      return source
    },
  }),
)
