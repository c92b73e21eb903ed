import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { JsonText } from '../../core/json/print-json.ts'
import { compileFeedSelection } from '../../graphql/compile/compiled-selection.ts'
import type { FeedContext } from '../../graphql/compile/selection-printer.ts'

export interface FeedResultsParts extends FeedContext {
  readonly onExecute: () => void
}

/** An event of a feed, as an object that all its subscribers get. */
type FeedEvent = object

/**
 * Executes and encodes an event of a feed (`sharedFeed`) once for all subscriptions with the same
 * operation, such as the rates that several consoles show. Their variables may differ: these choose
 * the feed, and with it the events.
 */
export class FeedResults {
  readonly #parts: FeedResultsParts
  /** By operation name. */
  readonly #operations = new WeakMap<DocumentNode, Map<string, SharedFeed>>()

  constructor(parts: FeedResultsParts) {
    this.#parts = parts
  }

  readonly plugin: Plugin = {
    onSubscribe: ({ args, setSubscribeFn }) => {
      const shared = this.#sharedFeed(args)
      if (shared.isShareable) setSubscribeFn((given: ExecutionArgs) => shared.subscribe(given))
    },
  }

  #sharedFeed({ schema, document, operationName }: ExecutionArgs): SharedFeed {
    const { gateway, inspection, onExecute } = this.#parts
    const operations = this.#operations.get(document) ?? new Map<string, SharedFeed>()
    this.#operations.set(document, operations)
    const name = operationName ?? ''
    const known = operations.get(name)
    // A reload of the schema keeps the document.
    if (known?.schema === schema) return known
    const print = compileFeedSelection(schema, document, operationName, { gateway, inspection })
    const shared = new SharedFeed(schema, print, onExecute)
    operations.set(name, shared)
    return shared
  }
}

/** The results of one operation. */
class SharedFeed {
  readonly schema: GraphQLSchema
  readonly #print: ((event: unknown) => string) | undefined
  readonly #onExecute: () => void
  readonly #results = new WeakMap<FeedEvent, ExecutionResult>()

  constructor(schema: GraphQLSchema, print: ((event: unknown) => string) | undefined, onExecute: () => void) {
    this.schema = schema
    this.#print = print
    this.#onExecute = onExecute
  }

  /** Whether it is a feed, and its results depend on the event only. */
  get isShareable(): boolean {
    return this.#print !== undefined
  }

  /** As `subscribe` of graphql-js. */
  async subscribe(args: ExecutionArgs): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
    const events = await createSourceEventStream(args)
    if (!(Symbol.asyncIterator in events)) return events
    const source = events[Symbol.asyncIterator]() as AsyncIterator<FeedEvent>
    const results: AsyncIterableIterator<ExecutionResult> = {
      next: async () => {
        const { done, value } = await source.next()
        return done ? { done, value: undefined } : { done: false, value: await this.#resultOf(value, args) }
      },
      // Not a generator, because that ends only when its source has yielded once more.
      return: async () => {
        await source.return?.()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => results,
    }
    return results
  }

  #resultOf(event: FeedEvent, args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> {
    const known = this.#results.get(event)
    if (known) return known
    try {
      // Each printer of results prints it as it is.
      const data: unknown = new JsonText(this.#print?.(event) ?? '')
      const result: ExecutionResult = { data: data as ExecutionResult['data'] }
      this.#results.set(event, result)
      this.#onExecute()
      return result
    } catch {
      // Graphql-js reports the error, or awaits what a resolver promises.
      return execute({ ...args, rootValue: event })
    }
  }
}

/** Whether `FeedResults` has made and counted the result. */
export function isShared({ data }: ExecutionResult): boolean {
  return (data as unknown) instanceof JsonText
}
