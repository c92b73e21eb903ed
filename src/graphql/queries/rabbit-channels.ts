import { demand, mayObserve } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { RabbitChannel } from '../channels/rabbit-channel.ts'
import { operatorsOnly } from '../operators-only.ts'

builder.queryField('rabbitChannels', (t) =>
  t.field({
    type: [RabbitChannel],
    description: 'Operators and observers.',
    extensions: operatorsOnly,
    resolve: (_root, _args, { identity, gateway }) => {
      demand(mayObserve(identity), identity, 'list sources')
      return gateway.sources.list()
    },
  }),
)
