/** One result of `warren doctor`, which checks the broker, the registry and the configuration. */
export interface Finding {
  /** What was checked, in one or two words. */
  readonly check: string
  /** `fail`: a gateway would not serve here. `warn`: it would, but the operator should act. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** The result, a sentence without a full stop. Never contains a secret. */
  readonly text: string
  /** What to do about it. Undefined: nothing. */
  readonly advice?: string
}
