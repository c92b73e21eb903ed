import { defaultRoutingKey, restPlaceholder, type SourceDefinition } from '../model/source.ts'

/** The pattern of the default source: all of the key after `client.` is the client id. */
const servedRoutingKey = `client.${restPlaceholder}`

/**
 * The default source as its messages are bound and matched. In the registry, in marks and in
 * control messages it has the routing key and the id that release 0.1 gives it, because replicas of
 * 0.1 may use the same registry and refuse the newer pattern. Other sources are returned unchanged.
 */
export function servedForm<Definition extends SourceDefinition>(
  source: Definition,
  defaultExchange: string,
): Definition {
  return isOnDefault(source, defaultExchange) && source.routingKey === defaultRoutingKey
    ? { ...source, routingKey: servedRoutingKey }
    : source
}

/** The opposite of `servedForm`: both patterns name the same source. */
export function storedForm<Definition extends SourceDefinition>(
  source: Definition,
  defaultExchange: string,
): Definition {
  return isOnDefault(source, defaultExchange) && source.routingKey === servedRoutingKey
    ? { ...source, routingKey: defaultRoutingKey }
    : source
}

/** The exchange of the default source. */
export function defaultExchangeOf(namespace: string): string {
  return `${namespace}.events`
}

/**
 * The binding key that release 0.1 gives the default source: keys of two words only. Undefined for
 * other sources.
 */
export function formerBindingKey(served: SourceDefinition, defaultExchange: string): string | undefined {
  return isOnDefault(served, defaultExchange) && served.routingKey === servedRoutingKey ? 'client.*' : undefined
}

function isOnDefault({ exchange, exchangeType }: SourceDefinition, defaultExchange: string): boolean {
  return exchange === defaultExchange && exchangeType === 'TOPIC'
}
