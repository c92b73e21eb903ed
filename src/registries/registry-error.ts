/**
 * A database that cannot be reached, or refuses. Drivers put whole rows into their errors
 * (PostgreSQL's `detail`: "Failing row contains (alice, alice@example.org, …)"), and errors end in
 * logs: so only the sentence and the code are kept, and no cause.
 */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  /** SQLSTATE, SQLite's result code, or the system's (`ECONNREFUSED`). */
  readonly code: string | undefined

  constructor(what: string, error: unknown) {
    const code = codeOf(error)
    super(`the registry ${what}: ${sentenceOf(error) || code || 'unknown reason'}`)
    this.code = code
  }
}

/** By shape, not by class: drivers throw whatever has a message. */
export function codeOf(error: unknown): string | undefined {
  const code = field(error, 'code')
  return typeof code === 'string' && code !== '' ? code : undefined
}

/** A refused connection to a name with several addresses is an AggregateError without a message. */
function sentenceOf(error: unknown): string {
  const message = field(error, 'message')
  if (typeof message === 'string' && message !== '') return message
  const errors = field(error, 'errors')
  return Array.isArray(errors) ? errors.map(sentenceOf).join('; ') : ''
}

function field(error: unknown, name: 'code' | 'message' | 'errors'): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined
}
