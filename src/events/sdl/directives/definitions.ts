import {
  type ASTNode,
  buildSchema,
  type DefinitionNode,
  type GraphQLDirective,
  Kind,
  parse,
  print,
  specifiedDirectives,
  visit,
} from 'graphql'
import { gapReasons } from '../../../core/model/channel-event.ts'
import { overflowPolicies } from '../../../core/model/overflow-policy.ts'
import { exchangeTypes } from '../../../core/model/source.ts'
import { autoAcks } from '../../../core/positions/position-options.ts'
import { messageProperties } from '../../model/place.ts'

const place = 'body: String, envelope: String, header: String, word: String, property: MessageProperty'

const directiveSdl = `
"Which messages a subscription field delivers. Several make one stream."
directive @events(
  exchange: String!
  exchangeType: ExchangeType! = TOPIC
  "A binding key. {name} captures one word, {name#} as the last word the rest of the key."
  routingKey: String! = "#"
  "A JSON pointer to the payload in the body."
  body: String! = ""
  "Where the event type is. Default: property type, header __TypeId__, body member __typename."
  typeFrom: Place
  "What happens to a message that is invalid for the field."
  invalid: OnInvalid! = QUARANTINE
  "How a gap reaches clients. AUTO: by the type of the field."
  gap: OnGap! = AUTO
  "Adds Query.<field>History."
  history: Boolean! = false
  "Whether a missing exchange is declared."
  declare: Boolean! = true
) repeatable on FIELD_DEFINITION

"The last message of each key is kept, and a subscription begins with them."
directive @state(
  "A JSON pointer in the payload, or header:<name>, word:<capture> or envelope:<pointer>."
  key: String!
  "Event types that remove the key of their message."
  deleteOn: [String!]! = []
  "How long keys stay after their last message, such as 30d. Default: always."
  keep: String
) on FIELD_DEFINITION

"What an argument of an event field is compared with. Default: the captured word of its name, else the payload's member."
directive @match(${place}) on ARGUMENT_DEFINITION

"A condition that clients do not see: the text at the place is one of these."
directive @only(${place}, in: [String!]!) repeatable on FIELD_DEFINITION

"The value must be the caller's claim. Default: the client id."
directive @owner(claim: String, ${place}) repeatable on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | FIELD_DEFINITION

"Who may use a root field, or select and filter by another field. All scopes of one are needed, of several @allow one."
directive @allow(scopes: [String!]! = [], anonymous: Boolean! = false) repeatable on FIELD_DEFINITION

"Where the value of an output field is. Default: the member of its name."
directive @from(${place}, as: ValueForm) on FIELD_DEFINITION

"Which event type an object type stands for. * is every other."
directive @eventType(name: String!) repeatable on OBJECT

"The text of an enum value in a body. unknown: true takes every text that no value names."
directive @value(is: String, unknown: Boolean! = false) on ENUM_VALUE

"May be used in filter."
directive @filterable on FIELD_DEFINITION

"Publishes a message and returns Published."
directive @publish(
  exchange: String!
  "{arg.path} takes an argument, {claim:/tenant} a claim of the caller."
  routingKey: String! = ""
  type: String
  headers: [HeaderValue!]
  "JSON in which {body}, {messageId} and {now} are replaced."
  wrap: String
  "Whether a key without a binding is an error."
  mandatory: Boolean! = true
) on FIELD_DEFINITION

"Sends a request and returns the reply."
directive @request(
  exchange: String! = ""
  routingKey: String!
  timeout: String! = "5s"
  type: String
  headers: [HeaderValue!]
  wrap: String
  "A JSON pointer to the payload in the reply."
  body: String! = ""
  "Whether the field resolves _entities."
  entity: Boolean! = false
) on FIELD_DEFINITION

"Members of bodies have the names of fields and arguments in this case."
directive @naming(case: Naming!) on SCHEMA

"A place in a message: exactly one."
input Place @oneOf { body: String, envelope: String, header: String, word: String, property: MessageProperty }
input HeaderValue { name: String!, value: String! }
enum OnInvalid { QUARANTINE NULL DELIVER }
enum OnGap { AUTO ERROR NEXT }
enum ValueForm { EPOCH_SECONDS EPOCH_MILLIS }
enum Naming { SNAKE KEBAB PASCAL }
enum MessageProperty { ${messageProperties.join(' ')} }
`

