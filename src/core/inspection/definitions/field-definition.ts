import type { MessageEvent } from '../../model/channel-event.ts'
import type { Identity } from '../../model/identity.ts'
import type { ExchangeType } from '../../model/source.ts'
import type { EventAccess } from '../../ports/event-matcher.ts'

/** A typed field, as its schema defines it. */
export interface FieldDefinition {
  readonly name: string
  /** As clients see it, such as `Order!`. */
  readonly type: string
  readonly description: string | null
  readonly arguments: readonly ArgumentDefinition[]
  /** Which messages it reads. At least one. */
  readonly bindings: readonly FieldBinding[]
  /** Who may subscribe, one sentence for each way. */
  readonly access: readonly string[]
  /** Conditions of the author on messages, one sentence each. */
  readonly conditions: readonly string[]
  /** What happens to a message that does not fit. */
  readonly invalid: 'QUARANTINE' | 'NULL' | 'DELIVER'
  /** How a gap reaches clients, one sentence. */
  readonly gap: string
  /** Whether `Query.<name>History` exists. */
  readonly history: boolean
  /** Null: the field has no `@state`. */
  readonly state: FieldStateDefinition | null
  readonly file: string
  readonly line: number
}

/** The keyed state of a field, as `@state` defines it. */
export interface FieldStateDefinition {
  /** Where the key of a message is, in words. */
  readonly key: string
  /** Event types that remove the key of their message. */
  readonly deleteOn: readonly string[]
  /** How long keys stay after their last message. Null: always. */
  readonly keepMs: number | null
}

export interface ArgumentDefinition {
  readonly name: string
  readonly type: string
  readonly description: string | null
  readonly defaultValue: string | null
  /** What it is compared with, or what it does. */
  readonly meaning: string
}

export interface FieldBinding {
  readonly exchange: string
  readonly exchangeType: ExchangeType
  /** As written, with captures. */
  readonly routingKey: string
  readonly bindingKey: string
  /** Of the source that brings its messages into the journal. */
  readonly source: string
  /** Where the payload is in the body, as a JSON pointer. */
  readonly body: string
}

/** A file of the team's SDL. */
export interface SchemaFile {
  readonly path: string
  readonly text: string
}

/** Reads the schema of this process. Implemented by the composition root. */
export interface SchemaReader {
  /** Undefined without `WARREN_SCHEMA`. */
  readonly current: SchemaVersion | undefined
  /** The SDL of everything that clients see. */
  printServed(): string
  /** The fields of the schema that is served now. */
  fields(): readonly FieldDefinition[]
  /** The team's files as they were read. */
  files(): readonly SchemaFile[]
  /** The team's SDL of a field, and of the types that it reaches. */
  sdlOf(field: string): string
  /**
   * A field as a caller with this identity has it. `name`: the field and its arguments, such as
   * `orderChanged?customerId=7`. Throws `BAD_USER_INPUT`.
   */
  fieldFor(identity: Identity, name: string): FieldForCaller
}

export interface FieldForCaller {
  /** For one subscription, with the rights and the conditions of the caller. */
  readonly access: EventAccess
  /** What the field delivers for an event. Undefined: nothing. */
  resultOf(event: MessageEvent): FieldResultForCaller | undefined
}

export type FieldResultForCaller =
  /** `json`: in the form of `latin1Of`, with everything that the caller may select. */
  | { readonly kind: 'value'; readonly json: string; readonly removedKey: string | undefined }
  /** What the client gets in place of a value. */
  | { readonly kind: 'error'; readonly message: string }

/** Which schema a process serves. Times are in milliseconds since the epoch. */
export interface SchemaVersion {
  /** Equal for files of equal meaning. */
  readonly hash: string
  readonly since: number
  /** Why files that were read later are not served; null: none were refused. */
  readonly failure: { readonly at: number; readonly message: string } | null
}
