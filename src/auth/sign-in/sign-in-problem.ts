/**
 * Why a sign-in did not succeed, as the console reads it. `denied`: the provider refused it.
 * `invalid`: its answer does not fit the request. `expired`: it took too long, or the session is
 * over. `no-role`: the user has no role in the console. `away`: the provider does not answer.
 * `busy`: too many sign-ins at once.
 */
export const signInProblems = ['denied', 'invalid', 'expired', 'no-role', 'away', 'busy'] as const
export type SignInProblemCode = (typeof signInProblems)[number]

/** The message is for the log. It contains no token and no code. */
export class SignInProblem extends Error {
  override readonly name = 'SignInProblem'
  readonly code: SignInProblemCode

  constructor(code: SignInProblemCode, message: string) {
    super(message)
    this.code = code
  }
}
