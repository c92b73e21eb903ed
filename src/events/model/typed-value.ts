import type { MessageProperties } from '../../core/model/message.ts'

/**
 * A value that validation accepted, in the form that GraphQL prints: an object of a team's type is
 * a `TypedObject`, a list an array, an enum value its name, ID, Decimal, BigInt, UUID, DateTime and
 * Date a string with every digit, Int and Float a number, JSON any parsed JSON value (numbers as
 * `parseJson` makes them). Absent and null are both null.
 */
export type TypedValue = string | number | boolean | null | TypedObject | readonly TypedValue[] | JsonScalar

/** Holds a value of the scalar JSON, because it may look like any other value. */
export class JsonScalar {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

/** An object of one type: every field of the type, whether or not a client selects it. */
export class TypedObject {
  readonly typeName: string
  /** Field name → value; without prototype. */
  readonly fields: Readonly<Record<string, TypedValue>>

  constructor(typeName: string, fields: Readonly<Record<string, TypedValue>>) {
    this.typeName = typeName
    this.fields = fields
  }
}

/** What validation of a message for one field found. */
export type Verdict =
  /** `invalid`: pointers of what became null because of `invalid: NULL`; else empty. */
  | {
      readonly kind: 'valid'
      readonly value: TypedValue
      readonly invalid: readonly string[]
      /** The key of keyed state that the message removes. */
      readonly removed?: string
    }
  /** Its event type or an `@only` condition excludes it: it is not for this field. */
  | { readonly kind: 'filtered' }
  | InvalidVerdict

/** `pointer`: where in the body, as a JSON pointer; for other places `header:<name>` and so on. */
export interface InvalidVerdict {
  readonly kind: 'invalid'
  readonly pointer: string
  readonly expected: string
}

/** A message as typed events read it. */
export interface EventInput {
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly redelivered: boolean
  /** In milliseconds since the epoch. */
  readonly receivedAt: number
  /** The printed cursor of the message. Computed on demand, because it costs a checksum. */
  readonly cursor: string
  /**
   * The whole body as JSON (`parseJson`); undefined if it is neither JSON, msgpack nor CBOR. Parsed
   * once, on demand. Throws `UndecodableBody`.
   */
  body(): unknown
}
