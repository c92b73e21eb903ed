import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST, OperationTypeNode } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { OperationPages, PageLimit } from '../../../core/sessions/page-limits.ts'
import type { Session } from '../../../core/sessions/session.ts'
import { declaredVariables } from '../compact-variables.ts'
import type { Yoga } from '../http.ts'
import type { SharedOperations } from '../shared-operations.ts'

export interface Started {
  readonly args: ExecutionArgs
  /** Of its text. */
  readonly documentLength: number
  /** What a subscription has opened, from `run` on. */
  readonly subscription: ChannelSubscription | undefined
  /** To be closed when its answer has been written. */
  readonly pages: OperationPages
  run(): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>>
}

/**
 * Parses, validates and prepares an operation in Yoga's envelope: its plugins, masking and limits
 * are around it as over HTTP. Rejects with what stands in the way.
 */
export async function begin(
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
): Promise<Started | { readonly errors: readonly unknown[] }> {
  let subscription: ChannelSubscription | undefined
  const pages = allPages.open()
  const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
    session,
    onFeed: (opened: ChannelSubscription) => {
      subscription = opened
    },
    pages,
    params,
  })
  const document = parse(params.query)
  const operation = getOperationAST(document, params.operationName)
  if (!operation) return { errors: [noSuchOperation()] }
  const errors = validate(schema, document)
  if (errors.length > 0) return { errors }
  const { operationName } = params
  const variableValues = declaredVariables(document, operationName, params.variables)
  operations.add(params.query, { schema, document, operationName })
  const contextValue = (await contextFactory()) as { params?: unknown }
  // A subscription holds its context for as long as it runs, and with it what the client sent.
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

/** In the words of the HTTP side. */
function noSuchOperation(): GraphQLError {
  return new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  })
}
