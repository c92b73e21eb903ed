import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in fields that publish or request. */
export const mistakesOfMessages: readonly MistakeCase[] = [
  [
    '@publish that returns another type',
    `type Mutation { order: ID @publish(exchange: "a") }`,
    ['e.graphql:1:24: Mutation.order publishes, so it returns Published: expected Published!, got ID'],
  ],
  [
    'an exchange of the gateways for publishing',
    `type Mutation { order: Published! @publish(exchange: "warren.control") }`,
    [
      'e.graphql:1:54: exchange "warren.control" is reserved for gateways: use "warren.events", or an exchange of your own',
    ],
  ],
  [
    'an unknown argument in a routing key',
    `type Mutation { order(id: ID!): Published! @publish(exchange: "a", routingKey: "a.{sku}") }`,
    ['e.graphql:1:80: {sku} names no argument of the field: it has id'],
  ],
  [
    'a path in a routing key that does not exist',
    `type Mutation { order(input: Input): Published! @publish(exchange: "a", routingKey: "a.{input.sku}") }
input Input { id: ID }`,
    ['e.graphql:1:85: {input.sku} names no argument of the field: it has input'],
  ],
  [
    'a list in a routing key',
    `type Mutation { order(ids: [ID!]): Published! @publish(exchange: "a", routingKey: "a.{ids}") }`,
    [
      'e.graphql:1:83: {ids} has the type [ID!], which makes no text here: allowed are ID, String, Int and Boolean and enums',
    ],
  ],
  [
    'a single brace in a routing key',
    `type Mutation { order(id: ID): Published! @publish(exchange: "a", routingKey: "a.{id") }`,
    ['e.graphql:1:79: expected {argument}, {argument.field} or {claim:/pointer} in "a.{id", got a single brace'],
  ],
  [
    'an empty placeholder',
    `type Mutation { order(id: ID): Published! @publish(exchange: "a", routingKey: "a.{}") }`,
    ['e.graphql:1:79: expected {argument}, {argument.field} or {claim:/pointer}, got "{}"'],
  ],
  [
    'a placeholder of a claim that is no pointer',
    `type Mutation { order: Published! @publish(exchange: "a", routingKey: "{claim:/a~}") }`,
    ['e.graphql:1:71: expected a JSON pointer (RFC 6901) such as "/customer/id" for a claim, got "/a~"'],
  ],
  [
    'a claim for anonymous callers',
    `type Mutation { order: Published! @publish(exchange: "a", routingKey: "{claim:tenant}") @allow(anonymous: true) }`,
    ['e.graphql:1:35: {claim:…} beside "anonymous: true" of Mutation.order: a caller without a token has no claims'],
  ],
  [
    'a wildcard in a published routing key',
    `type Mutation { order: Published! @publish(exchange: "a", routingKey: "a.*") }`,
    ['e.graphql:1:71: a message is published with a routing key without wildcards: got "a.*"'],
  ],
  [
    'a template with the default exchange',
    `type Mutation { order(id: ID!): Published! @publish(exchange: "", routingKey: "{id}") }`,
    [
      'e.graphql:1:79: the default exchange takes a fixed routing key, because callers must not choose a queue: got "{id}"',
    ],
  ],
  [
    'the default exchange without routing key',
    `type Mutation { order: Published! @publish(exchange: "") }`,
    ['e.graphql:1:35: the default exchange delivers to the queue with the name of the routing key: expected one'],
  ],
  [
    'a header of gateways',
    `type Mutation { order: Published! @publish(exchange: "a", headers: [{name: "x-warren-a", value: "a"}]) }`,
    [
      'e.graphql:1:68: expected a header with another name, because only gateways set x-warren- headers, got "x-warren-a"',
    ],
  ],
  [
    'a header that RabbitMQ reads',
    `type Mutation { order: Published! @publish(exchange: "a", headers: [{name: "CC", value: "a"}]) }`,
    [
      'e.graphql:1:68: expected a header with another name, because RabbitMQ reads CC and BCC as more routing keys, got "CC"',
    ],
  ],
  [
    'a header that is there twice',
    `type Mutation { order: Published! @publish(exchange: "a", headers: [{name: "a", value: "a"}, {name: "a", value: "b"}]) }`,
    ['e.graphql:1:68: the header "a" is there twice: once is allowed'],
  ],
  [
    'wrap that is not JSON',
    `type Mutation { order: Published! @publish(exchange: "a", wrap: "{") }`,
    ['e.graphql:1:65: expected JSON in wrap, such as "{\\"data\\": \\"{body}\\"}", got "{"'],
  ],
  [
    'wrap without body',
    `type Mutation { order: Published! @publish(exchange: "a", wrap: "{\\"data\\": 1}") }`,
    ['e.graphql:1:65: expected the string "{body}" in wrap, which the arguments replace: without it they are lost'],
  ],
  [
    'a time that is none',
    `type Query { quote: ID @request(routingKey: "a", timeout: "2 seconds") }`,
    ['e.graphql:1:59: expected a time such as "500ms", "2s" or "1m", from 1ms to 10m, got "2 seconds"'],
  ],
  [
    'a request that returns Published',
    `type Query { quote: Published @request(routingKey: "a") }`,
    [
      'e.graphql:1:21: Query.quote returns the reply to a request, which is no Published: expected a type of the files or a scalar',
    ],
  ],
  [
    'an entity that is no type with a key',
    `type Query { order(id: ID!): Order @request(routingKey: "a", entity: true) }
type Order { id: ID! }`,
    ['e.graphql:1:70: "entity: true" resolves a type by its key: expected a type with @key(fields: "…"), got Order'],
  ],
  [
    'an entity with another argument',
    `type Query { order(sku: ID!): Order @request(routingKey: "a", entity: true) }
type Order @key(fields: "id") { id: ID! }`,
    ['e.graphql:1:71: "entity: true" needs one argument, the key of Order: expected "id"'],
  ],
  [
    'an entity with a key of another type',
    `type Query { order(id: Int!): Order @request(routingKey: "a", entity: true) }
type Order @key(fields: "id") { id: ID! }`,
    ['e.graphql:1:71: the argument id has the type Int!, and the key of Order has ID!: expected the same type'],
  ],
  [
    'an entity of a mutation',
    `type Mutation { order(id: ID!): Order @request(routingKey: "a", entity: true) }
type Order @key(fields: "id") { id: ID! }`,
    ['e.graphql:1:73: "entity: true" is for fields of Query, and Mutation.order is none'],
  ],
  [
    'a name that history needs',
    `type Subscription { order: Order @events(exchange: "a", history: true) }
type Query { orderHistory: ID @request(routingKey: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:21: the history of Subscription.order needs the name Query.orderHistory, which another field has: rename that field',
    ],
  ],
  [
    'a type name that history needs',
    `type Subscription { order: Order @events(exchange: "a", history: true) }
type Order { id: ID! }
type OrderHistory { id: ID! }`,
    [
      'e.graphql:1:21: the history of Subscription.order needs the name OrderHistory, which another type has: rename that type',
    ],
  ],
  [
    'an argument that history needs',
    `type Subscription { order(first: Int): Order @events(exchange: "a", history: true) }
type Order { id: ID! }`,
    [
      `e.graphql:1:21: the history of Subscription.order has the argument "first" for the size of a page: choose another name for the field's own`,
    ],
  ],
  [
    'history without a cursor to continue after',
    `type Subscription { order(after: ID): Order @events(exchange: "a", history: true) }
type Order { id: ID! }`,
    [
      'e.graphql:1:21: the history of Subscription.order needs a cursor to continue after, and "after" is an argument of its own: declare an argument of the type Cursor',
    ],
  ],
]
