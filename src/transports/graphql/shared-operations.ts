import type { DocumentNode, ExecutionArgs, GraphQLSchema } from 'graphql'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import { compileSubscribe } from '../../graphql/compile/compiled-subscribe.ts'
import type { Context } from '../../graphql/context.ts'
import { DocumentCache } from './document-cache.ts'
import type { FanOut, FanOutGroup } from './fan-out.ts'

/**
 * A subscription that can begin without Yoga's envelope: everything except its variables was
 * compiled for the first client that sent it. Its results are shared.
 */
export interface SharedOperation {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  /** Undefined, before any effect, if graphql-js has to begin it. `context` is made on demand. */
  begin(variables: ExecutionArgs['variableValues'], context: () => Context): BegunOperation | undefined
}

export interface BegunOperation {
  readonly subscription: ChannelSubscription
  readonly group: FanOutGroup
  /** The coerced arguments of the root field. */
  readonly fieldArguments: Record<string, unknown>
}

/**
 * Subscriptions by their text that passed the limits and validation. Both depend on the text only,
 * so the same operation is compiled once.
 */
export class SharedOperations {
  readonly #fanOut: FanOut
  readonly #documents = new DocumentCache()
  readonly #operations = new WeakMap<DocumentNode, Map<string, SharedOperation | undefined>>()

  constructor(fanOut: FanOut) {
    this.#fanOut = fanOut
  }

  /** Undefined if the operation is new or cannot be shared. */
  get(text: string, operationName: string | null | undefined): SharedOperation | undefined {
    const document = this.#documents.get(text)
    const operation = document && this.#operations.get(document)?.get(operationName ?? '')
    // A reload of the schema may have made it invalid.
    return operation?.schema === this.#fanOut.schema ? operation : undefined
  }

  /** The caller has validated the document, and it contains this operation. */
  add(text: string, { schema, document, operationName }: ExecutionArgs): void {
    let operations = this.#operations.get(document)
    if (!operations) {
      operations = new Map()
      this.#operations.set(document, operations)
    }
    const name = operationName ?? ''
    if (!operations.has(name) || operations.get(name)?.schema !== schema) {
      const operation = { document, operationName }
      operations.set(name, this.#typed(schema, operation) ?? this.#channel(schema, operation))
    }
    if (operations.get(name)) this.#documents.set(text, document)
  }

  #channel(
    schema: GraphQLSchema,
    operation: Pick<ExecutionArgs, 'document' | 'operationName'>,
  ): SharedOperation | undefined {
    const { document, operationName } = operation
    const group = this.#fanOut.groupOf(operation)
    const compiled = group && compileSubscribe(schema, document, operationName)
    if (!compiled) return undefined
    return {
      schema,
      document,
      begin(variables, context) {
        const fieldArguments = compiled.argumentsOf(variables)
        const subscription = fieldArguments && compiled.subscription(fieldArguments, context())
        return subscription && { subscription, group, fieldArguments }
      },
    }
  }

  #typed(schema: GraphQLSchema, given: Pick<ExecutionArgs, 'document' | 'operationName'>): SharedOperation | undefined {
    const operation = this.#fanOut.typedOperation(given)
    return (
      operation && {
        schema,
        document: given.document,
        begin: (variables, context) => {
          const group = this.#fanOut.groupOf({ ...given, variableValues: variables })
          const fieldArguments = operation.argumentsOf(variables)
          if (!group || !fieldArguments) return undefined
          try {
            return { subscription: operation.subscribe(fieldArguments, variables, context()), group, fieldArguments }
          } catch {
            // Graphql-js repeats the call to report the error.
            return undefined
          }
        },
      }
    )
  }
}
