import { type ExecutionResult, type FormattedExecutionResult, GraphQLError } from 'graphql'
import type { ErrorCode } from '../../../errors.ts'
import { errorMasker } from '../../../graphql/mask-error.ts'
import { SharedOperations } from '../shared-operations.ts'
import type { OperationsParts } from './connection-operations.ts'

export interface OperationsPartsOptions extends Omit<OperationsParts, 'operations' | 'maskError' | 'maskResult'> {
  readonly introspection: boolean
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

/** What the connections of all protocols share, so that an operation is compiled once for all. */
export function operationsParts<Options extends OperationsPartsOptions>(options: Options): Options & OperationsParts {
  const masker = errorMasker(options.log, options.onRefusal, { suggestions: options.introspection })
  const maskError = (error: unknown) => withoutHttp(masker(error))
  return {
    ...options,
    operations: new SharedOperations(options.fanOut),
    maskError,
    maskResult: (result) => withMaskedErrors(result, maskError),
  }
}

function withMaskedErrors(
  { errors, ...result }: ExecutionResult,
  maskError: (error: unknown) => GraphQLError,
): FormattedExecutionResult {
  return { ...result, errors: errors?.map((error) => maskError(error).toJSON()) }
}

/** An HTTP status has no meaning on a connection that carries other answers too. */
function withoutHttp(error: GraphQLError): GraphQLError {
  // `new GraphQLError` records a stack trace, which costs as much as the rest of a refusal.
  if (!('http' in error.extensions)) return error
  const { http: _, ...extensions } = error.extensions
  const { nodes, source, positions, path } = error
  return new GraphQLError(error.message, { nodes, source, positions, path, extensions })
}
