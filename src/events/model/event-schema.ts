import type { GraphQLSchema } from 'graphql'
import type { ExchangeType } from '../../core/model/source.ts'
import type { Place, SdlLocation } from './place.ts'

/**
 * The team's SDL, checked and resolved. It holds all that delivery, validation, publishing and
 * requests need, so that nothing reads directives after it is made. Immutable.
 */
export interface EventSchema {
  /**
   * The whole GraphQL schema that is served: Warren's own types and fields and the team's, without
   * directives of Warren and without their definitions. Root fields have no resolvers.
   */
  readonly schema: GraphQLSchema
  /** SHA-256 in hex of the SDL as parsed, 16 characters: equal for equal meaning of the files. */
  readonly hash: string
  /** Subscription fields by name. */
  readonly events: ReadonlyMap<string, EventField>
  /** Mutation fields with `@publish`, by name. */
  readonly publications: ReadonlyMap<string, PublishField>
  /** Fields with `@request`, by `Query.<name>` or `Mutation.<name>`. */
  readonly requests: ReadonlyMap<string, RequestField>
  /** How the fields of the team's output types are read, by type name, then field name. */
  readonly objects: ReadonlyMap<string, ObjectMapping>
  /** How the values of the team's enums are written in bodies, by type name. */
  readonly enums: ReadonlyMap<string, EnumMapping>
  /** How the team's input types are written in bodies, by type name, then field name. */
  readonly inputs: ReadonlyMap<string, ReadonlyMap<string, InputFieldMapping>>
  /** The event types of each member of a union or interface, and of object types (`@eventType`). */
  readonly eventTypes: ReadonlyMap<string, readonly string[]>
}

/** One `@events`: which messages. */
export interface EventBinding {
  /** After `WARREN_EXCHANGE_MAP`. */
  readonly exchange: string
  readonly exchangeType: ExchangeType
  /** The routing key as written, with `{name}` and `{name#}`. */
  readonly routingKey: string
  readonly pattern: KeyPattern
  /** Where the payload is in the body. */
  readonly body: readonly string[]
  /** Where the event type is, if the author named a place. */
  readonly typeFrom: Place | undefined
  /** Whether a missing exchange is declared. */
  readonly declare: boolean
  readonly location: SdlLocation
}

/** A routing key with captures, split into words. */
export interface KeyPattern {
  /** The binding key: each `{name}` is `*`, `{name#}` is `#`. */
  readonly bindingKey: string
  readonly words: readonly KeyWord[]
}
/**
 * `rest` captures the remaining words, joined with dots, and is always last. A capture never
 * matches an empty word.
 */
export type KeyWord =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'anyRest' }
  | { readonly kind: 'capture'; readonly name: string }
  | { readonly kind: 'rest'; readonly name: string }

/** The scalar kinds by which arguments, claims and values are compared and read. */
export type ValueKind = 'ID' | 'String' | 'Int' | 'Boolean' | 'BigInt' | 'Decimal' | 'Float' | 'UUID' | 'enum'

/** A typed subscription field. */
export interface EventField {
  readonly name: string
  readonly location: SdlLocation
  /** At least one. Equal in `invalid`, `gap` and `history`. */
  readonly bindings: readonly EventBinding[]
  /** Arguments that are conditions, in SDL order. Built-in arguments are not among them. */
  readonly conditions: readonly ConditionArgument[]
  /** Conditions of the author that clients do not see (`@only`). All must hold. */
  readonly only: readonly OnlyCondition[]
  /** `@owner` with a place on the field itself: the caller's claim must be the value there. */
  readonly ownerPlaces: readonly OwnerPlace[]
  readonly access: Access
  readonly invalid: 'QUARANTINE' | 'NULL' | 'DELIVER'
  readonly gapForm: GapForm
  /** Whether `Query.<name>History` exists. */
  readonly history: boolean
  /** The arguments that play a built-in role; undefined where the author took the name. */
  readonly builtIn: BuiltInArguments
  /** Whether the field has the argument `filter` with conditions. */
  readonly filterable: boolean
  /** `@state`: the last message of each key is kept. */
  readonly state: KeyedState | undefined
}

/** What is kept of a field, and how a removed key reaches clients. */
export interface KeyedState {
  /** Where the key of a message is. */
  readonly key: Place
  /** Event types that remove the key. */
  readonly deleteOn: readonly string[]
  /** How long keys stay after their last message, in milliseconds. Undefined: always. */
  readonly keepMs: number | undefined
  readonly removal: RemovalForm
}

/** How a removed key reaches the client; `extensions.warren.removed` has the key in each. */
export type RemovalForm =
  /** A member of the union stands for the event type. */
  | { readonly kind: 'member' }
  /** The object type has this field, which is true then. */
  | { readonly kind: 'field'; readonly field: string }
  /** `data: { <field>: null }` without errors. */
  | { readonly kind: 'null' }
  /** No key can be removed. */
  | { readonly kind: 'none' }

/** The GraphQL argument that plays each built-in role, by its name. */
export interface BuiltInArguments {
  readonly after: string | undefined
  readonly last: string | undefined
  readonly position: string | undefined
  readonly autoAck: string | undefined
  readonly every: string | undefined
  readonly overflow: string | undefined
  readonly checkpoints: string | undefined
  readonly filter: string | undefined
}

