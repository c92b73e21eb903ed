/** Mercurius on Fastify, with its own publish and subscribe. */
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { openSource, printListening } from './source.ts'
import { ChannelEvent, typeDefs } from './subscriptions.ts'

const app = Fastify()
await app.register(mercurius.default, {
  schema: typeDefs,
  resolvers: {
    Subscription: {
      channel: {
        subscribe: (_root: unknown, { clientId }: { clientId: string }, { pubsub }: mercurius.MercuriusContext) =>
          pubsub.subscribe(clientId),
      },
    },
  } as never,
  subscription: true,
})
await app.listen({ port: 0, host: '127.0.0.1' })
const control = await openSource((channel, { value }) => {
  app.graphql.pubsub.publish({ topic: channel, payload: { channel: new ChannelEvent(channel, value) } })
})
printListening((app.server.address() as AddressInfo).port, control)
