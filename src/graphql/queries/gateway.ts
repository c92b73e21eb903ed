import type { Gateway as CoreGateway } from '../../core/gateway.ts'
import { mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../types/builder.ts'

const BrokerState = builder.enumType('BrokerState', {
  values: {
    UP: { description: 'The journal is tailed and current.' },
    DOWN: {
      description: 'RabbitMQ is away; clients stay connected, and what is missed meanwhile comes when it is back.',
    },
  } as const,
})

const Gateway = builder.objectRef<CoreGateway>('Gateway').implement({
  description: 'This replica.',
  fields: (t) => ({
    replica: t.string({
      description: 'To operators its host, as `trace` names it. To others a name that only tells replicas apart.',
      resolve: (gateway, _args, { identity }) => (mayOperate(identity) ? gateway.replica : gateway.replicaAlias),
    }),
    version: t.string({ resolve: (_gateway, _args, { settings }) => settings.version }),
    broker: t.field({ type: BrokerState, resolve: (gateway) => (gateway.up ? 'UP' : 'DOWN') }),
    connections: t.int({ resolve: (gateway) => gateway.sessions.size }),
    subscriptions: t.int({ resolve: (gateway) => gateway.hub.size }),
  }),
})

builder.queryField('gateway', (t) => t.field({ type: Gateway, resolve: (_root, _args, { gateway }) => gateway }))