/**
 * How many conditions of an event field may be optional. Each more doubles the number of shapes of
 * conditions.
 */
export const maxOptionalConditions = 4

/** Those that decide how events are delivered, not which. */
export function ownArguments(builtIn: BuiltInArguments): ReadonlySet<string | undefined> {
  return new Set(Object.values({ ...builtIn, filter: undefined }))
}

/** How a gap reaches the client: rule 3 of docs/guides/typed-events.md. */
export type GapForm =
  /** The union has the member `EventGap`. */
  | { readonly kind: 'member' }
  /** The object type has this field, of type `EventGap`. */
  | { readonly kind: 'field'; readonly field: string }
  /** `data: { <field>: null }` without errors. */
  | { readonly kind: 'null' }
  /** `data: null` with an error of the code `GAP`. */
  | { readonly kind: 'error' }
  /** Nothing of its own; the next event carries the gap. */
  | { readonly kind: 'next' }

/** An argument that is compared with a place of the message. */
export interface ConditionArgument {
  readonly name: string
  readonly kind: ValueKind
  /** The enum's name, if `kind` is `enum`. */
  readonly enumName: string | undefined
  /** Whether the argument takes a list, which means "one of". */
  readonly list: boolean
  readonly required: boolean
  readonly place: Place
  /** `@owner` on the argument: each is the path of a claim; all must hold. */
  readonly owners: readonly ClaimPath[]
  readonly location: SdlLocation
}

/** The path of a claim in a token; `clientId` is the client id, whatever claim holds it. */
export type ClaimPath = { readonly kind: 'clientId' } | { readonly kind: 'claim'; readonly pointer: readonly string[] }

export interface OnlyCondition {
  readonly place: Place
  readonly in: readonly string[]
}

export interface OwnerPlace {
  readonly claim: ClaimPath
  readonly place: Place
}

/** Who may use a root field: `@allow`, besides `@owner`. */
export interface Access {
  /**
   * One of them must hold. Empty: none is written. Then a field without `@owner` is for operators
   * and for tokens with the scope `event:<field>`.
   */
  readonly allow: readonly AllowRule[]
  /** Whether the field has any `@owner`, on itself, on an argument or in an input type. */
  readonly owned: boolean
}

export interface AllowRule {
  /** All are needed. `{name}` takes an argument's text. Empty: every valid token. */
  readonly scopes: readonly string[]
  /** Callers without a token, too. */
  readonly anonymous: boolean
}

/** How a field of an output type is read. */
export interface FieldMapping {
  readonly place: Place
  readonly as: 'EPOCH_SECONDS' | 'EPOCH_MILLIS' | undefined
  /** `@allow` on the field: scopes only. */
  readonly allow: readonly AllowRule[]
  readonly filterable: boolean
}

/** The fields of one output type by name. */
export type ObjectMapping = ReadonlyMap<string, FieldMapping>

export interface EnumMapping {
  /** Text in a body → enum value name. */
  readonly byText: ReadonlyMap<string, string>
  /** Enum value name → text in a body. A value with `unknown: true` and no `is:` is its name. */
  readonly textOf: ReadonlyMap<string, string>
  /** The enum value that takes every other text; undefined: there is none. */
  readonly unknown: string | undefined
}

export interface InputFieldMapping {
  /** The member of the body that holds it. */
  readonly member: string
  readonly owners: readonly ClaimPath[]
}

/** What `@publish` and `@request` have in common: how an operation becomes a message. */
export interface MessageTemplate {
  readonly name: string
  readonly location: SdlLocation
  readonly exchange: string
  readonly routingKey: Template
  readonly type: string | undefined
  readonly headers: readonly { readonly name: string; readonly value: Template }[]
  /** JSON in which the strings `{body}`, `{messageId}` and `{now}` are replaced. */
  readonly wrap: unknown
  readonly access: Access
  /**
   * The name of the argument with the value that is the body; undefined: an object of all
   * arguments.
   */
  readonly bodyArgument: string | undefined
  /** Declared arguments by name, without the built-in ones. */
  readonly arguments: ReadonlyMap<string, InputFieldMapping>
}

/** Text with placeholders. */
export type Template = readonly (
  | { readonly kind: 'text'; readonly text: string }
  /** `{arg.path}`. */
  | { readonly kind: 'argument'; readonly path: readonly string[] }
  /** `{claim:/pointer}`. */
  | { readonly kind: 'claim'; readonly pointer: readonly string[] }
)[]

export interface PublishField extends MessageTemplate {
  /** Whether a key without a binding is `NO_RESPONDER`. */
  readonly mandatory: boolean
  /** The name of the built-in argument `idempotencyKey`; undefined if the author took the name. */
  readonly idempotencyKey: string | undefined
}

export interface RequestField extends MessageTemplate {
  readonly operation: 'Query' | 'Mutation'
  /** In milliseconds. */
  readonly timeoutMs: number
  /** Where the payload is in the reply. */
  readonly body: readonly string[]
  /** Whether the field resolves `_entities`. */
  readonly entity: boolean
  readonly idempotencyKey: string | undefined
}
