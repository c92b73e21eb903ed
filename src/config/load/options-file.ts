import { ConfigError } from '../config-error.ts'
import type { Environment } from './service-links.ts'

/**
 * Reads the variables from a file of `NAME=value` lines, in the format of Docker's `--env-file`.
 * Empty lines and lines that begin with `#` are ignored; quotes are part of the value. `givenAs` is
 * the variable or flag that named the file. Throws `ConfigError`.
 */
export function readOptionsFile(path: string, givenAs: string, readFile: (path: string) => string): Environment {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ConfigError([`${givenAs}: expected a readable file, got ${JSON.stringify(path)} (${reason})`])
  }
  const variables: Record<string, string> = Object.create(null) as Record<string, string>
  const problems: string[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, name, value] = /^(WARREN_[A-Z_]+)=(.*)$/.exec(line) ?? []
    // The line is not repeated because it may hold a secret.
    if (name === undefined || value === undefined)
      problems.push(
        `${path}, line ${index + 1}: expected a WARREN_ variable and its value, such as WARREN_LOG_LEVEL=debug`,
      )
    else variables[name] = value
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return variables
}
