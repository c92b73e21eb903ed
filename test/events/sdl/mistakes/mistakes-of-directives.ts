import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in files, and in how directives are written. */
export const mistakesOfDirectives: readonly MistakeCase[] = [
  [
    'a closing brace that is missing',
    `type Order { id: ID!`,
    ['e.graphql:1:21: syntax error: Expected Name, found <EOF>'],
  ],
  [
    'a character that GraphQL does not know',
    `type Order { id: ID! } ;`,
    ['e.graphql:1:24: syntax error: Unexpected character: ";"'],
  ],
  [
    'an operation',
    `query { a }`,
    ['e.graphql:1:1: expected definitions of types, got an operation or fragment: move it out of this file'],
  ],
  [
    'brackets that nest too deeply',
    `type Order { id: ${'['.repeat(70)}ID${']'.repeat(70)} }`,
    ['e.graphql:1:81: expected brackets that nest at most 64 levels'],
  ],
  [
    'a subscription field without @events',
    `type Subscription { order: Order }
type Order { id: ID! }`,
    ['e.graphql:1:21: Subscription.order has no source: expected @events(exchange: …)'],
  ],
  [
    'a mutation field without source',
    `type Mutation { order: Published! }`,
    ['e.graphql:1:17: Mutation.order has no source: expected @publish(exchange: …) or @request(routingKey: …)'],
  ],
  [
    'a query field without source',
    `type Query { order: ID }`,
    ['e.graphql:1:14: Query.order has no source: expected @request(routingKey: …)'],
  ],
  [
    'a field with two sources',
    `type Mutation { order: ID @publish(exchange: "a") @request(routingKey: "a") }`,
    ['e.graphql:1:51: Mutation.order has @publish and @request: expected one of them'],
  ],
  [
    'an unknown directive',
    `type Order { id: ID! @mapped }`,
    [
      'e.graphql:1:22: unknown directive @mapped: Warren has @events, @state, @match, @only, @owner, @allow, @from, @eventType, @value, @filterable, @publish, @request and @naming; define it to use it',
    ],
  ],
  [
    'an unknown argument of a directive',
    `type Subscription { order: Order @events(exchange: "a", key: "b") }
type Order { id: ID! }`,
    [
      'e.graphql:1:57: unknown argument "key" of @events: allowed are exchange, exchangeType, routingKey, body, typeFrom, invalid, gap, history and declare',
    ],
  ],
  [
    'a directive without a required argument',
    `type Subscription { order: Order @events }
type Order { id: ID! }`,
    ['e.graphql:1:34: @events lacks the argument "exchange", which is required'],
  ],
  [
    'an argument of a directive that is there twice',
    `type Subscription { order: Order @events(exchange: "a", exchange: "b") }
type Order { id: ID! }`,
    ['e.graphql:1:57: @events has the argument "exchange" twice'],
  ],
  [
    'a directive argument of another kind',
    `type Subscription { order: Order @events(exchange: 7) }
type Order { id: ID! }`,
    ['e.graphql:1:52: expected a string for @events(exchange:), got 7'],
  ],
  [
    'a value that is not in the enum',
    `type Subscription { order: Order @events(exchange: "a", invalid: DROP) }
type Order { id: ID! }`,
    ['e.graphql:1:66: expected QUARANTINE, NULL or DELIVER for @events(invalid:), got DROP'],
  ],
  [
    'a directive argument that is null',
    `type Subscription { order: Order @events(exchange: "a", history: null) }
type Order { id: ID! }`,
    ['e.graphql:1:66: expected true or false for @events(history:), got null'],
  ],
  [
    'a directive at another place',
    `type Order @filterable { id: ID! }`,
    ['e.graphql:1:12: @filterable is for fields of object types'],
  ],
  [
    'a directive that is not repeatable, twice',
    `type Order { id: ID! @from(body: "/a") @from(body: "/b") }`,
    ['e.graphql:1:40: @from is written twice here: once is allowed'],
  ],
  [
    'an unknown field of an input object',
    `type Mutation { order: Published! @publish(exchange: "a", headers: [{name: "a", value: "b", kind: "c"}]) }`,
    ['e.graphql:1:93: unknown field "kind" of @publish(headers:): allowed are name and value'],
  ],
  [
    'a field of an input object that is missing',
    `type Mutation { order: Published! @publish(exchange: "a", headers: [{name: "a"}]) }`,
    ['e.graphql:1:69: @publish(headers:) lacks the field "value", which is required'],
  ],
]
