/** The properties of a message that a place can name (`MessageProperty` in SDL). */
export const messageProperties = [
  'CURSOR',
  'GAP',
  'REMOVED',
  'MESSAGE_ID',
  'TYPE',
  'TIMESTAMP',
  'RECEIVED_AT',
  'EXCHANGE',
  'ROUTING_KEY',
  'CORRELATION_ID',
  'CONTENT_TYPE',
  'APP_ID',
  'REDELIVERED',
] as const
export type MessagePropertyName = (typeof messageProperties)[number]

/**
 * Where a value is in a message. Pointers are the reference tokens of a JSON pointer
 * (`splitPointer`); the empty list is the value itself.
 */
export type Place =
  /**
   * From the value at hand: the payload for arguments and root fields, an object for its fields.
   */
  | { readonly kind: 'body'; readonly pointer: readonly string[] }
  /** From the whole body, whatever `@events(body:)` names. */
  | { readonly kind: 'envelope'; readonly pointer: readonly string[] }
  /** The header with exactly this name. */
  | { readonly kind: 'header'; readonly name: string }
  /** What the capture of this name matched in the routing key. */
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'property'; readonly property: MessagePropertyName }

/** Whether the place is outside the body, so that its value is a text. */
export function isTextPlace({ kind }: Place): boolean {
  return kind !== 'body' && kind !== 'envelope'
}

/** Where something is written in the team's SDL. Line and column begin at 1. */
export interface SdlLocation {
  /** The path as given in `WARREN_SCHEMA`. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A mistake in the team's SDL. It prints as `file:line:column: message`. */
export interface SdlMistake {
  readonly location: SdlLocation
  /** What is wrong, and what is allowed. One sentence. */
  readonly message: string
  /** A remark does not prevent the schema from being served. */
  readonly severity: 'error' | 'remark'
}
