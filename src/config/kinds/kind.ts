/** How the text of one option becomes a value, and a value text again. */
export interface Kind<T> {
  /** What is allowed; completes the sentence "expected …". */
  readonly expected: string
  /** Throws `BadValue` for whatever is not allowed. */
  parse(text: string): T
  /**
   * As somebody would write it, so that `parse(print(value))` is the value again; secrets are
   * masked.
   */
  print(value: T): string
}

/**
 * The text is not of the kind. `got` completes "…, got" where that says more than the text itself,
 * and never shows a secret.
 */
export class BadValue extends Error {
  override readonly name = 'BadValue'
  readonly got: string | undefined

  constructor(got?: string) {
    super(got ?? 'not of the kind')
    this.got = got
  }
}
