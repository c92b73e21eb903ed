/** What an examination of the surroundings found, for `warren doctor`. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string
  /** `fail`: a gateway would not serve here. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** What was found, a sentence without a full stop. Never holds a secret. */
  readonly text: string
  /** What to do about it. */
  readonly advice?: string
}
