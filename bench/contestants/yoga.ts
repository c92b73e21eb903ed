/**
 * What a user would build without Warren, by the libraries' own instructions: Yoga and graphql-ws,
 * with graphql-amqp-subscriptions from RabbitMQ, and Yoga's own `createPubSub` in process.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'amqplib'
import type { ExecutionArgs } from 'graphql'
import { AMQPPubSub } from 'graphql-amqp-subscriptions'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { exchange, openSource, printListening, sourceArgument } from './source.ts'
import { ChannelEvent, typeDefs } from './subscriptions.ts'

interface ChannelSubscription {
  readonly control: number
  subscribe(channel: string): AsyncIterable<unknown>
}

async function openFeed(): Promise<ChannelSubscription> {
  const url = sourceArgument()
  if (url === 'process') {
    const pubsub = createPubSub<Record<string, [unknown]>>()
    const control = await openSource((channel, { value }) => pubsub.publish(channel, value))
    return { control, subscribe: (channel) => pubsub.subscribe(channel) }
  }
  const connection = await connect(`${url}?heartbeat=10`, { noDelay: true })
  const pubsub = new AMQPPubSub({
    connection: connection as never, // its types are those of amqplib 0.10
    exchange: { name: exchange, type: 'topic', options: { durable: true } },
  })
  return {
    control: 0,
    subscribe: (channel) => pubsub.asyncIterableIterator(`client.${channel}`) as AsyncIterable<unknown>,
  }
}

const feed = await openFeed()
const yoga = createYoga({
  logging: false,
  graphiql: false,
  schema: createSchema({
    typeDefs,
    resolvers: {
      Subscription: {
        channel: {
          subscribe: (_root: unknown, { clientId }: { clientId: string }) => feed.subscribe(clientId) as never,
          resolve: (data: unknown, { clientId }: { clientId: string }) => new ChannelEvent(clientId, data),
        },
      },
    },
  }),
})
const server = createServer((request, response) => void yoga(request, response))
interface Envelope {
  execute: (args: ExecutionArgs) => never
  subscribe: (args: ExecutionArgs) => never
}
useServer(
  {
    execute: (args) => (args.rootValue as Envelope).execute(args),
    subscribe: (args) => (args.rootValue as Envelope).subscribe(args),
    onSubscribe: async (context, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({ ...context, params })
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      }
      const errors = validate(args.schema, args.document)
      return errors.length > 0 ? errors : args
    },
  },
  new WebSocketServer({ server, path: '/graphql' }),
)
server.listen(0, '127.0.0.1', () => printListening((server.address() as AddressInfo).port, feed.control))
