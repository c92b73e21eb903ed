import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in who may use a field. */
export const mistakesOfAccess: readonly MistakeCase[] = [
  [
    '@owner on a type that cannot equal a claim',
    `type Subscription { order(price: Decimal @owner): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:42: Subscription.order(price:) has the type Decimal, which cannot equal a claim: allowed are ID, String, Int, Boolean, BigInt and UUID, enums and lists of these',
    ],
  ],
  [
    '@owner on an input object',
    `type Mutation { order(input: Input @owner): Published! @publish(exchange: "a") }
input Input { id: ID }`,
    [
      'e.graphql:1:36: Mutation.order(input:) has the type Input, which cannot equal a claim: allowed are ID, String, Int, Boolean, BigInt and UUID, enums and lists of these',
    ],
  ],
  [
    '@owner beside a default value',
    `type Subscription { order(id: ID = "a" @owner): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      `e.graphql:1:36: id has @owner, so it cannot have a default value: where it is absent, the caller's claim is taken`,
    ],
  ],
  [
    '@owner beside a default value of an input field',
    `type Mutation { order(input: Input): Published! @publish(exchange: "a") }
input Input { id: ID = "a" @owner }`,
    [
      'e.graphql:2:24: Input.id has @owner, so it cannot have a default value: what is absent is filled in from the claim',
    ],
  ],
  [
    '@owner in an input type of one field',
    `type Mutation { order(input: Input): Published! @publish(exchange: "a") }
input Input @oneOf { id: ID @owner sku: ID }`,
    [
      'e.graphql:2:29: Input.id has @owner, and Input is @oneOf: what is absent is filled in from the claim, and would be a second field',
    ],
  ],
  [
    '@owner with a place on an argument',
    `type Subscription { order(id: ID @owner(body: "/id")): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:34: a place (body) in @owner is for subscription fields: on Subscription.order(id:) the value itself is compared',
    ],
  ],
  [
    '@owner without a place on a field',
    `type Subscription { order: Order @events(exchange: "a") @owner(claim: "tenant") }
type Order { id: ID! }`,
    ['e.graphql:1:57: expected one of body, envelope, header, word or property in @owner, got none'],
  ],
  [
    '@owner on a field of Mutation',
    `type Mutation { order: Published! @publish(exchange: "a") @owner(body: "/a") }`,
    ['e.graphql:1:59: @owner is not for fields of Mutation: allowed are @publish, @request and @allow'],
  ],
  [
    'a claim that is no pointer',
    `type Subscription { order(id: ID @owner(claim: "/a~b")): Order @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:48: expected a JSON pointer (RFC 6901) such as "/customer/id" for a claim, got "/a~b"'],
  ],
  [
    'an empty claim',
    `type Subscription { order(id: ID @owner(claim: "")): Order @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:48: expected the name of a claim or a JSON pointer to it, got an empty text'],
  ],
  [
    'anonymous beside @owner',
    `type Subscription { order(id: ID @owner): Order @events(exchange: "a") @allow(anonymous: true) }
type Order { id: ID! }`,
    [
      'e.graphql:1:72: "anonymous: true" beside @owner: a caller without a token has no claim that @owner could compare',
    ],
  ],
  [
    'anonymous with scopes',
    `type Subscription { order: Order @events(exchange: "a") @allow(scopes: ["a"], anonymous: true) }
type Order { id: ID! }`,
    [
      'e.graphql:1:57: expected either scopes or "anonymous: true" in one @allow: a caller without a token has no scopes',
    ],
  ],
  [
    'a scope with white space',
    `type Subscription { order: Order @events(exchange: "a") @allow(scopes: ["a b"]) }
type Order { id: ID! }`,
    ['e.graphql:1:72: expected scopes without white space, such as ["orders:read", "orders:write"], got "a b"'],
  ],
  [
    'a scope with an unknown argument',
    `type Subscription { order(id: ID!): Order @events(exchange: "a") @allow(scopes: ["room:{room}"]) }
type Order { id: ID! }`,
    ['e.graphql:1:81: {room} in the scope "room:{room}" names no argument: it has id'],
  ],
  [
    'a scope with an argument of a type without text',
    `type Subscription { order(price: Float): Order @events(exchange: "a") @allow(scopes: ["room:{price}"]) }
type Order { id: ID! }`,
    [
      'e.graphql:1:86: {price} in the scope "room:{price}" has the type Float: allowed are ID, String, Int, Boolean, BigInt and UUID and enums',
    ],
  ],
  [
    'a scope with a single brace',
    `type Subscription { order(id: ID!): Order @events(exchange: "a") @allow(scopes: ["room:{id"]) }
type Order { id: ID! }`,
    ['e.graphql:1:81: expected {argument} with the name of an argument in the scope "room:{id"'],
  ],
  [
    'anonymous on another field',
    `type Order { id: ID! @allow(anonymous: true) }`,
    ['e.graphql:1:22: "anonymous" of @allow is for root fields: other fields take scopes only'],
  ],
  [
    '@allow without scopes on another field',
    `type Order { id: ID! @allow }`,
    ['e.graphql:1:22: expected scopes in @allow of a field that is no root field, such as scopes: ["orders:read"]'],
  ],
  [
    '@only without texts',
    `type Subscription { order: Order @events(exchange: "a") @only(body: "/a", in: []) }
type Order { id: ID! }`,
    ['e.graphql:1:79: expected at least one text in @only(in:), got an empty list'],
  ],
]
