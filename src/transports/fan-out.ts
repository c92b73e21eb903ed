import { type DocumentNode, type ExecutionArgs, type ExecutionResult, execute, type GraphQLSchema } from 'graphql'
import type { ChannelEvent } from '../core/channel.ts'
import { traceparentName } from '../core/trace-context.ts'
import { compileProjection, type Projection } from '../graphql/projection.ts'

/**
 * Executes and encodes an event once for all who asked the same: subscriptions with the same document and operation, the same channel as far as
 * the selection tells it. Nothing of the identity is in a result (`Projection`), so nothing of it is in the key. The hub hands an event to one subscriber after
 * another, so that the last result is the one that the next subscriber needs.
 */
export class FanOut {
  readonly #schema: GraphQLSchema
  readonly #onExecute: () => void
  readonly #groups = new WeakMap<DocumentNode, Map<string, Group | undefined>>()

  constructor(schema: GraphQLSchema, onExecute: () => void) {
    this.#schema = schema
    this.#onExecute = onExecute
  }

  /** Of all subscriptions with this operation; undefined where its results can't be shared. The document has been validated. */
  groupOf({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): Group | undefined {
    let groups = this.#groups.get(document)
    if (!groups) {
      groups = new Map()
      this.#groups.set(document, groups)
    }
    const key = operationName ?? ''
    if (!groups.has(key)) {
      const projection = compileProjection(this.#schema, document, operationName)
      groups.set(key, projection && new Group(projection, this.#onExecute))
    }
    return groups.get(key)
  }
}

export class Group {
  readonly #projection: Projection
  readonly #onExecute: () => void
  #event: ChannelEvent | undefined
  #channel: string | undefined
  #encoded: string | undefined

  constructor(projection: Projection, onExecute: () => void) {
    this.#projection = projection
    this.#onExecute = onExecute
  }

  argumentsOf(variables: ExecutionArgs['variableValues']): Record<string, unknown> {
    return this.#projection.argumentsOf(variables)
  }

  /** `{"data":{…}}` of the event on this channel, as `latin1Of` makes it; undefined where it is an error, which is not shared. */
  encode(event: ChannelEvent, channel: string, args: Readonly<Record<string, unknown>>): string | undefined {
    if (this.#event === event && this.#channel === channel) return this.#encoded
    // A large message must not be held until the next one comes.
    if (!this.#event) process.nextTick(() => this.#forget())
    this.#event = event
    this.#channel = channel
    this.#encoded = undefined
    try {
      this.#encoded = latin1Of(traced(this.#projection.render(event, args), event))
      this.#onExecute()
    } catch {
      // graphql-js says what is wrong, in `answerOf`.
    }
    return this.#encoded
  }

  /** As `encode`; an error is answered by graphql-js, for this subscription alone, and shown as `masked` makes it. */
  answer(
    event: ChannelEvent,
    channel: string,
    fieldArguments: Readonly<Record<string, unknown>>,
    args: ExecutionArgs,
    masked: (result: ExecutionResult) => object,
  ): string {
    return this.encode(event, channel, fieldArguments) ?? latin1Of(JSON.stringify(masked(answerOf(args, event))))
  }

  #forget(): void {
    this.#event = undefined
    this.#encoded = undefined
  }
}

/** What graphql-js answers for one event: for a result with an error. All resolvers of events are synchronous. */
export function answerOf(args: ExecutionArgs, event: ChannelEvent): ExecutionResult {
  return withTraceOf(event, execute({ ...args, rootValue: event }) as ExecutionResult)
}

/** Tells the client the trace that the event's message belongs to, where its publisher said one: so that its own spans go on in it. */
export function withTraceOf(event: ChannelEvent | undefined, result: ExecutionResult): ExecutionResult {
  if (event?.kind !== 'MESSAGE' || event.traceparent === undefined) return result
  return { ...result, extensions: { ...result.extensions, [traceparentName]: event.traceparent } }
}

/** As `withTraceOf`, in the text. */
function traced(text: string, event: ChannelEvent): string {
  if (event.kind !== 'MESSAGE' || event.traceparent === undefined) return text
  return `${text.slice(0, -1)},"extensions":{"${traceparentName}":"${event.traceparent}"}}`
}

/** The UTF-8 bytes of a text, a character each: what `Outbox.push` takes. */
export function latin1Of(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
