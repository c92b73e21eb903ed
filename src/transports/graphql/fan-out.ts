import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute, type GraphQLSchema } from 'graphql'
import { traceparentName } from '../../core/accounting/trace-context.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ChannelEvent, GapEvent } from '../../core/model/channel-event.ts'
import type { Projection } from '../../events/projection/compiled-projection.ts'
import { continuingField } from '../../events/serving/same-meaning.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import type { TypedOperation, TypedOperations } from '../../events/serving/typed-operations.ts'
import { printEvent, resultOf } from '../../events/serving/typed-results.ts'
import { type CompiledSelection, compileSelection } from '../../graphql/compile/compiled-selection.ts'
import { EncodingCache } from '../encoding/encoding-cache.ts'

type Operation = Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>

/**
 * Executes and encodes an event once for all subscriptions with the same document, operation and
 * channel (as far as the selection contains the channel). A result contains nothing of the identity
 * (`CompiledSelection`), so the key contains nothing of it either.
 */
export class FanOut {
  readonly #served: ServedSchema
  readonly #onExecute: () => void
  readonly #groups = new WeakMap<DocumentNode, Map<string, FanOutGroup | undefined>>()
  readonly #typedGroups = new WeakMap<Projection, FanOutGroup>()
  readonly #encodings = new EncodingCache()
  #groupCount = 0

  constructor(served: ServedSchema, onExecute: () => void) {
    this.#served = served
    this.#onExecute = onExecute
  }

  /** The schema that is served now. */
  get schema(): GraphQLSchema {
    return this.#served.current.schema
  }

  /** The operation, if it is a subscription to a typed field. */
  typedOperation({ document, operationName }: Operation): TypedOperation | undefined {
    return this.#served.current.operations?.of(document, operationName)
  }

  /**
   * The group of all subscriptions with this operation (and the variables on which the selection of
   * a typed field depends); undefined if its results cannot be shared. The caller has validated the
   * document.
   */
  groupOf(given: Operation): FanOutGroup | undefined {
    const operation = this.typedOperation(given)
    if (operation) return this.#typedGroup(operation, given.variableValues)
    const { document, operationName } = given
    let groups = this.#groups.get(document)
    if (!groups) {
      groups = new Map()
      this.#groups.set(document, groups)
    }
    const key = operationName ?? ''
    if (!groups.has(key)) {
      const selection = compileSelection(this.schema, document, operationName)
      groups.set(key, selection && this.#makeGroup(channelResults(selection)))
    }
    return groups.get(key)
  }

  /** Adds what every result of the event has to a result of graphql-js. */
  extend(
    event: ChannelEvent | undefined,
    result: ExecutionResult,
    operation: TypedOperation | undefined,
  ): ExecutionResult {
    const extended = withTrace(event, result)
    const typed = event && operation && resultOf(operation.fields, operation.field, event)
    return typed ? { ...extended, extensions: { ...extended.extensions, warren: typed.warren } } : extended
  }

  #typedGroup(operation: TypedOperation, variables: Operation['variableValues']): FanOutGroup | undefined {
    const projection = operation.projectionOf(variables)
    if (!projection) return undefined
    const known = this.#typedGroups.get(projection)
    if (known) return known
    const group = this.#makeGroup(typedResults(this.#served, { operation, projection, variables }))
    this.#typedGroups.set(projection, group)
    return group
  }

  #makeGroup(results: SharedResults): FanOutGroup {
    this.#groupCount += 1
    return new FanOutGroup({
      results,
      encodings: this.#encodings,
      number: this.#groupCount,
      onExecute: this.#onExecute,
    })
  }
}

/** How the results of one operation are made, once for all who asked the same. */
export interface SharedResults {
  /** The coerced arguments of the root field. Throws if coercion fails. */
  argumentsOf(variables: ExecutionArgs['variableValues']): Record<string, unknown>
  /**
   * The text of a result, in the form of `latin1Of`. Undefined: nothing is sent for this event.
   * Throws if graphql-js has to execute the operation. `gap`: marks the result, see `holdsGaps`.
   */
  render(event: ChannelEvent, args: Readonly<Record<string, unknown>>, gap?: GapEvent): string | undefined
  /** Whether a result depends on the channel. */
  readonly byChannel: boolean
  /** Whether a gap is not sent by itself, and marks the next event. */
  readonly holdsGaps: boolean
}

function channelResults(selection: CompiledSelection): SharedResults {
  return {
    argumentsOf: (variables) => selection.argumentsOf(variables),
    render: (event, args) => withTraceInText(selection.render(event, args), event),
    byChannel: true,
    holdsGaps: false,
  }
}

