import {
  coerceInputValue,
  type GraphQLArgument,
  type GraphQLInputType,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  isRequiredArgument,
} from 'graphql'
import { parseJson } from '../../core/json/parse-json.ts'
import type { MessageEvent } from '../../core/model/channel-event.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { EventAccess } from '../../core/ports/event-matcher.ts'
import type { EventTopic } from '../../core/ports/topic.ts'
import type { PositionTopic } from '../../core/positions/position-options.ts'
import { badInput } from '../../errors.ts'
import { callerOf } from '../access/event-caller.ts'
import { maySelect } from '../access/selected-fields.ts'
import { type EventField, ownArguments } from '../model/event-schema.ts'
import { type FixedProjection, fixedProjection } from '../projection/fixed-projection.ts'
import type { EventFields } from './event-fields.ts'
import type { ServedEvents } from './served-events.ts'
import { SubscriptionAccess } from './subscription-access.ts'
import { type EventError, resultOf, type WarrenExtension } from './typed-results.ts'

/** The longest name of a subscription, in bytes. */
const maxNameBytes = 1_024

/** What a message is on a transport without documents. */
export type NamedResult =
  /** `json`: the value, in the form of `latin1Of`. `invalid`: pointers of what became null. */
  | {
      readonly kind: 'value'
      readonly json: string
      readonly invalid: readonly string[] | undefined
      /** The members of `extensions.warren` that are for keyed state. Undefined: there is none. */
      readonly state: NamedState | undefined
    }
  | { readonly kind: 'error'; readonly error: EventError }

export type NamedState = Pick<WarrenExtension, 'state' | 'reset' | 'removed'>

/**
 * Subscriptions to typed fields by a name such as `orderChanged?customerId=7&status=PAID`, for
 * clients that send no documents: SocketCluster, plain WebSocket and TCP. The query is URL-encoded
 * (https://url.spec.whatwg.org/#urlencoded-parsing), and its values are read by the types of the
 * SDL.
 */
export class NamedEvents {
  readonly #served: ServedEvents
  readonly #fields: EventFields

  /** `fields`: of the schema by which names are read. */
  constructor(served: ServedEvents, fields: EventFields) {
    this.#served = served
    this.#fields = fields
  }

  /**
   * Undefined if the name is that of a channel. Throws `BAD_USER_INPUT` if the name begins as a
   * field does and the rest is wrong. `input`: where the caller gave the name, for the error.
   */
  open(name: string, input = 'channel'): NamedSubscription | undefined {
    const end = name.indexOf('?')
    const event = end < 0 ? undefined : this.#fields.schema.events.get(name.slice(0, end))
    if (!event) return undefined
    const bytes = Buffer.byteLength(name)
    if (bytes > maxNameBytes) throw badInput(input, `expected at most ${maxNameBytes} bytes, got ${bytes}`)
    const args = argumentsIn(event, this.#fields, { query: new URLSearchParams(name.slice(end + 1)), input })
    const access = new SubscriptionAccess(this.#served, {
      fields: this.#fields,
      field: event,
      args,
      selected: [],
      name,
    })
    return new NamedSubscription(access)
  }
}

/** By schema, then by the field and the fields below it that a caller may not select. */
const projections = new WeakMap<EventFields, Map<string, NumberedProjection | undefined>>()
let projectionCount = 0

function projectionFor(fields: EventFields, event: EventField, identity: Identity): NumberedProjection | undefined {
  const { schema } = fields
  const caller = callerOf(identity)
  const used = { operation: 'Subscription', name: event.name } as const
  const refused = new Set<string>()
  for (const [type, places] of schema.objects) {
    for (const [name, { allow }] of places) {
      const fullName = `${type}.${name}`
      if (allow.length > 0 && !maySelect(schema, caller, used, fullName)) refused.add(fullName)
    }
  }
  let known = projections.get(fields)
  if (!known) {
    known = new Map()
    projections.set(fields, known)
  }
  const key = [event.name, ...refused].join(' ')
  if (!known.has(key)) {
    const projection = fixedProjection(schema.schema, event.name, (type, name) => !refused.has(`${type}.${name}`))
    projectionCount += 1
    known.set(key, projection && { projection, number: projectionCount })
  }
  return known.get(key)
}

