/**
 * The database cannot be reached or refused a statement. Drivers put whole rows into their errors
 * (PostgreSQL's `detail`: "Failing row contains (alice, alice@example.org, …)"), and errors are
 * logged. So this error keeps only the message and the code, and no cause.
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

/** Checks the shape, not the class, because drivers throw various objects with a message. */
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
