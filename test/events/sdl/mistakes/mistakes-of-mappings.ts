import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in how types are mapped. */
export const mistakesOfMappings: readonly MistakeCase[] = [
  [
    '@match on an argument of a mutation',
    `type Mutation { order(id: ID @match(body: "/id")): Published! @publish(exchange: "a") }`,
    [
      'e.graphql:1:30: @match is for arguments of subscription fields: the value of Mutation.order(id:) is part of the message',
    ],
  ],
  [
    '@match on an argument of another field',
    `type Order { id(format: String @match(body: "/a")): ID! }`,
    ['e.graphql:1:32: @match is for arguments of root fields, and Order.id is none'],
  ],
  [
    '@events on a query field',
    `type Query { order: ID @events(exchange: "a") }`,
    ['e.graphql:1:24: @events is not for fields of Query: allowed are @request and @allow'],
  ],
  [
    '@publish on a subscription field',
    `type Subscription { order: Order @events(exchange: "a") @publish(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:57: @publish is not for fields of Subscription: allowed are @events, @state, @only, @owner and @allow',
    ],
  ],
  [
    '@only on another field',
    `type Order { id: ID! @only(body: "/a", in: ["a"]) }`,
    ['e.graphql:1:22: @only is for root fields, and Order.id is none'],
  ],
  [
    '@from on a root field',
    `type Subscription { order: Order @events(exchange: "a") @from(body: "/a") }
type Order { id: ID! }`,
    ['e.graphql:1:57: @from is not for fields of Subscription: allowed are @events, @state, @only, @owner and @allow'],
  ],
  [
    '@from on an interface',
    `interface Node { id: ID! @from(body: "/a") }`,
    ['e.graphql:1:26: @from is for fields of object types: write it in the types that implement Node'],
  ],
  [
    'as: on another type',
    `type Order { id: ID! @from(body: "/a", as: EPOCH_MILLIS) }`,
    ['e.graphql:1:44: "as" turns a number into a DateTime: expected the type DateTime for Order.id, got ID!'],
  ],
  [
    'a list from a header',
    `type Order { id: [ID!] @from(header: "a") }`,
    ['e.graphql:1:24: a header is one text: expected a scalar or an enum for Order.id, got [ID!]'],
  ],
  [
    'an object from a word',
    `type Order { id: Id @from(property: APP_ID) }
type Id { id: ID }`,
    ['e.graphql:1:21: a property is one text: expected a scalar or an enum for Order.id, got Id'],
  ],
  [
    'a cursor of another type',
    `type Order { id: Int @from(property: CURSOR) }`,
    ['e.graphql:1:22: CURSOR is a Cursor: expected the type Cursor, ID or String for Order.id, got Int'],
  ],
  [
    'a non-null gap',
    `type Order { gap: EventGap! @from(property: GAP) }`,
    [
      'e.graphql:1:14: no subscription field returns Order, so Order.gap never has a gap',
      'e.graphql:1:29: Order.gap takes GAP: expected the type EventGap, nullable because most events are no gaps, got EventGap!',
    ],
  ],
  [
    'EventGap without GAP',
    `type Order { gap: EventGap }`,
    ['e.graphql:1:14: Order.gap has the type EventGap, so it needs @from(property: GAP)'],
  ],
  [
    'two gaps in a type',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { a: EventGap @from(property: GAP) b: EventGap @from(property: GAP) }`,
    ['e.graphql:2:47: Order.b and Order.a both take GAP: one field of a type does'],
  ],
  [
    'a gap that no subscription returns',
    `type Order { id: ID gap: EventGap @from(property: GAP) }`,
    ['e.graphql:1:21: no subscription field returns Order, so Order.gap never has a gap'],
  ],
  [
    'an envelope with a non-null field',
    `type Subscription { order: Envelope! @events(exchange: "a") }
type Envelope { gap: EventGap @from(property: GAP) order: Order! @from(body: "") }
type Order { id: ID! }`,
    [
      'e.graphql:2:59: Envelope.order must be nullable: in a gap of Subscription.order everything that comes from a message is null (GAP and CURSOR are not)',
    ],
  ],
  [
    'EventGap alone',
    `type Subscription { order: EventGap @events(exchange: "a") }`,
    [
      'e.graphql:1:28: Subscription.order returns EventGap alone: expected a union with that member, or a type of the files',
    ],
  ],
  [
    'a union of EventGap alone',
    `type Subscription { order: Event @events(exchange: "a") }
union Event = EventGap`,
    ['e.graphql:2:7: Event has no object type that an event could be: expected at least one'],
  ],
  [
    'a non-null cursor in a reply',
    `type Query { order: Order @request(routingKey: "a") }
type Order { id: ID! cursor: Cursor! @from(property: CURSOR) }`,
    [
      'e.graphql:2:22: Order.cursor cannot be null, and the reply that Query.order returns has no CURSOR: make the field nullable, or return another type',
    ],
  ],
  [
    'a non-null word in a reply',
    `type Subscription { order: Order @events(exchange: "a", routingKey: "{id}") }
type Query { get: Order @request(routingKey: "a") }
type Order { id: ID! @from(word: "id") }`,
    [
      'e.graphql:3:14: Order.id cannot be null, and the reply that Query.get returns has no captured word {id}: make the field nullable, or return another type',
    ],
  ],
  [
    'a member of a union without event type',
    `type Subscription { event: Event @events(exchange: "a") }
union Event = A | B | EventGap
type A @eventType(name: "a") { id: ID }
type B { id: ID }`,
    [
      'e.graphql:4:6: B has no source in Event, where events of A are too: expected @eventType(name: "…") with the event types that it stands for, or "*" for every other',
    ],
  ],
  [
    'an event type of two members',
    `type Subscription { event: Event @events(exchange: "a") }
union Event = A | B
type A @eventType(name: "a") { id: ID }
type B @eventType(name: "a") { id: ID }`,
    ['e.graphql:4:25: A and B both stand for the event type "a" in Event: one of them can'],
  ],
  [
    'an event type that is there twice',
    `type A @eventType(name: "a") @eventType(name: "a") { id: ID }`,
    ['e.graphql:1:30: A stands for the event type "a" already'],
  ],
  [
    'an empty event type',
    `type A @eventType(name: "") { id: ID }`,
    ['e.graphql:1:25: expected an event type, or "*" for every other, got an empty text'],
  ],
  [
    '@value without a meaning',
    `enum Status { PAID @value }`,
    ['e.graphql:1:20: expected is: or unknown: true in @value'],
  ],
  [
    'two enum values with one text',
    `enum Status { PAID @value(is: "p") OPEN @value(is: "p") }`,
    ['e.graphql:1:52: Status.PAID and Status.OPEN are both written "p": a text stands for one value'],
  ],
  [
    'an enum value with the text of another',
    `enum Status { PAID OPEN @value(is: "PAID") }`,
    ['e.graphql:1:36: Status.PAID and Status.OPEN are both written "PAID": a text stands for one value'],
  ],
  [
    'two unknown values',
    `enum Status { OTHER @value(unknown: true) MORE @value(unknown: true) }`,
    ['e.graphql:1:48: Status.OTHER takes every unknown value already: one value of an enum does'],
  ],
  [
    '@filterable on a type without equality',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { data: JSON @filterable }`,
    [
      'e.graphql:2:25: Order.data has the type JSON, which cannot be filtered by: allowed are ID, String, Boolean, UUID, Date, Int, BigInt, Decimal, Float and DateTime and enums',
    ],
  ],
  [
    '@filterable on an object without marks',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { by: By @filterable }
type By { id: ID }`,
    ['e.graphql:2:21: nothing in By is @filterable: mark its fields'],
  ],
  [
    '@filterable on a name of filters',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { not: ID @filterable }`,
    ['e.graphql:2:22: a filter uses the name not itself (and, or, not and exists), so Order.not cannot be @filterable'],
  ],
  [
    'a name that a filter needs',
    `type Subscription { order: Order @events(exchange: "a") }
type Order { id: ID @filterable }
type OrderFilter { id: ID }`,
    ['e.graphql:2:6: the filter of Order needs the name OrderFilter, which another type has: rename that type'],
  ],
  [
    'members with a filterable field of two types',
    `type Subscription { event: Event @events(exchange: "a") }
union Event = A | B
type A @eventType(name: "a") { id: ID @filterable }
type B @eventType(name: "b") { id: Int @filterable }`,
    ['e.graphql:4:32: members of Event have filterable fields "id" of the types ID and Int: a filter needs one type'],
  ],
]
