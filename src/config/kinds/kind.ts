/** Converts the text of an option to its value and back. */
export interface Kind<T> {
  /** What is allowed; completes the sentence "expected …". */
  readonly expected: string
  /** Throws `BadValue` if the text is not allowed. */
  parse(text: string): T
  /** The text of a value, so that `parse(print(value))` is the value again. Secrets are masked. */
  print(value: T): string
}

/**
 * The text is not allowed. `got` completes "…, got" if it is clearer than the text itself. It never
 * contains a secret.
 */
export class BadValue extends Error {
  override readonly name = 'BadValue'
  readonly got: string | undefined

  constructor(got?: string) {
    super(got ?? 'invalid value')
    this.got = got
  }
}
