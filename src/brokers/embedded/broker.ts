import { bindingOf, type ExchangeType } from '../../core/model/source.ts'
import { matchWords } from '../../core/model/topic-pattern.ts'
import { EmbeddedQuarantine } from './quarantine.ts'
import type { Destination, EmbeddedQueue } from './queue.ts'

export type Binding = ReturnType<typeof bindingOf>

interface Exchange {
  readonly type: ExchangeType
  /** Binding key → the destinations bound with it. */
  readonly bindings: Map<string, Bound>
  /** Routing key → its destinations under the current bindings. */
  readonly routes: Map<string, ReadonlySet<Destination>>
}

interface Bound {
  /** The words of the binding key. */
  readonly words: readonly string[]
  readonly destinations: Set<Destination>
}

/** The maximum number of cached routes of an exchange. When it is reached, the cache is cleared. */
const maxRoutes = 10_000

/** Exchanges and bindings by the rules of AMQP 0-9-1 §3.1.3, within this process. */
export class EmbeddedBroker {
  readonly #exchanges = new Map<string, Exchange>()
  readonly #quarantines = new Map<string, EmbeddedQuarantine>()
  /** The named queues. */
  readonly queues = new Map<string, EmbeddedQueue>()

  constructor() {
    // Every RabbitMQ has these exchanges.
    for (const type of ['DIRECT', 'FANOUT', 'TOPIC', 'HEADERS'] as const)
      this.declare(`amq.${type.toLowerCase()}`, type)
    this.declare('amq.match', 'HEADERS')
  }

  /** What the gateways of this broker put into the quarantine of this name; one for all of them. */
  quarantineOf(exchange: string): EmbeddedQuarantine {
    const known = this.#quarantines.get(exchange)
    if (known) return known
    const created = new EmbeddedQuarantine()
    this.#quarantines.set(exchange, created)
    return created
  }

  typeOf(exchange: string): ExchangeType | undefined {
    return this.#exchanges.get(exchange)?.type
  }

  /** Does nothing if the exchange exists. */
  declare(exchange: string, type: ExchangeType): void {
    if (!this.#exchanges.has(exchange)) this.#exchanges.set(exchange, { type, bindings: new Map(), routes: new Map() })
  }

  bind({ exchange, key }: Pick<Binding, 'exchange' | 'key'>, destination: Destination): void {
    const bindings = this.#bindingsToChange(exchange)
    const bound = bindings?.get(key)
    if (bound) bound.destinations.add(destination)
    else bindings?.set(key, { words: key.split('.'), destinations: new Set([destination]) })
  }

  unbind({ exchange, key }: Pick<Binding, 'exchange' | 'key'>, destination: Destination): void {
    const bindings = this.#bindingsToChange(exchange)
    const bound = bindings?.get(key)
    bound?.destinations.delete(destination)
    if (bound?.destinations.size === 0) bindings?.delete(key)
  }

  /**
   * The destinations of a message, without duplicates. Undefined if the exchange does not exist.
   */
  route(exchange: string, routingKey: string): ReadonlySet<Destination> | undefined {
    // The default exchange routes to queues by name, and no queue here can be reached by name.
    if (exchange === '') return new Set()
    const found = this.#exchanges.get(exchange)
    if (!found) return undefined
    let destinations = found.routes.get(routingKey)
    if (!destinations) {
      destinations = destinationsOf(found, routingKey)
      if (found.routes.size >= maxRoutes) found.routes.clear()
      found.routes.set(routingKey, destinations)
    }
    return destinations
  }

  #bindingsToChange(exchange: string): Map<string, Bound> | undefined {
    const found = this.#exchanges.get(exchange)
    found?.routes.clear()
    return found?.bindings
  }
}

function destinationsOf({ type, bindings }: Exchange, routingKey: string): ReadonlySet<Destination> {
  const destinations = new Set<Destination>()
  const words = routingKey.split('.')
  for (const [key, bound] of bindings) {
    const matches = type === 'TOPIC' ? matchWords(bound.words, words) : type !== 'DIRECT' || key === routingKey
    if (matches) for (const destination of bound.destinations) destinations.add(destination)
  }
  return destinations
}
