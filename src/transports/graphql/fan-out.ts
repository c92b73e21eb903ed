import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute, type GraphQLSchema } from 'graphql'
import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'
import { traceparentName } from '../../core/model/trace-context.ts'
import { type CompiledSelection, compileSelection } from '../../graphql/compile/compiled-selection.ts'
import { EncodingCache } from '../flow/encoding-cache.ts'

/**
 * Executes and encodes an event once for all who asked the same: subscriptions with the same
 * document and operation, the same channel as far as the selection tells it. Nothing of the
 * identity is in a result (`CompiledSelection`), so nothing of it is in the key.
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
   * Of all subscriptions with this operation; undefined where its results can't be shared. The
   * document has been validated.
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
  /** Of all groups. */
  readonly encodings: EncodingCache
  /** This one's own. */
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
   * `{"data":{…}}` of the event on this channel, as `latin1Of` makes it; undefined where it is an
   * error, which is not shared.
   */
  encode(event: ChannelEvent, channel: string, args: Readonly<Record<string, unknown>>): string | undefined {
    return this.#endOfNext(event, channel, args)?.slice(0, -1)
  }

  /**
   * As `encode`; an error is answered by graphql-js, for this subscription alone, and shown as
   * `masked` makes it.
   */
  answer(...asked: Parameters<FanOutGroup['endOfNext']>): string {
    return this.endOfNext(...asked).slice(0, -1)
  }

  /**
   * As `answer`, with the brace behind it that closes a `next` message: what all members write
   * alike is kept in one piece.
   */
  endOfNext(
    event: ChannelEvent,
    channel: string,
    fieldArguments: Readonly<Record<string, unknown>>,
    args: ExecutionArgs,
    masked: (result: ExecutionResult) => object,
  ): string {
    const shared = this.#endOfNext(event, channel, fieldArguments)
    return shared ?? `${latin1Of(printJson(masked(answerOf(args, event))) ?? 'null')}}`
  }

  #endOfNext(event: ChannelEvent, channel: string, args: Readonly<Record<string, unknown>>): string | undefined {
    const { selection, encodings, number, onExecute } = this.#parts
    const known = encodings.get(event, channel, number)
    if (known !== undefined) return known
    let text: string
    try {
      text = traced(selection.render(event, args), event)
    } catch {
      // graphql-js says what is wrong, in `answerOf`.
      return undefined
    }
    onExecute()
    return encodings.add(`${text}}`, event, channel, number)
  }
}

/**
 * What graphql-js answers for one event: for a result with an error. All resolvers of events are
 * synchronous.
 */
export function answerOf(args: ExecutionArgs, event: ChannelEvent): ExecutionResult {
  return withTraceOf(event, execute({ ...args, rootValue: event }) as ExecutionResult)
}

/**
 * Tells the client the trace that the event's message belongs to, where its publisher said one: so
 * that its own spans go on in it.
 */
export function withTraceOf(event: ChannelEvent | undefined, result: ExecutionResult): ExecutionResult {
  if (event?.kind !== 'MESSAGE' || event.traceparent === undefined) return result
  return { ...result, extensions: { ...result.extensions, [traceparentName]: event.traceparent } }
}

/** As `withTraceOf`, in the text. */
function traced(text: string, event: ChannelEvent): string {
  if (event.kind !== 'MESSAGE' || event.traceparent === undefined) return text
  return `${text.slice(0, -1)},"extensions":{"${traceparentName}":"${event.traceparent}"}}`
}
