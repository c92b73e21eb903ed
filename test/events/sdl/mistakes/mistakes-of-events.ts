import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in subscription fields. */
export const mistakesOfEvents: readonly MistakeCase[] = [
  [
    'a place with two members',
    `type Subscription { order(id: ID @match(body: "/id", header: "id")): Order @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:34: expected one of body, envelope, header, word or property in @match, got body and header'],
  ],
  [
    'a place without a member',
    `type Subscription { order: Order @events(exchange: "a") @only(in: ["a"]) }
type Order { id: ID! }`,
    ['e.graphql:1:57: expected one of body, envelope, header, word or property in @only, got none'],
  ],
  [
    'a pointer without a slash',
    `type Subscription { order(id: ID @match(body: "customer")): Order @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:47: expected a JSON pointer (RFC 6901) such as "/customer/id" for body of @match, got "customer"'],
  ],
  [
    'an escape that is none in a pointer',
    `type Order { id: ID! @from(envelope: "/a~2") }`,
    ['e.graphql:1:38: expected a JSON pointer (RFC 6901) such as "/customer/id" for envelope of @from, got "/a~2"'],
  ],
  [
    'a pointer to the payload',
    `type Subscription { order: Order @events(exchange: "a", body: "data") }
type Order { id: ID! }`,
    ['e.graphql:1:63: expected a JSON pointer (RFC 6901) such as "/customer/id" for body of @events, got "data"'],
  ],
  [
    'an empty name of a header',
    `type Order { id: ID! @from(header: "") }`,
    ['e.graphql:1:36: expected the name of a header, got an empty text in header of @from'],
  ],
  [
    'CURSOR in a condition',
    `type Subscription { order(id: ID @match(property: CURSOR)): Order @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:51: CURSOR is no property of a message for @match: it is allowed in @from only'],
  ],
  [
    'GAP in a condition',
    `type Subscription { order: Order @events(exchange: "a") @only(property: GAP, in: ["a"]) }
type Order { id: ID! }`,
    ['e.graphql:1:73: GAP is no property of a message for @only: it is allowed in @from only'],
  ],
  [
    'CURSOR in typeFrom',
    `type Subscription { order: Order @events(exchange: "a", typeFrom: {property: CURSOR}) }
type Order @eventType(name: "a") { id: ID! }`,
    ['e.graphql:1:78: CURSOR is no property of a message for typeFrom of @events: it is allowed in @from only'],
  ],
  [
    'a word that is not captured',
    `type Subscription { order(id: ID @match(word: "region")): Order @events(exchange: "a", routingKey: "a.*") }
type Order { id: ID! }`,
    ['e.graphql:1:47: the routing keys of Subscription.order do not capture {region}: they capture nothing'],
  ],
  [
    'a word that not all bindings capture',
    `type Subscription {
  order(region: ID): Order
    @events(exchange: "a", routingKey: "a.{region}")
    @events(exchange: "b", routingKey: "b")
}
type Order { id: ID! }`,
    [
      'e.graphql:2:9: {region} is captured by some @events of Subscription.order and not by others: capture it in all, or give the place with @match',
    ],
  ],
  [
    'a word of a condition of the author that is not captured',
    `type Subscription { order: Order @events(exchange: "a") @only(word: "kind", in: ["a"]) }
type Order { id: ID! }`,
    ['e.graphql:1:69: the routing keys of Subscription.order do not capture {kind}: they capture nothing'],
  ],
  [
    'a word of a field that nothing captures',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { id: ID! region: String @from(word: "region") }`,
    [
      'e.graphql:2:22: no routing key of a field that returns Order captures {region}, which Order.region takes: capture it',
    ],
  ],
  [
    'a word of a non-null field that nothing captures',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { id: ID! region: String! @from(word: "region") }`,
    [
      'e.graphql:2:22: Order.region cannot be null, and not every routing key of Subscription.order captures {region}: capture it, or make the field nullable',
    ],
  ],
  [
    'a capture without argument',
    `type Subscription { order: Order @events(exchange: "a", routingKey: "a.{region}") }
type Order { id: ID! }`,
    [
      'e.graphql:1:69: nothing uses the capture {region}: declare an argument of that name, use it in a place (word:), or write * instead',
    ],
  ],
  [
    'a capture that is part of a word',
    `type Subscription { order(id: ID): Order @events(exchange: "a", routingKey: "order-{id}") }
type Order { id: ID! }`,
    ['e.graphql:1:77: expected a capture such as {region} or {path#} as a whole word between dots, got "order-{id}"'],
  ],
  [
    'a capture that is there twice',
    `type Subscription { order(id: ID): Order @events(exchange: "a", routingKey: "{id}.{id}") }
type Order { id: ID! }`,
    ['e.graphql:1:77: the capture {id} is there twice: give each capture a name of its own'],
  ],
  [
    'a rest that is not the last word',
    `type Subscription { order(id: ID): Order @events(exchange: "a", routingKey: "{id#}.created") }
type Order { id: ID! }`,
    ['e.graphql:1:77: {id#} takes the rest of the key, so it must be the last word'],
  ],
  [
    'a capture and two #',
    `type Subscription { order(id: ID): Order @events(exchange: "a", routingKey: "#.{id}.#") }
type Order { id: ID! }`,
    [
      'e.graphql:1:77: expected at most one # beside captures, because with two it is uncertain which word a capture takes, got "#.{id}.#"',
    ],
  ],
  [
    'a capture of a fanout exchange',
    `type Subscription { order(id: ID): Order @events(exchange: "a", exchangeType: FANOUT, routingKey: "{id}") }
type Order { id: ID! }`,
    [
      'e.graphql:1:99: captures need a topic exchange, and this is a fanout exchange: take values from the body, a header or a property',
    ],
  ],
  [
    'a routing key of a headers exchange',
    `type Subscription { order: Order @events(exchange: "a", exchangeType: HEADERS, routingKey: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:92: a headers exchange ignores routing keys: leave routingKey out, or use @only(property: ROUTING_KEY, in: […])',
    ],
  ],
  [
    'a direct exchange without routing key',
    `type Subscription { order: Order @events(exchange: "a", exchangeType: DIRECT) }
type Order { id: ID! }`,
    [
      'e.graphql:1:34: a direct exchange takes the routing key as it is, without wildcards: expected a key such as "order.created", got "#"',
    ],
  ],
  [
    'a routing key that is too long',
    `type Subscription { order: Order @events(exchange: "a", routingKey: "${'a'.repeat(300)}") }
type Order { id: ID! }`,
    ['e.graphql:1:69: expected a routing key of at most 255 bytes, got 300'],
  ],
  [
    'the default exchange as a source',
    `type Subscription { order: Order @events(exchange: "") }
type Order { id: ID! }`,
    [
      'e.graphql:1:52: expected the name of an exchange, got the default exchange, which no queue or stream can be bound to',
    ],
  ],
  [
    'an exchange of the gateways as a source',
    `type Subscription { order: Order @events(exchange: "warren.journal") }
type Order { id: ID! }`,
    [
      'e.graphql:1:52: exchange "warren.journal" is reserved for gateways: use "warren.events" or "warren.presence", or an exchange of your own',
    ],
  ],
  [
    'an exchange with two types',
    `type Subscription {
  order: Order @events(exchange: "a")
  orders: Order @events(exchange: "a", exchangeType: FANOUT)
}
type Order { id: ID! }`,
    ['e.graphql:3:54: exchange "a" is FANOUT here and TOPIC in e.graphql:2: an exchange has one type'],
  ],
  [
    'two @events that do not agree',
    `type Subscription { order: Order @events(exchange: "a") @events(exchange: "b", invalid: NULL) }
type Order { id: ID! }`,
    ['e.graphql:1:89: several @events of a field must agree in invalid: got NULL here and QUARANTINE in e.graphql:1'],
  ],
  [
    'the same @events twice',
    `type Subscription { order: Order @events(exchange: "a") @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:57: the same exchange and binding key are there twice: once is allowed'],
  ],
  [
    'gap: NEXT on a nullable field',
    `type Subscription { order: Order @events(exchange: "a", gap: NEXT) }
type Order { id: ID! }`,
    [
      'e.graphql:1:62: "gap: NEXT" is for fields that are not null, and Subscription.order is nullable: leave it out, and a gap is null',
    ],
  ],
  [
    'an argument of a type that no condition has',
    `type Subscription { order(at: DateTime): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:31: Subscription.order(at:) has the type DateTime, which cannot be a condition: allowed are ID, String, Int, Boolean, BigInt, Decimal, Float and UUID, enums and lists of these; for others use @filterable and filter',
    ],
  ],
  [
    'a list of lists as a condition',
    `type Subscription { order(id: [[ID]]): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:31: Subscription.order(id:) has the type [[ID]], which cannot be a condition: allowed are ID, String, Int, Boolean, BigInt, Decimal, Float and UUID, enums and lists of these; for others use @filterable and filter',
    ],
  ],
  [
    'an input object as a condition',
    `type Subscription { order(by: By): Order @events(exchange: "a") }
type Order { id: ID! }
input By { id: ID }`,
    [
      'e.graphql:1:31: Subscription.order(by:) has the type By, which cannot be a condition: allowed are ID, String, Int, Boolean, BigInt, Decimal, Float and UUID, enums and lists of these; for others use @filterable and filter',
    ],
  ],
  [
    'five optional conditions',
    `type Subscription { order(a: ID, b: ID, c: ID, d: ID, e: ID): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:55: Subscription.order has more than 4 optional arguments that are conditions: make e required, or use @filterable and filter',
    ],
  ],
  [
    'two cursors',
    `type Subscription { order(after: Cursor, since: Cursor): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:42: Subscription.order has two arguments of the type Cursor without a directive, after and since: one is the position to resume after',
    ],
  ],
  [
    'a key of @state that is no place',
    `type Subscription { order: Order @events(exchange: "a") @state(key: "id") }
type Order { id: ID! }`,
    [
      'e.graphql:1:69: expected a JSON pointer (RFC 6901) such as "/id", or header:<name>, word:<capture> or envelope:<pointer>, for key of @state, got "id"',
    ],
  ],
  [
    'a key of @state in a word that is not captured',
    `type Subscription { order: Order @events(exchange: "a", routingKey: "a.*") @state(key: "word:id") }
type Order { id: ID! }`,
    ['e.graphql:1:88: the routing keys of Subscription.order do not capture {id}: they capture nothing'],
  ],
  [
    'a time of @state without a unit, and an event type twice',
    `type Subscription { order: Order @events(exchange: "a") @state(key: "/id", keep: "30", deleteOn: ["a", "a"]) }
type Order { id: ID! }`,
    [
      'e.graphql:1:82: expected a time from 1s to 3650d, such as "12h" or "30d", for keep of @state, got "30"',
      'e.graphql:1:98: expected different event types in deleteOn of @state, such as ["order.deleted"]',
    ],
  ],
  [
    'names that the query for a state needs',
    `type Subscription { order(first: Int, after: ID): Order @events(exchange: "a") @state(key: "/id") }
type Query { orderState: ID @request(routingKey: "q") }
type Order { id: ID! }
type OrderStateConnection { id: ID! }`,
    [
      'e.graphql:1:21: the state of Subscription.order needs the name OrderStateConnection, which another type has: rename that type',
      'e.graphql:1:21: Query.orderState has the arguments first and after for its pages: choose another name for first and after of Subscription.order',
      'e.graphql:1:21: the state of Subscription.order needs the name Query.orderState, which another field has: rename that field',
    ],
  ],
  [
    'two fields with states of one type name',
    `type Subscription {
  order: Order @events(exchange: "a") @state(key: "/id")
  Order: Order @events(exchange: "a") @state(key: "/id")
}
type Order { id: ID! }`,
    [
      'e.graphql:3:3: the state of Subscription.Order needs the name OrderStateConnection, which another type has: rename that type',
    ],
  ],
  [
    '@state on a field that returns a list',
    `type Subscription { order: [Order!] @events(exchange: "a") @state(key: "/id") }
type Order { id: ID! }`,
    [
      'e.graphql:1:60: Subscription.order returns a list, which has no key: @state is for fields with one object an event',
    ],
  ],
  [
    'a removed key without a form',
    `type Subscription { order: Order! @events(exchange: "a", gap: NEXT) @state(key: "/id", deleteOn: ["b"]) }
type Order { id: ID! }`,
    [
      'e.graphql:1:98: Subscription.order cannot tell clients that a key is removed: make the field nullable, return a union with a member for each type of deleteOn, or add a field Boolean! @from(property: REMOVED) to Order',
    ],
  ],
  [
    'a removed key without a member of the union',
    `type Subscription { order: Any @events(exchange: "a") @state(key: "/id", deleteOn: ["c"]) }
union Any = A | B
type A @eventType(name: "a") { id: ID! }
type B @eventType(name: "b") { id: ID! }`,
    [
      'e.graphql:1:84: no member of Any stands for the event type "c", so Subscription.order could not tell clients that the key is removed: add a member with @eventType(name: "c")',
    ],
  ],
  [
    'a strict field beside REMOVED',
    `type Subscription { order: Order @events(exchange: "a") @state(key: "/id", deleteOn: ["b"]) }
type Order { id: ID! total: Int! removed: Boolean! @from(property: REMOVED) }`,
    [
      'e.graphql:2:29: Order.total must be nullable: where Subscription.order removes a key, Order.removed is true, and what the payload lacks is null',
    ],
  ],
  [
    'REMOVED as another type',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { id: ID! removed: String @from(property: REMOVED) }`,
    [
      'e.graphql:2:38: REMOVED is true where @state removes a key: expected the type Boolean for Order.removed, got String',
    ],
  ],
]
