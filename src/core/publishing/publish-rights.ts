import { GatewayError } from '../../errors.ts'
import type { Identity } from '../model/identity.ts'
import { matchesTopic } from '../model/topic-pattern.ts'
import { demand, mayPublishTo } from '../sessions/authorizer.ts'
import { isReservedExchange } from '../sources/reserved-exchanges.ts'

/** In `WARREN_PUBLISH_EXCHANGES`: the exchanges of all sources, including the default source. */
export const sourcesKeyword = 'sources'

export interface PublishRightsParts {
  readonly isSource: (exchange: string) => boolean
  /** Read at each check, because it may change while the gateway runs. */
  readonly limits: { readonly publishExchanges: readonly string[] }
  /**
   * Resolves when this replica knows every source that was created before the call. Rejects with
   * `BROKER_UNAVAILABLE` or `REGISTRY_UNAVAILABLE` if it cannot know them.
   */
  readonly catchUp: () => Promise<void>
}

/**
 * Decides where a caller may publish: where its token grants it, and the operator allows it for
 * every caller.
 */
export class PublishRights {
  readonly #parts: PublishRightsParts

  constructor(parts: PublishRightsParts) {
    this.#parts = parts
  }

  /**
   * Throws `UNAUTHENTICATED` or `FORBIDDEN`. If the decision needs a wait, returns a function that
   * waits, and then rejects like that, or as `catchUp` does.
   */
  check(identity: Identity, exchange: string, routingKey: string): (() => Promise<void>) | undefined {
    const wouldBeGranted = mayPublishTo(identity, { exchange, routingKey, isSource: true })
    if (!wouldBeGranted || this.#parts.isSource(exchange)) return this.#checkNow(identity, exchange, routingKey)
    // Another replica may have created the source a moment ago. What is published to an exchange
    // without a source is not read back, so a source must not be taken for one.
    return () => this.#parts.catchUp().then(() => this.#checkNow(identity, exchange, routingKey))
  }

  #checkNow(identity: Identity, exchange: string, routingKey: string): undefined {
    const isSource = this.#parts.isSource(exchange)
    demand(
      mayPublishTo(identity, { exchange, routingKey, isSource }),
      identity,
      `publish to exchange "${exchange}" with routing key "${routingKey}"`,
    )
    const allowed = this.#parts.limits.publishExchanges
    const isAllowed = isReservedExchange(exchange)
      ? allowed.includes(exchange)
      : allowed.some((pattern) => (pattern === sourcesKeyword ? isSource : matchesTopic(pattern, exchange)))
    if (isAllowed) return
    throw new GatewayError(
      'FORBIDDEN',
      `exchange "${exchange}": callers may not publish to it, because WARREN_PUBLISH_EXCHANGES is ${allowed.join(',')}`,
    )
  }
}