const exchangeTypeSdl = `enum ExchangeType { ${exchangeTypes.join(' ')} }`

/** The types that are known without declaration. */
const knownTypesSdl = `
scalar Cursor
scalar DateTime
scalar Date
scalar JSON
scalar Decimal
scalar BigInt
scalar UUID
type Published { messageId: ID! }
type EventGap { reason: GapReason!, oldest: Cursor, cursor: Cursor! }
enum GapReason { ${gapReasons.join(' ')} }
enum OverflowPolicy { ${overflowPolicies.join(' ')} }
enum AutoAck { ${autoAcks.join(' ')} }
`

/** Of Federation 2.3, and of the link specification 1.0. */
const federationSdl = `
directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @tag(name: String!) repeatable on FIELD_DEFINITION | INTERFACE | OBJECT | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION | SCHEMA
directive @interfaceObject on OBJECT
directive @external on OBJECT | FIELD_DEFINITION
directive @requires(fields: FieldSet!) on FIELD_DEFINITION
directive @provides(fields: FieldSet!) on FIELD_DEFINITION
directive @link(url: String!, as: String, for: Purpose, import: [Import]) repeatable on SCHEMA
scalar FieldSet
scalar Import
enum Purpose { SECURITY EXECUTION }
`

function directivesOf(sdl: string): ReadonlyMap<string, GraphQLDirective> {
  return new Map(
    buildSchema(`${sdl} type Query { none: Boolean }`)
      .getDirectives()
      .filter(({ name }) => !specifiedNames.has(name))
      .map((directive) => [directive.name, directive]),
  )
}

const specifiedNames = new Set(specifiedDirectives.map(({ name }) => name))

export const warrenDirectives = directivesOf(directiveSdl + exchangeTypeSdl)
export const federationDirectives = directivesOf(federationSdl)
/** Those of GraphQL itself. */
export const graphqlDirectives: ReadonlyMap<string, GraphQLDirective> = new Map(
  specifiedDirectives.map((directive) => [directive.name, directive]),
)

/**
 * The SDL of Warren's directives and of all types that files can use without declaration, for
 * editors. Files that contain it are accepted.
 */
export function printDirectives(): string {
  return `${print(parse(directiveSdl + exchangeTypeSdl + knownTypesSdl))}\n`
}

const printedDefinitions: ReadonlyMap<string, string> = new Map(
  parse(directiveSdl + exchangeTypeSdl).definitions.map((node) => [nameOf(node), printShape(node)]),
)

/**
 * Prints a definition without descriptions, and the values of an enum by name, so that equal
 * definitions have equal texts.
 */
export function printShape(definition: DefinitionNode): string {
  return print(
    visit(definition, {
      enter: (node) => withoutOrder('description' in node ? { ...node, description: undefined } : node),
    }),
  )
}

function withoutOrder(node: ASTNode): ASTNode {
  if (node.kind !== Kind.ENUM_TYPE_DEFINITION && node.kind !== Kind.ENUM_TYPE_EXTENSION) return node
  return { ...node, values: node.values?.toSorted((a, b) => (a.name.value < b.name.value ? -1 : 1)) }
}

/** The names of Warren's directives begin with `@`, so that they differ from those of types. */
export function nameOf(definition: DefinitionNode): string {
  const name = 'name' in definition ? (definition.name?.value ?? '') : ''
  return definition.kind === Kind.DIRECTIVE_DEFINITION ? `@${name}` : name
}

/** Whether the file repeats a definition of Warren's, under Warren's name for it. */
export function repeatsDefinition(definition: DefinitionNode): boolean {
  return printedDefinitions.get(nameOf(definition)) === printShape(definition)
}
