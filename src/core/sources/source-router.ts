import { UndecodableBody } from '../body/decode-body.ts'
import { BoundedSet } from '../limits/bounded-set.ts'
import type { Message, Publication } from '../model/message.ts'
import { type Audience, bindingMatcherOf, type Matcher, matcherOf, type Source } from '../model/source.ts'

/** What `SourceRouter` has worked out for a message. */
export interface KnownAudience {
  readonly audience: Audience
  /** Of the sources that it was worked out from. */
  readonly generation: object
}

/** A message with room for its audience, for one that is asked about again and again. */
export interface Routable extends Message {
  /** Undefined until `knownAudienceOf` is called for the first time. */
  known?: KnownAudience | undefined
}

/** The sources that are served, and whose a message is by all of them together. */
export class SourceRouter {
  readonly #byId = new Map<string, Source>()
  readonly #byExchange = new Map<string, { id: string; match: Matcher; takes: (routingKey: string) => boolean }[]>()
  readonly #maxBodyBytes: number | undefined
  /** Of sources that were removed: what is still in the journal may come from there. */
  readonly #formerExchanges = new BoundedSet<string>(1_000)
  /** Another object once they have changed. */
  #generation = {}

  /** `maxBodyBytes`: what a compressed body may grow to. */
  constructor(maxBodyBytes?: number) {
    this.#maxBodyBytes = maxBodyBytes
  }

  get(id: string): Source | undefined {
    return this.#byId.get(id)
  }

  /** Whether any source takes messages from this exchange. */
  hasExchange(exchange: string): boolean {
    return this.#byExchange.has(exchange)
  }

  /** As `Publication.into`, for a message that is published to this exchange with this key. */
  takes(exchange: string, routingKey: string): Publication['into'] {
    const taking = this.#byExchange.get(exchange)?.find(({ takes }) => takes(routingKey))
    if (!taking) return undefined
    return this.#byId.get(taking.id)?.buffered ? 'buffer' : 'journal'
  }

  list(): Source[] {
    return [...this.#byId.values()]
  }

  /** Whether it was not there before. */
  add(source: Source): boolean {
    if (this.#byId.has(source.id)) return false
    this.#byId.set(source.id, source)
    this.#generation = {}
    const matchers = this.#byExchange.get(source.exchange) ?? []
    this.#byExchange.set(source.exchange, [
      ...matchers,
      { id: source.id, match: matcherOf(source, this.#maxBodyBytes), takes: bindingMatcherOf(source) },
    ])
    return true
  }

  remove(id: string): Source | undefined {
    const source = this.#byId.get(id)
    if (!source) return undefined
    this.#byId.delete(id)
    this.#formerExchanges.add(source.exchange)
    this.#generation = {}
    const rest = (this.#byExchange.get(source.exchange) ?? []).filter((matcher) => matcher.id !== id)
    if (rest.length > 0) this.#byExchange.set(source.exchange, rest)
    else this.#byExchange.delete(source.exchange)
    return source
  }

  /** The first source of the message's exchange, for accounts; undefined where it is of none. */
  labelOf(message: Message): string | undefined {
    return this.#byExchange.get(message.exchange)?.[0]?.id
  }

  /**
   * Whether a message of this exchange can only have come to the journal through another exchange.
   */
  isForeign(exchange: string): boolean {
    return !this.#byExchange.has(exchange) && !this.#formerExchanges.has(exchange)
  }

  /** The ids of the sources that say whose it is. A body that cannot be read says nothing. */
  matching(message: Message): string[] {
    const matchers = this.#byExchange.get(message.exchange) ?? []
    return matchers.flatMap(({ id, match }) => (hasAudience(message, match) ? [id] : []))
  }

  /** As `audienceOf`, for a message that is asked about again and again: one of the hot window. */
  knownAudienceOf(message: Routable): Audience {
    if (message.known?.generation !== this.#generation) {
      message.known = { audience: this.audienceOf(message), generation: this.#generation }
    }
    return message.known.audience
  }

  /**
   * Each client once, however many sources say so. Throws `UndecodableBody` where a body pointer
   * meets a broken body.
   */
  audienceOf(message: Message): Audience {
    const matchers = this.#byExchange.get(message.exchange)
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