interface TypedReader {
  readonly operation: TypedOperation
  readonly projection: Projection
  /** Of the first subscription: those that share a projection differ in root arguments only. */
  readonly variables: Operation['variableValues']
}

function typedResults(served: ServedSchema, first: TypedReader): SharedResults {
  let reader = first
  let { operations } = served.current
  return {
    argumentsOf: (variables) => reader.operation.argumentsOf(variables) ?? {},
    render: (event, _args, gap) => {
      if (served.current.operations !== operations) {
        ;({ operations } = served.current)
        reader = readerAfterReload(operations, reader) ?? reader
      }
      const { fields, field } = reader.operation
      return printEvent(fields, field, event, reader.projection, gap)
    },
    byChannel: false,
    holdsGaps: first.operation.field.gapForm.kind === 'next',
  }
}

/** Undefined: the subscriptions do not continue, and are read as before until they end. */
function readerAfterReload(operations: TypedOperations | undefined, reader: TypedReader): TypedReader | undefined {
  const { operation, variables } = reader
  const { fields, field, document } = operation
  const selected = operation.selectedFields(variables)
  const continues =
    operations && continuingField(fields.schema, operations.fields.schema, { field, args: {}, selected, document })
  const next = continues && operations.of(document, operation.operationName)
  const projection = next?.projectionOf(variables)
  return next && projection && { operation: next, projection, variables }
}

export interface GroupParts {
  readonly results: SharedResults
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

  /** As in `SharedResults`. */
  get holdsGaps(): boolean {
    return this.#parts.results.holdsGaps
  }

  argumentsOf(variables: ExecutionArgs['variableValues']): Record<string, unknown> {
    return this.#parts.results.argumentsOf(variables)
  }

  /**
   * The result of the event on this channel, as `latin1Of` makes it. Undefined if the result is an
   * error that is not shared, or if nothing is sent.
   */
  encode(event: ChannelEvent, channel: string, args: Readonly<Record<string, unknown>>): string | undefined {
    const end = this.#endOfNext(event, channel, args)
    return typeof end === 'string' ? end.slice(0, -1) : undefined
  }

  /**
   * Like `encode`, but if the result is an error, graphql-js executes it for this subscription
   * only, and `maskResult` makes it fit to show. Undefined if nothing is sent.
   */
  answer(...parameters: Parameters<FanOutGroup['endOfNext']>): string | undefined {
    return this.endOfNext(...parameters)?.slice(0, -1)
  }

  /**
   * Like `answer`, with the brace appended that closes a `next` message, so that the part that all
   * members share is one string. `gap`: marks the result, see `holdsGaps`.
   */
  endOfNext(
    event: ChannelEvent,
    channel: string,
    fieldArguments: Readonly<Record<string, unknown>>,
    args: ExecutionArgs,
    maskResult: (result: ExecutionResult) => object,
    gap?: GapEvent,
  ): string | undefined {
    const shared = this.#endOfNext(event, channel, fieldArguments, gap)
    if (shared !== notShared) return shared
    return `${latin1Of(printJson(maskResult(answerOf(args, event))) ?? 'null')}}`
  }

  #endOfNext(
    event: ChannelEvent,
    channel: string,
    args: Readonly<Record<string, unknown>>,
    gap?: GapEvent,
  ): string | undefined | typeof notShared {
    const { results, encodings, number, onExecute } = this.#parts
    const key = results.byChannel ? channel : ''
    const cached = gap ? undefined : encodings.get(event, key, number)
    if (cached !== undefined) return cached
    let text: string | undefined
    try {
      text = results.render(event, args, gap)
    } catch {
      // `answerOf` executes it again with graphql-js, which reports the error.
      return notShared
    }
    if (text === undefined) return undefined
    onExecute()
    return gap ? `${text}}` : encodings.add(`${text}}`, event, key, number)
  }
}

/** Graphql-js has to execute the operation. */
const notShared = Symbol('not shared')

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
function withTrace(event: ChannelEvent | undefined, result: ExecutionResult): ExecutionResult {
  if (event?.kind !== 'MESSAGE' || event.traceparent === undefined) return result
  return { ...result, extensions: { ...result.extensions, [traceparentName]: event.traceparent } }
}

/** Like `withTrace`, for the encoded text. */
function withTraceInText(text: string, event: ChannelEvent): string {
  if (event.kind !== 'MESSAGE' || event.traceparent === undefined) return text
  return `${text.slice(0, -1)},"extensions":{"${traceparentName}":"${event.traceparent}"}}`
}
