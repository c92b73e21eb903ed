import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { parse } from 'graphql'
import { createYoga } from 'graphql-yoga'

/** What a team serves with Warren beside `customersSdl`, which owns the customers. */
export const eventsSdl = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Subscription {
  orderChanged(customerId: ID! @match(body: "/customer/id") @owner): Order
    @events(exchange: "orders", routingKey: "orders.#")
}
type Mutation {
  placeOrder(input: PlaceOrder!): Published!
    @publish(exchange: "orders", routingKey: "orders.placed", mandatory: false) @allow
}
type Query {
  product(sku: ID!): Product @request(routingKey: "products", timeout: "10s", entity: true) @allow(anonymous: true)
}
type Order {
  id: ID!
  customer: Customer!
  position: Cursor! @from(property: CURSOR)
}
type Customer @key(fields: "id") { id: ID! }
type Product @key(fields: "sku") { sku: ID!  price: Decimal! }
input PlaceOrder { id: ID!  customer: PlacedBy! }
input PlacedBy { id: ID! @owner }
`

const customersSdl = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { me: Customer  bestseller: Product }
type Customer @key(fields: "id") { id: ID!  name: String! }
type Product @key(fields: "sku") { sku: ID! }
`

export interface Subgraph extends AsyncDisposable {
  readonly sdl: string
  readonly url: string
}

/** The subgraph that owns the customers, made as Apollo's documentation shows. */
export async function customersSubgraph(): Promise<Subgraph> {
  const customer = (id: string) => ({ id, name: `Name of ${id}` })
  const schema = buildSubgraphSchema({
    typeDefs: parse(customersSdl),
    resolvers: {
      Query: { me: () => customer('alice'), bestseller: () => ({ sku: 'tea' }) },
      Customer: { __resolveReference: ({ id }: { id: string }) => customer(id) },
    },
  })
  const yoga = createYoga({ schema, logging: false })
  const server: Server = createServer((request, response) => void yoga(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    sdl: customersSdl,
    url: `http://127.0.0.1:${port}/graphql`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
