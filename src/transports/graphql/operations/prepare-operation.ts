import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST, OperationTypeNode } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { OperationPages, PageLimit } from '../../../core/sessions/page-limits.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { declaredVariables } from '../compact-variables.ts'
import type { Yoga } from '../http.ts'
import type { SharedOperations } from '../shared-operations.ts'

export interface PreparedOperation {
  readonly args: ExecutionArgs
  /** Length of the operation's text, in characters. */
  readonly documentLength: number
  /** The subscription that `run` opened; undefined for other operations. */
  readonly subscription: ChannelSubscription | undefined
  /** The caller closes it when the answer has been written. */
  readonly pages: OperationPages
  run(): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>>
}

/**
 * Parses, validates and prepares an operation in Yoga's envelope, so that plugins, masking and
 * limits are the same as over HTTP. Rejects with the reason of a refusal.
 */
export async function prepareOperation(
  {
    yoga,
    operations,
    pages: allPages,
  }: {
    readonly yoga: Yoga
    readonly operations: SharedOperations
    readonly pages: PageLimit
  },
  session: Session,
  params: SubscribePayload,
): Promise<PreparedOperation | { readonly errors: readonly unknown[] }> {
  let subscription: ChannelSubscription | undefined
  const pages = allPages.open()
  const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
    session,
    onSubscription: (opened: ChannelSubscription) => {
      subscription = opened
    },
    pages,
    params,
  })
  const document = parse(params.query)
  const operation = getOperationAST(document, params.operationName)
  if (!operation) return { errors: [unknownOperation()] }
  const errors = validate(schema, document)
  if (errors.length > 0) return { errors }
  const { operationName } = params
  const variableValues = declaredVariables(document, operationName, params.variables)
  operations.add(params.query, { schema, document, operationName })
  const contextValue = (await contextFactory()) as { params?: unknown }
  // A subscription holds its context while it runs, and `params` holds the client's message.
  delete contextValue.params
  const args: ExecutionArgs = { schema, document, operationName, variableValues, contextValue }
  const documentLength = params.query.length
  return {
    args,
    documentLength,
    get subscription() {
      return subscription
    },
    pages,
    run: async () =>
      operation.operation === OperationTypeNode.SUBSCRIPTION ? subscribe(args) : session.during(execute(args)),
  }
}

export function isAsyncGenerator(
  result: ExecutionResult | AsyncGenerator<ExecutionResult>,
): result is AsyncGenerator<ExecutionResult> {
  return Symbol.asyncIterator in result
}

/** The same text as on the HTTP side. */
function unknownOperation(): GraphQLError {
  return new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  })
}
