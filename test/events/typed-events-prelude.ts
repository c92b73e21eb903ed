/** Definitions that the gateway adds to a team's files: directives and types of typed events. */
export const typedEventsPrelude = `
directive @events(exchange: String!, exchangeType: ExchangeType! = TOPIC, routingKey: String! = "#", body: String! = "",
  typeFrom: Place, invalid: OnInvalid! = QUARANTINE, gap: OnGap! = AUTO, history: Boolean! = false,
  declare: Boolean! = true) repeatable on FIELD_DEFINITION
directive @match(body: String, envelope: String, header: String, word: String, property: MessageProperty) on ARGUMENT_DEFINITION
directive @only(body: String, envelope: String, header: String, word: String, property: MessageProperty,
  in: [String!]!) repeatable on FIELD_DEFINITION
directive @owner(claim: String, body: String, envelope: String, header: String, word: String,
  property: MessageProperty) repeatable on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | FIELD_DEFINITION
directive @allow(scopes: [String!]! = [], anonymous: Boolean! = false) repeatable on FIELD_DEFINITION
directive @from(body: String, envelope: String, header: String, word: String, property: MessageProperty,
  as: ValueForm) on FIELD_DEFINITION
directive @eventType(name: String!) repeatable on OBJECT
directive @value(is: String, unknown: Boolean! = false) on ENUM_VALUE
directive @filterable on FIELD_DEFINITION
input Place @oneOf { body: String envelope: String header: String word: String property: MessageProperty }
enum ExchangeType { DIRECT FANOUT TOPIC HEADERS }
enum OnInvalid { QUARANTINE NULL DELIVER }
enum OnGap { AUTO ERROR NEXT }
enum ValueForm { EPOCH_SECONDS EPOCH_MILLIS }
enum MessageProperty { CURSOR GAP MESSAGE_ID TYPE TIMESTAMP RECEIVED_AT EXCHANGE ROUTING_KEY CORRELATION_ID CONTENT_TYPE APP_ID REDELIVERED }
scalar Cursor
scalar DateTime
scalar Date
scalar JSON
scalar Decimal
scalar BigInt
scalar UUID
type Query { ok: Boolean }
`
