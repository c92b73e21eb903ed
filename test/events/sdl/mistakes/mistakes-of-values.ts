import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in the values of arguments of directives. */
export const mistakesOfValues: readonly MistakeCase[] = [
  [
    'an empty name of a header to publish',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", headers: [{name: "", value: "a"}]) @allow(scopes: ["s"]) }',
    ['e.graphql:1:88: expected the name of a header, got ""'],
  ],
  [
    'a header that only gateways set',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", headers: [{name: "X-Warren-Id", value: "a"}, {name: "my-x-warren-id", value: "b"}]) @allow(scopes: ["s"]) }',
    [
      'e.graphql:1:88: expected a header with another name, because only gateways set x-warren- headers, got "X-Warren-Id"',
    ],
  ],
  [
    'headers that RabbitMQ reads as routing keys',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", headers: [{name: "BCC", value: "a"}, {name: "CC", value: "b"}]) @allow(scopes: ["s"]) }',
    [
      'e.graphql:1:88: expected a header with another name, because RabbitMQ reads CC and BCC as more routing keys, got "BCC"',
      'e.graphql:1:88: expected a header with another name, because RabbitMQ reads CC and BCC as more routing keys, got "CC"',
    ],
  ],
  [
    'a header to publish twice, and a placeholder without argument',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", headers: [{name: "h", value: "{y}"}, {name: "h", value: "b"}]) @allow(scopes: ["s"]) }',
    [
      'e.graphql:1:88: {y} names no argument of the field: it has x',
      'e.graphql:1:88: the header "h" is there twice: once is allowed',
    ],
  ],
  [
    'a body inside another text of wrap',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", wrap: "{\\"a\\": [null, 1, {\\"b\\": \\"x{body}\\"}]}") @allow(scopes: ["s"]) }',
    ['e.graphql:1:85: expected the string "{body}" in wrap, which the arguments replace: without it they are lost'],
  ],
  [
    'wrap that is no JSON',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", wrap: "{") @allow(scopes: ["s"]) }',
    ['e.graphql:1:85: expected JSON in wrap, such as "{\\"data\\": \\"{body}\\"}", got "{"'],
  ],
  [
    'an exchange of gateways to publish to',
    'type Mutation { a(x: ID): Published! @publish(exchange: "warren.journal", routingKey: "k") @allow(scopes: ["s"]) }',
    [
      'e.graphql:1:57: exchange "warren.journal" is reserved for gateways: use "warren.events", or an exchange of your own',
    ],
  ],
  [
    'an exchange without a name for events',
    'type Subscription { o: Order @events(exchange: "") } type Order { id: ID }',
    [
      'e.graphql:1:48: expected the name of an exchange, got the default exchange, which no queue or stream can be bound to',
    ],
  ],
  [
    'an exchange with a control character',
    'type Subscription { o: Order @events(exchange: "a\\u0001b") } type Order { id: ID }',
    ['e.graphql:1:48: expected the name of an exchange without control characters'],
  ],
  [
    'a key that selects fields of a scalar',
    'type Order @key(fields: "id { a }") { id: ID! }',
    ['e.graphql:1:25: @key selects fields of ID, which has none'],
  ],
  [
    'a key with an alias',
    'type Order @key(fields: "a: id") { id: ID! }',
    ['e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "a: id"'],
  ],
  [
    'a key with an argument',
    'type Order @key(fields: "id(x: 1)") { id: ID! }',
    ['e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "id(x: 1)"'],
  ],
  [
    'a key with a directive',
    'type Order @key(fields: "id @a") { id: ID! }',
    ['e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "id @a"'],
  ],
  [
    'a key with a fragment',
    'type Order @key(fields: "... on Order { id }") { id: ID! }',
    [
      'e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "... on Order { id }"',
    ],
  ],
  [
    'a key that ends its selection',
    'type Order @key(fields: "id } query { a") { id: ID! }',
    [
      'e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "id } query { a"',
    ],
  ],
  [
    'an empty key',
    'type Order @key(fields: "") { id: ID! }',
    ['e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got ""'],
  ],
  [
    'a key that its type lacks',
    'type Order @key(fields: "no") { id: ID! }',
    ['e.graphql:1:25: @key names the field "no", which Order lacks: it has id'],
  ],
  [
    'a key that an inner type lacks',
    'type Order @key(fields: "customer { id no }") { id: ID! customer: Customer } type Customer { id: ID }',
    ['e.graphql:1:25: @key names the field "no", which Customer lacks: it has id'],
  ],
  [
    'a key that nests without end',
    'type Order @key(fields: "a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a }}}}}}}}}}}}}}}}}}}}") { a: Order }',
    [
      'e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { …"',
    ],
  ],
  [
    'imports that name no directive',
    'extend schema @link(url: "https://example.com/warren/v1.0", import: [1, {name: "@match", from: "x"}, {as: "@x"}, "@nope", {name: "@match", as: "match"}, {name: "@match", as: "@9"}, {name: "@match", as: "x@y"}])\ntype Order { id: ID! }',
    [
      'e.graphql:1:70: expected a name such as "@match", or {name: "@match", as: "@eventMatch"} in import',
      'e.graphql:1:73: expected a name such as "@match", or {name: "@match", as: "@eventMatch"} in import',
      'e.graphql:1:102: expected a name such as "@match", or {name: "@match", as: "@eventMatch"} in import',
      'e.graphql:1:114: Warren has no directive "@nope": known are @events, @state, @match, @only, @owner, @allow, @from, @eventType, @value, @filterable, @publish, @request and @naming',
      'e.graphql:1:123: expected a name such as "@eventMatch" in as, got "match"',
      'e.graphql:1:154: expected a name such as "@eventMatch" in as, got "@9"',
      'e.graphql:1:182: expected a name such as "@eventMatch" in as, got "x@y"',
    ],
  ],
  [
    'imports that are there twice, or take a name of GraphQL',
    'extend schema @link(url: "https://example.com/warren/v1.0", import: ["@match", "@match", {name: "@from", as: "@match"}, {name: "@only", as: "@skip"}])\ntype Order { id: ID! }',
    [
      'e.graphql:1:80: the name "@match" is imported twice: choose another one in as',
      'e.graphql:1:90: the name "@match" is imported twice: choose another one in as',
      'e.graphql:1:121: "@skip" is a directive of GraphQL: choose another name in as',
    ],
  ],
  [
    'a place of the wrong kind, unknown or twice',
    'type Order { id: ID! @from(body: 5) a: ID @from(nobody: "x") b: ID @from(body: "/a", body: "/b") c: ID @from }',
    [
      'e.graphql:1:34: expected a string for @from(body:), got 5',
      'e.graphql:1:49: unknown argument "nobody" of @from: allowed are body, envelope, header, word, property and as',
      'e.graphql:1:86: @from has the argument "body" twice',
    ],
  ],
  [
    'values of @events of the wrong kind, unknown or twice',
    'type Subscription { o: Order @events(exchange: "e", routingKey: ["a"], exchangeType: TOPICAL, typeFrom: {header: 5, nope: 1, header: "a"}) } type Order { id: ID }',
    [
      'e.graphql:1:65: expected a string for @events(routingKey:), got ["a"]',
      'e.graphql:1:86: expected DIRECT, FANOUT, TOPIC or HEADERS for @events(exchangeType:), got TOPICAL',
      'e.graphql:1:114: expected a string for @events(typeFrom:).header, got 5',
      'e.graphql:1:117: unknown field "nope" of @events(typeFrom:): allowed are body, envelope, header, word and property',
      'e.graphql:1:126: @events(typeFrom:) has the field "header" twice',
    ],
  ],
  [
    'values of headers of the wrong kind, unknown or missing',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", headers: [{name: "h"}, 7, {value: "x", name: "n", more: 1}]) @allow(scopes: "s", anonymous: 1) }',
    [
      'e.graphql:1:89: @publish(headers:) lacks the field "value", which is required',
      'e.graphql:1:102: expected {name, value} for @publish(headers:), got 7',
      'e.graphql:1:129: unknown field "more" of @publish(headers:): allowed are name and value',
      'e.graphql:1:171: expected true or false for @allow(anonymous:), got 1',
    ],
  ],
  [
    'a list in place of a text, over two lines',
    'type Mutation { a(x: ID): Published! @publish(exchange: "e", routingKey: "k", headers: {name: "h", value: "a very long text that goes on and on and on"}, wrap: [1,\n  2]) @allow(scopes: ["s"]) }',
    ['e.graphql:1:161: expected a string for @publish(wrap:), got [1, 2]'],
  ],
  [
    'an unknown type that a publication returns',
    'type Mutation { a(id: ID!): Publishd! @publish(exchange: "e", routingKey: "k") @allow(scopes: ["s"]) }',
    [
      'e.graphql:1:29: unknown type "Publishd": define it, or use one of ID, Int, String, Boolean, Float, Cursor, JSON, DateTime, Decimal, BigInt, UUID, Date, Published, EventGap, GapReason, OverflowPolicy or AutoAck',
    ],
  ],
  [
    'unknown types of an entity and its key',
    'type Query { a(id: Idd!): Order @request(routingKey: "k", entity: true) @allow(scopes: ["s"]) b(id: ID!): Ordr @request(routingKey: "k", entity: true) @allow(scopes: ["s"]) } type Order @key(fields: "id") { id: ID! }',
    [
      'e.graphql:1:20: unknown type "Idd": define it, or use one of Order, ID, Int, String, Boolean, Float, Cursor, JSON, DateTime, Decimal, BigInt, UUID, Date, Published, EventGap, GapReason, OverflowPolicy or AutoAck',
      'e.graphql:1:107: unknown type "Ordr": define it, or use one of Order, ID, Int, String, Boolean, Float, Cursor, JSON, DateTime, Decimal, BigInt, UUID, Date, Published, EventGap, GapReason, OverflowPolicy or AutoAck',
    ],
  ],
]
