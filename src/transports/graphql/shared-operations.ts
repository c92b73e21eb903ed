import type { DocumentNode, ExecutionArgs, GraphQLSchema } from 'graphql'
import { type CompiledSubscribe, compileSubscribe } from '../../graphql/compile/compiled-subscribe.ts'
import { DocumentCache } from './document-cache.ts'
import type { FanOut, FanOutGroup } from './fan-out.ts'

/**
 * A subscription that can begin without Yoga's envelope: everything except its variables was
 * compiled for the first client that sent it. Its results are shared.
 */
export interface SharedOperation {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  readonly group: FanOutGroup
  readonly compiled: CompiledSubscribe
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
    return document && this.#operations.get(document)?.get(operationName ?? '')
  }

  /** The caller has validated the document, and it contains this operation. */
  add(text: string, { schema, document, operationName }: ExecutionArgs): void {
    let operations = this.#operations.get(document)
    if (!operations) {
      operations = new Map()
      this.#operations.set(document, operations)
    }
    const name = operationName ?? ''
    if (!operations.has(name)) operations.set(name, this.#compile(schema, document, operationName))
    if (operations.get(name)) this.#documents.set(text, document)
  }

  #compile(
    schema: GraphQLSchema,
    document: DocumentNode,
    operationName: string | null | undefined,
  ): SharedOperation | undefined {
    const group = this.#fanOut.groupOf({ document, operationName })
    const compiled = group && compileSubscribe(schema, document, operationName)
    return compiled && { schema, document, group, compiled }
  }
}
