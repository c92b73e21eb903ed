import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute, type GraphQLSchema } from 'graphql'
import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'
import { traceparentName } from '../../core/model/trace-context.ts'
import { type CompiledSelection, compileSelection } from '../../graphql/compile/compiled-selection.ts'
import { EncodingCache } from '../flow/encoding-cache.ts'

/**
 * Executes and encodes an event once for all subscriptions with the same document, operation and
 * channel (as far as the selection contains the channel). A result contains nothing of the identity
 * (`CompiledSelection`), so the key contains nothing of it either.
 */
export class FanOut {
  readonly #schema: GraphQLSchema
  readonly #onExecute: () => void
  readonly #groups = new WeakMap<DocumentNode, Map<string, FanOutGroup | undefined>>()
  readonly #encodings = new EncodingCache()
  #groupCount = 0

  constructor(schema: GraphQLSchema, onExecute: () => void) {
    this.#schema = schema
    this.#onExecute = onExecute
  }

  /**
   * The group of all subscriptions with this operation; undefined if its results cannot be shared.
   * The caller has validated the document.
   */
  groupOf({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): FanOutGroup | undefined {
    let groups = this.#groups.get(document)
    if (!groups) {
      groups = new Map()
      this.#groups.set(document, groups)
    }
    const key = operationName ?? ''
    if (!groups.has(key)) {
      const selection = compileSelection(this.#schema, document, operationName)
      groups.set(key, selection && this.#makeGroup(selection))
    }
    return groups.get(key)
  }

  #makeGroup(selection: CompiledSelection): FanOutGroup {
    this.#groupCount += 1
    return new FanOutGroup({
      selection,
      encodings: this.#encodings,
      number: this.#groupCount,
      onExecute: this.#onExecute,
    })
  }
}

export interface GroupParts {
  readonly selection: CompiledSelection
  /** Shared by all groups. */
  readonly encodings: EncodingCache
  /** Number of this group; the `variant` in the cache. */
  readonly number: number
  readonly onExecute: () => void
}

export class FanOutGroup {
  readonly #parts: GroupParts

  constructor(parts: GroupParts) {
    this.#parts = parts
  }

  argumentsOf(variables: ExecutionArgs['variableValues']): Record<string, unknown> {
    return this.#parts.selection.argumentsOf(variables)
  }

  /**
   * `{"data":{…}}` of the event on this channel, as `latin1Of` makes it. Undefined if the result is
   * an error, which is not shared.
   */
  encode(event: ChannelEvent, channel: string, args: Readonly<Record<string, unknown>>): string | undefined {
    return this.#endOfNext(event, channel, args)?.slice(0, -1)
  }

  /**
   * Like `encode`, but if the result is an error, graphql-js executes it for this subscription
   * only, and `maskResult` makes it fit to show.
   */
  answer(...parameters: Parameters<FanOutGroup['endOfNext']>): string {
    return this.endOfNext(...parameters).slice(0, -1)
  }

  /**
   * Like `answer`, with the brace appended that closes a `next` message, so that the part that all
   * members share is one string.
   */
  endOfNext(
    event: ChannelEvent,
    channel: string,
    fieldArguments: Readonly<Record<string, unknown>>,
    args: ExecutionArgs,
    maskResult: (result: ExecutionResult) => object,
  ): string {
    const shared = this.#endOfNext(event, channel, fieldArguments)
    return shared ?? `${latin1Of(printJson(maskResult(answerOf(args, event))) ?? 'null')}}`
  }

  #endOfNext(event: ChannelEvent, channel: string, args: Readonly<Record<string, unknown>>): string | undefined {
    const { selection, encodings, number, onExecute } = this.#parts
    const cached = encodings.get(event, channel, number)
    if (cached !== undefined) return cached
    let text: string
    try {
      text = withTraceInText(selection.render(event, args), event)
    } catch {
      // `answerOf` executes it again with graphql-js, which reports the error.
      return undefined
    }
    onExecute()
    return encodings.add(`${text}}`, event, channel, number)
  }
}

/**
 * Executes one event with graphql-js, for a result with an error. All resolvers of events are
 * synchronous.
 */
export function answerOf(args: ExecutionArgs, event: ChannelEvent): ExecutionResult {
  return withTrace(event, execute({ ...args, rootValue: event }) as ExecutionResult)
}

/**
 * Adds the trace of the event's message to the result, if its publisher sent one. The client's own
 * spans can continue it.
 */
export function withTrace(event: ChannelEvent | undefined, result: ExecutionResult): ExecutionResult {
  if (event?.kind !== 'MESSAGE' || event.traceparent === undefined) return result
  return { ...result, extensions: { ...result.extensions, [traceparentName]: event.traceparent } }
}

/** Like `withTrace`, for the encoded text. */
function withTraceInText(text: string, event: ChannelEvent): string {
  if (event.kind !== 'MESSAGE' || event.traceparent === undefined) return text
  return `${text.slice(0, -1)},"extensions":{"${traceparentName}":"${event.traceparent}"}}`
}
