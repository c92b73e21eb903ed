import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { type ErrorCode, GatewayError } from '../errors.ts'

/**
 * Converts an error for the client. A `GatewayError` keeps its code and a GraphQL error stays
 * unchanged. Any other error becomes an id, which the log contains too.
 */
export function errorMasker(
  log: (text: string, details: Record<string, unknown>) => void,
  refused: (code: ErrorCode) => void = () => {},
  { suggestions = true }: { suggestions?: boolean } = {},
): (error: unknown) => GraphQLError {
  return (error) => {
    const cause = causeOf(error)
    if (cause instanceof GatewayError) {
      refused(cause.code)
      return gatewayError(cause, error)
    }
    if (error instanceof GraphQLError && (cause === undefined || cause instanceof GraphQLError))
      return suggestions ? error : withoutSuggestion(error)
    if (isAborted(cause)) return new GraphQLError('the client closed the connection during the request')
    const id = randomUUID()
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? error)
    log('unexpected error in an operation', { id, error: text })
    const { nodes, source, positions, path } = placeOf(error)
    return new GraphQLError(`Unexpected error; the gateway's log has it under ${id}`, {
      nodes,
      source,
      positions,
      path,
      extensions: { code: 'INTERNAL_SERVER_ERROR', id },
    })
  }
}

/**
 * Removes names of the schema, which a caller without introspection must not learn. Validation
 * omits them by option, but the executor, which checks variables, has no such option.
 */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ ?Did you mean [^]*\?$/, '')
  if (message === error.message) return error
  const { nodes, source, positions, path, extensions } = error
  return new GraphQLError(message, { nodes, source, positions, path, extensions })
}

/**
 * The client disconnected during its request (`node:http`). The gateway did not fail, and no client
 * receives the error.
 */
function isAborted(cause: unknown): boolean {
  return cause instanceof Error && cause.message === 'aborted' && 'code' in cause && cause.code === 'ECONNRESET'
}

/** The innermost error. Undefined for an error of GraphQL itself. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error
  return error.originalError === undefined ? undefined : causeOf(error.originalError)
}

function placeOf(error: unknown): Partial<Pick<GraphQLError, 'nodes' | 'source' | 'positions' | 'path'>> {
  return error instanceof GraphQLError ? error : {}
}

/** Converts a `GatewayError` to a GraphQL error at the place where it was thrown. */
export function gatewayError(
  cause: GatewayError,
  at?: unknown,
  extensions: Record<string, unknown> = {},
): GraphQLError {
  const { nodes, source, positions, path } = placeOf(at)
  return new GraphQLError(cause.message, {
    nodes,
    source,
    positions,
    path,
    extensions: {
      code: cause.code,
      ...(cause.field === undefined ? {} : { field: cause.field }),
      ...(cause.limit === undefined ? {} : { limit: cause.limit }),
      ...(cause.mayHaveRun ? { mayHaveRun: true } : {}),
      ...extensions,
    },
  })
}