interface NumberedProjection {
  readonly projection: FixedProjection
  readonly number: number
}

/** One subscription by name. */
export class NamedSubscription implements EventAccess {
  readonly #access: SubscriptionAccess
  #printer: NumberedProjection | undefined

  constructor(access: SubscriptionAccess) {
    this.#access = access
  }

  /** Subscriptions with the same number print an event alike. */
  get variant(): number {
    return this.#printer?.number ?? 0
  }

  get wanted(): PositionTopic {
    return this.#access.wanted
  }

  topicFor(identity: Identity): EventTopic {
    const topic = this.#access.topicFor(identity)
    this.printFor(identity)
    return topic
  }

  /** Results have everything that a caller with this identity may select. */
  printFor(identity: Identity): void {
    const { fields, field } = this.#access.reader
    this.#printer = projectionFor(fields, field, identity)
  }

  reload(): boolean {
    return this.#access.reload()
  }

  release(): void {
    this.#access.release()
  }

  /** Undefined: nothing is sent. */
  resultOf(event: MessageEvent): NamedResult | undefined {
    const { fields, field: typed } = this.#access.reader
    const result = resultOf(fields, typed, event)
    if (result?.kind === 'error') return { kind: 'error', error: result.error }
    const { value } = result ?? {}
    if (!result || value === undefined) return undefined
    const { invalid, state, reset, removed } = result.warren
    const json = this.#printer?.projection.print(value) ?? 'null'
    const isPlain = state === undefined && removed === undefined
    return { kind: 'value', json, invalid, state: isPlain ? undefined : { state, reset, removed } }
  }
}

interface GivenArguments {
  readonly query: URLSearchParams
  readonly input: string
}

function argumentsIn(
  event: EventField,
  fields: EventFields,
  { query, input }: GivenArguments,
): Record<string, unknown> {
  const root = fields.schema.schema.getSubscriptionType()?.getFields()[event.name]
  // The protocol has its own place for these.
  const own = ownArguments(event.builtIn)
  const declared = new Map((root?.args ?? []).filter(({ name }) => !own.has(name)).map((one) => [one.name, one]))
  for (const name of query.keys()) {
    if (declared.has(name)) continue
    const expected = declared.size === 0 ? 'no arguments' : [...declared.keys()].join(', ')
    throw badInput(input, `${event.name} has no argument "${name}": expected ${expected}`)
  }
  const args: Record<string, unknown> = {}
  for (const argument of declared.values()) {
    const texts = query.getAll(argument.name)
    if (texts.length > 0) args[argument.name] = argumentValue(argument, texts, input)
    else if (argument.defaultValue !== undefined) args[argument.name] = argument.defaultValue
    else if (isRequiredArgument(argument)) throw badInput(input, `expected the argument ${argument.name}`)
  }
  return args
}

function argumentValue(argument: GraphQLArgument, texts: readonly string[], input: string): unknown {
  const type = getNullableType(argument.type)
  const [first = '', ...others] = texts
  if (!isListType(type) && others.length > 0) throw badInput(input, `${argument.name}: expected one value`)
  const given = isListType(type)
    ? texts.map((text) => inputValue(type.ofType, text, input))
    : inputValue(type, first, input)
  return coerceInputValue(given, argument.type, (_path, _invalid, error) => {
    throw badInput(input, `${argument.name}: ${error.message}`)
  })
}

/** What GraphQL takes for the text: a number, a boolean or an object where the type needs one. */
function inputValue(type: GraphQLInputType, text: string, input: string): unknown {
  const nullable = getNullableType(type)
  if (isInputObjectType(nullable) || isListType(nullable)) {
    try {
      return parseJson(text)
    } catch {
      throw badInput(input, `expected JSON for ${String(type)}, got ${JSON.stringify(text)}`)
    }
  }
  if (!isLeafType(nullable)) return text
  if (nullable.name === 'Boolean') return text === 'true' ? true : text === 'false' ? false : text
  if ((nullable.name === 'Int' || nullable.name === 'Float') && /^-?\d/.test(text)) return Number(text)
  return text
}
