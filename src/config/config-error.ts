/**
 * The gateway cannot start like this. Each problem is one line that begins with the option that is
 * wrong; exit status 2.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
