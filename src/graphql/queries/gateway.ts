import type { Gateway as CoreGateway } from '../../core/gateway.ts'
import { mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'

const BrokerState = builder.enumType('BrokerState', {
  values: {
    UP: { description: 'The gateway reads the journal and is up to date.' },
    DOWN: {
      description: 'RabbitMQ cannot be reached. Clients stay connected and get the missed events when it is back.',
    },
  } as const,
})

const Gateway = builder.objectRef<CoreGateway>('Gateway').implement({
  description: 'This replica.',
  fields: (t) => ({
    replica: t.string({
      description: 'For operators the host, as in `trace`. For other callers a name that only distinguishes replicas.',
      resolve: (gateway, _args, { identity }) => (mayOperate(identity) ? gateway.replica : gateway.replicaAlias),
    }),
    version: t.string({ resolve: (_gateway, _args, { settings }) => settings.version }),
    broker: t.field({ type: BrokerState, resolve: (gateway) => (gateway.up ? 'UP' : 'DOWN') }),
    connections: t.int({ resolve: (gateway) => gateway.sessions.size }),
    subscriptions: t.int({ resolve: (gateway) => gateway.hub.size }),
  }),
})

builder.queryField('gateway', (t) => t.field({ type: Gateway, resolve: (_root, _args, { gateway }) => gateway }))
