/**
 * What a user would build without Warren, by the libraries' own instructions: Yoga, graphql-ws and graphql-amqp-subscriptions. One process, one
 * argument: the broker's URL. Prints `listening <port>`.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'amqplib'
import type { ExecutionArgs } from 'graphql'
import { AMQPPubSub } from 'graphql-amqp-subscriptions'
import { useServer } from 'graphql-ws/use/ws'
import { createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'

const [url = 'amqp://localhost'] = process.argv.slice(2)
const connection = await connect(`${url}?heartbeat=10`, { noDelay: true })
const pubsub = new AMQPPubSub({
  connection: connection as never, // its types are those of amqplib 0.10
  exchange: { name: 'plain.events', type: 'topic', options: { durable: true } },
})

const yoga = createYoga({
  logging: false,
  graphiql: false,
  schema: createSchema({
    typeDefs: `
      scalar JSON
      type Query { ok: Boolean }
      type Subscription { channel(clientId: ID!): Event! }
      type Event { data: JSON }
    `,
    resolvers: {
      Subscription: {
        channel: {
          subscribe: (_root: unknown, { clientId }: { clientId: string }) =>
            pubsub.asyncIterableIterator(`client.${clientId}`) as never,
          resolve: (data: unknown) => ({ data }),
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
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`))
