import type { MistakeCase } from './mistake-case.ts'

/** Mistakes in types, links and keys. */
export const mistakesOfTypes: readonly MistakeCase[] = [
  [
    '@naming twice',
    `extend schema @naming(case: SNAKE)
extend schema @naming(case: PASCAL)`,
    ['e.graphql:2:15: @naming is written twice: once is allowed, for all files'],
  ],
  [
    'another root type',
    `schema { query: Root }
type Root { a: ID }`,
    [`e.graphql:1:17: expected Query as the query type, got "Root": the fields of the files join Warren's root types`],
  ],
  [
    'a root type that is no object',
    `input Query { a: ID }`,
    ['e.graphql:1:7: Query is a root type of GraphQL: expected "type Query"'],
  ],
  [
    'a root type with an interface',
    `interface Node { id: ID }
type Query implements Node { id: ID @request(routingKey: "a") }`,
    ['e.graphql:2:23: Query is a root type and implements no interface'],
  ],
  [
    'a root field of Warren',
    `type Subscription { channel: Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      `e.graphql:1:21: the field Subscription.channel is taken by Warren's own schema: choose another name, or leave that schema out with WARREN_CORE=off`,
    ],
  ],
  [
    'a root field that is there twice',
    `type Query { a: ID @request(routingKey: "a") }
extend type Query { a: ID @request(routingKey: "b") }`,
    ['e.graphql:2:21: the field Query.a is defined twice, first in e.graphql:1: choose another name'],
  ],
  [
    'a type of Warren',
    `type ClientChannel { id: ID! }`,
    [
      `e.graphql:1:6: the name "ClientChannel" is taken by Warren's own schema: choose another name, or leave that schema out with WARREN_CORE=off`,
    ],
  ],
  [
    'a known type with another definition',
    `type EventGap { id: ID! }`,
    [
      'e.graphql:1:6: EventGap is known without declaration, and is defined as "type EventGap { reason: GapReason! oldest: Cursor cursor: Cu…": leave it out or choose another name',
    ],
  ],
  [
    'a type that is there twice',
    `type Order { id: ID! }
type Order { sku: ID! }`,
    ['e.graphql:2:6: the type "Order" is defined twice, first in e.graphql:1: write "extend" to add to it'],
  ],
  [
    'a type of Warren in a field',
    `type Order { channel: ClientChannel }`,
    [
      `e.graphql:1:23: the type "ClientChannel" is of Warren's own schema, which reads other values: of its types the files can use ID, Int, String, Boolean, Float, Cursor, JSON, DateTime, Decimal, BigInt, UUID, Date, Published, EventGap, GapReason, OverflowPolicy and AutoAck`,
    ],
  ],
  [
    'an unknown type',
    `type Order { sku: Sku }`,
    [
      'e.graphql:1:19: unknown type "Sku": define it, or use one of Order, ID, Int, String, Boolean, Float, Cursor, JSON, DateTime, Decimal, BigInt, UUID, Date, Published, EventGap, GapReason, OverflowPolicy or AutoAck',
    ],
  ],
  [
    'an input type for output',
    `type Order { sku: Sku }
input Sku { id: ID }`,
    [
      'e.graphql:1:19: expected a type for output for Order.sku, got the input type "Sku": allowed are scalars, enums, object types, interfaces and unions',
    ],
  ],
  [
    'an object type for input',
    `type Subscription { order(by: Order): Order @events(exchange: "a") }
type Order { id: ID! }`,
    [
      'e.graphql:1:31: expected a type for input for Subscription.order(by:), got "Order", which is for output: allowed are scalars, enums and input types',
    ],
  ],
  [
    'a field that is there twice',
    `type Order { id: ID! id: ID }`,
    ['e.graphql:1:22: the field Order.id is written twice: once is allowed'],
  ],
  [
    'an argument that is there twice',
    `type Subscription { order(id: ID, id: ID): Order @events(exchange: "a") }
type Order { id: ID! }`,
    ['e.graphql:1:35: the argument id of Subscription.order is written twice: once is allowed'],
  ],
  [
    'an enum value that is there twice',
    `enum Status { PAID PAID }`,
    ['e.graphql:1:20: the enum value Status.PAID is written twice: once is allowed'],
  ],
  [
    'a reserved name of a type',
    `type __Order { id: ID! }`,
    [
      'e.graphql:1:6: the name "__Order" begins with "__", which GraphQL reserves for introspection: choose another name',
    ],
  ],
  [
    'a reserved name of a field',
    `type Order { id: ID! __proto__: ID }`,
    [
      'e.graphql:1:22: the name "__proto__" begins with "__", which GraphQL reserves for introspection: choose another name',
    ],
  ],
  [
    'an extension of an unknown type',
    `extend type Order { id: ID! }`,
    ['e.graphql:1:13: the type "Order" is not defined and cannot be extended: no type is defined'],
  ],
  [
    'an extension of another kind',
    `extend enum Order { A }
type Order { id: ID! }`,
    ['e.graphql:1:13: expected an extension of type "Order", because it is defined so'],
  ],
  [
    'an extension of a type of Warren',
    `extend type EventGap { id: ID! }`,
    [`e.graphql:1:13: "EventGap" is a type of Warren's own, which cannot be extended`],
  ],
  [
    'a member of a union that is no object',
    `union Event = Status
enum Status { A }`,
    ['e.graphql:1:15: expected an object type of the files in Event, got "Status"'],
  ],
  [
    'an interface that is none',
    `type Order implements Item { id: ID! }
type Item { id: ID! }`,
    ['e.graphql:1:23: expected an interface of the files in Order, got "Item"'],
  ],
  [
    'a field of an interface that is missing',
    `interface Node { id: ID! }
type Order implements Node { sku: ID! }`,
    ['e.graphql:1:18: Interface field Node.id expected but Order does not provide it'],
  ],
  [
    'an input type that contains itself',
    `input Input { of: Input! }`,
    ['e.graphql:1:15: Cannot reference Input Object "Input" within itself through a series of non-null fields: "of"'],
  ],
  [
    'an invalid default value',
    `input Input { count: Int = "a" }`,
    ['e.graphql:1:28: expected a value of the type Int as the default value of count, got "a"'],
  ],
  [
    'a default value that cannot be shown',
    `input Input { data: JSON = {a: 1} }`,
    [
      'e.graphql:1:28: the default value of data is an object, a list or a long number of a scalar, which introspection cannot show: leave it out',
    ],
  ],
  [
    'default values that contain each other',
    `input A { b: B = {} }
input B { a: A = {} }`,
    ['e.graphql:2:18: the default value of a contains itself through the default values of A: leave one of them out'],
  ],
  [
    'a definition of a directive of Warren that differs',
    `directive @match(field: String) on ARGUMENT_DEFINITION`,
    [
      `e.graphql:1:12: @match is a directive of Warren, with another definition than this: leave the definition out, repeat what "warren schema print --directives" prints, or rename Warren's with extend schema @link(url: "https://warren.dev/warren/v1.0", import: [{name: "@match", as: "@warrenMatch"}])`,
    ],
  ],
  [
    'an unknown version in @link',
    `extend schema @link(url: "https://example.com/warren/v2.0")`,
    ['e.graphql:1:26: unknown version "v2.0" of Warren in @link: known are v1.0'],
  ],
  [
    'an unknown name in @link',
    `extend schema @link(url: "https://example.com/warren/v1.0", import: ["@matches"])`,
    [
      'e.graphql:1:70: Warren has no directive "@matches": known are @events, @state, @match, @only, @owner, @allow, @from, @eventType, @value, @filterable, @publish, @request and @naming',
    ],
  ],
  [
    'a new name in @link that is none',
    `extend schema @link(url: "https://example.com/warren/v1.0", import: [{name: "@match", as: "eventMatch"}])`,
    ['e.graphql:1:70: expected a name such as "@eventMatch" in as, got "eventMatch"'],
  ],
  [
    'a new name in @link of GraphQL',
    `extend schema @link(url: "https://example.com/warren/v1.0", import: [{name: "@match", as: "@deprecated"}])`,
    ['e.graphql:1:70: "@deprecated" is a directive of GraphQL: choose another name in as'],
  ],
  [
    'an import that is no name',
    `extend schema @link(url: "https://example.com/warren/v1.0", import: [7])`,
    ['e.graphql:1:70: expected a name such as "@match", or {name: "@match", as: "@eventMatch"} in import'],
  ],
  [
    'a name that @link has replaced',
    `extend schema @link(url: "https://example.com/warren/v1.0", import: [{name: "@from", as: "@eventFrom"}])
type Order { id: ID! @from(body: "/a") }`,
    [
      'e.graphql:2:22: unknown directive @from: Warren has @events, @state, @match, @only, @owner, @allow, @eventFrom, @eventType, @value, @filterable, @publish, @request and @naming; define it to use it',
    ],
  ],
  [
    '@requires',
    `type Order @key(fields: "id") { id: ID! total: Int @requires(fields: "id") }`,
    [
      'e.graphql:1:52: @requires cannot be served, because events are not computed from fields of other subgraphs: allowed are @key, @shareable, @inaccessible, @tag and @interfaceObject',
    ],
  ],
  [
    '@provides',
    `type Order @key(fields: "id") { id: ID! total: Int @provides(fields: "id") }`,
    [
      'e.graphql:1:52: @provides cannot be served, because events are not computed from fields of other subgraphs: allowed are @key, @shareable, @inaccessible, @tag and @interfaceObject',
    ],
  ],
  [
    '@external beside the key',
    `type Order @key(fields: "id") { id: ID! @external total: Int @external }`,
    ['e.graphql:1:62: @external is for the key of a stub, and Order.total is in no @key of its type: leave it out'],
  ],
  [
    '@key with an unknown field',
    `type Order @key(fields: "sku") { id: ID! }`,
    ['e.graphql:1:25: @key names the field "sku", which Order lacks: it has id'],
  ],
  [
    '@key that is no selection',
    `type Order @key(fields: "id(a: 1)") { id: ID! }`,
    ['e.graphql:1:25: expected names of fields in @key, such as "id" or "id organization { id }", got "id(a: 1)"'],
  ],
  [
    'a directive of the files at another place',
    `directive @tagged on FIELD_DEFINITION
type Order @tagged { id: ID! }`,
    ['e.graphql:2:12: @tagged is for fields of object types'],
  ],
  [
    'a directive that is defined twice',
    `directive @a on OBJECT
directive @a on OBJECT`,
    ['e.graphql:2:12: the directive @a is defined twice: once is allowed'],
  ],
]
