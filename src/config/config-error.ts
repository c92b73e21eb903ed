/**
 * The gateway cannot start with this configuration. Each problem is one line that begins with the
 * wrong option. Exit status 2.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
