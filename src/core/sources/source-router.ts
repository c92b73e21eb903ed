import { UndecodableBody } from '../body/decode-body.ts'
import { BoundedSet } from '../limits/bounded-set.ts'
import type { Message, Publication } from '../model/message.ts'
import { type Audience, isSchemaDefinition, type Source } from '../model/source.ts'
import { bindingMatcherOf, type Matcher, matcherOf } from './source-matcher.ts'

/** An audience that `SourceRouter` has computed for a message. */
export interface KnownAudience {
  readonly audience: Audience
  /** Identifies the set of sources that the audience was computed from. */
  readonly generation: object
}

/** A message that can cache its audience, for messages that are routed many times. */
export interface Routable extends Message {
  /** Undefined until the first call of `knownAudienceOf`. */
  known?: KnownAudience | undefined
}

interface Taker {
  readonly id: string
  readonly takes: (routingKey: string) => boolean
}

interface Finder extends Taker {
  readonly match: Matcher
}

/** The sources that this replica serves. Computes which channels a message is for. */
export class SourceRouter {
  readonly #byId = new Map<string, Source>()
  readonly #byExchange = new Map<string, readonly Taker[]>()
  /** Only the sources that find clients: those of typed fields do not. */
  readonly #finders = new Map<string, readonly Finder[]>()
  readonly #maxBodyBytes: number | undefined
  /** Exchanges of removed sources: the journal may still hold their messages. */
  readonly #formerExchanges = new BoundedSet<string>(1_000)
  /** Replaced by another object whenever the sources change. */
  #generation = {}

  /** `maxBodyBytes`: the most that a compressed body may grow to. */
  constructor(maxBodyBytes?: number) {
    this.#maxBodyBytes = maxBodyBytes
  }

  get(id: string): Source | undefined {
    return this.#byId.get(id)
  }

  /** The exchange and the routing key of a source; the id if no source has it. */
  nameOf(id: string): string {
    const source = this.#byId.get(id)
    return source ? `${source.exchange} ${source.routingKey}`.trim() : id
  }

  /** Whether any source has this exchange. */
  hasExchange(exchange: string): boolean {
    return this.#byExchange.has(exchange)
  }

  /** What `Publication.into` should be for a message with this exchange and routing key. */
  destinationOf(exchange: string, routingKey: string): Publication['into'] {
    const taking = this.#byExchange.get(exchange)?.find(({ takes }) => takes(routingKey))
    if (!taking) return undefined
    return this.#byId.get(taking.id)?.buffered ? 'buffer' : 'journal'
  }

  /** Whether the binding of a source takes a message. Undefined: no source has this id. */
  bindingOf(id: string): ((message: Message) => boolean) | undefined {
    const source = this.#byId.get(id)
    if (!source) return undefined
    const takes = bindingMatcherOf(source)
    return ({ exchange, routingKey }) => exchange === source.exchange && takes(routingKey)
  }

  list(): Source[] {
    return [...this.#byId.values()]
  }

  /** False if a source with this id is already served; then nothing changes. */
  add(source: Source): boolean {
    if (this.#byId.has(source.id)) return false
    this.#byId.set(source.id, source)
    this.#generation = {}
    const { id, exchange } = source
    const takes = bindingMatcherOf(source)
    append(this.#byExchange, exchange, { id, takes })
    if (!isSchemaDefinition(source))
      append(this.#finders, exchange, { id, takes, match: matcherOf(source, this.#maxBodyBytes) })
    return true
  }

  remove(id: string): Source | undefined {
    const source = this.#byId.get(id)
    if (!source) return undefined
    this.#byId.delete(id)
    this.#formerExchanges.add(source.exchange)
    this.#generation = {}
    withdraw(this.#byExchange, source.exchange, id)
    withdraw(this.#finders, source.exchange, id)
    return source
  }

  /**
   * The id of the first source of the message's exchange, for metric labels. Undefined if the
   * exchange has no source.
   */
  labelOf(message: Message): string | undefined {
    return this.#byExchange.get(message.exchange)?.[0]?.id
  }

  /** Whether messages of this exchange can only reach the journal through another exchange. */
  isForeign(exchange: string): boolean {
    return !this.#byExchange.has(exchange) && !this.#formerExchanges.has(exchange)
  }

  /**
   * The ids of the sources that find a client for the message. A source that must read an invalid
   * body finds none.
   */
  matchingIds(message: Message): string[] {
    const matchers = this.#finders.get(message.exchange) ?? []
    return matchers.flatMap(({ id, match }) => (hasAudience(message, match) ? [id] : []))
  }

  /**
   * Whether a source that finds clients takes the message. If only sources of typed fields take it,
   * the message is for no client by design.
   */
  seeksClientFor({ exchange, routingKey }: Pick<Message, 'exchange' | 'routingKey'>): boolean {
    return (this.#finders.get(exchange) ?? []).some(({ takes }) => takes(routingKey))
  }

  /** As `audienceOf`, but caches the result on the message. For messages of the hot window. */
  knownAudienceOf(message: Routable): Audience {
    if (message.known?.generation !== this.#generation) {
      message.known = { audience: this.audienceOf(message), generation: this.#generation }
    }
    return message.known.audience
  }

  /**
   * The channels that the message is for, each once even if several sources name it. Throws
   * `UndecodableBody` if a source needs the body and it cannot be decoded.
   */
  audienceOf(message: Message): Audience {
    const matchers = this.#finders.get(message.exchange)
    const first = matchers?.[0]
    if (!matchers || !first) return []
    if (matchers.length === 1) return withoutRepeats(first.match(message))
    const clientIds = new Set<string>()
    for (const { match } of matchers) {
      const audience = match(message)
      if (audience === 'everyone') return 'everyone'
      for (const clientId of audience) clientIds.add(clientId)
    }
    return [...clientIds]
  }
}

function append<Value>(index: Map<string, readonly Value[]>, exchange: string, value: Value): void {
  index.set(exchange, [...(index.get(exchange) ?? []), value])
}

function withdraw<Value extends { readonly id: string }>(
  index: Map<string, readonly Value[]>,
  exchange: string,
  id: string,
): void {
  const rest = (index.get(exchange) ?? []).filter((value) => value.id !== id)
  if (rest.length > 0) index.set(exchange, rest)
  else index.delete(exchange)
}

function hasAudience(message: Message, match: Matcher): boolean {
  try {
    return match(message).length > 0
  } catch (error) {
    if (error instanceof UndecodableBody) return false
    throw error
  }
}

function withoutRepeats(audience: Audience): Audience {
  return audience === 'everyone' || audience.length < 2 ? audience : [...new Set(audience)]
}
