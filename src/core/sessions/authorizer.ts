import { GatewayError } from '../../errors.ts'
import { type Identity, isKnown } from '../model/identity.ts'
import { matchesTopic } from '../model/topic-pattern.ts'

/**
 * The only place that decides who may do what, for every transport, field and argument. An operator
 * may do everything. A publisher publishes to sources and to the exchanges that its scope names. A
 * client subscribes to its own channel and to those that its scope names.
 */
export function maySubscribe(identity: Identity, channel: string): boolean {
  const { scope } = identity
  return scope.operator || owns(identity, channel) || scope.channels.some((pattern) => matchesTopic(pattern, channel))
}

/** Whether the channel belongs to the identity by its client id. */
export function owns({ clientId, disowned }: Identity, channel: string): boolean {
  return clientId === channel && disowned !== true
}

/** Whether the caller may publish anything at all. */
export function mayPublish({ scope }: Identity): boolean {
  return scope.operator || scope.publish || scope.publishTo.length > 0
}

/** A message in the common room reaches every member and, over RabbitMQ, the processors. */
export function mayJoinRoom({ scope }: Identity): boolean {
  return scope.operator || scope.room
}

export function mayPublishTo(
  { scope }: Identity,
  to: { exchange: string; routingKey: string; isSource: boolean },
): boolean {
  if (scope.operator || (scope.publish && to.isSource)) return true
  return scope.publishTo.some(
    ({ exchange, routingKey }) =>
      matchesTopic(exchange, to.exchange) && (routingKey === undefined || matchesTopic(routingKey, to.routingKey)),
  )
}

/**
 * Whether the caller may publish to every client of the default source. `defaultExchange`: the
 * exchange of that source.
 */
export function mayPublishToClients({ scope }: Identity, defaultExchange: string): boolean {
  if (scope.operator || scope.publish) return true
  const everyClient = [undefined, '#', clientKeys]
  return scope.publishTo.some(
    ({ exchange, routingKey }) => matchesTopic(exchange, defaultExchange) && everyClient.includes(routingKey),
  )
}

/** The pattern of the routing keys of all clients on the default source. */
export const clientKeys = 'client.#'

export function mayOperate({ scope }: Identity): boolean {
  return scope.operator
}

/** Whether the caller may read what an operator may read. */
export function mayObserve({ scope }: Identity): boolean {
  return scope.operator || scope.observe
}

export function mayRegister({ scope }: Identity): boolean {
  return scope.operator || scope.register
}

/** Whether the identity is the client itself or may act for it. */
export function mayActFor(identity: Identity, client: string): boolean {
  return identity.scope.operator || owns(identity, client)
}

/**
 * Throws `UNAUTHENTICATED` for a caller without a token, who may try again with one, and
 * `FORBIDDEN` for one that lacks the grant. `what` completes "a token is needed to …".
 */
export function demand(allowed: boolean, identity: Identity, what: string): void {
  if (allowed) return
  if (isKnown(identity)) throw new GatewayError('FORBIDDEN', `this token does not allow you to ${what}`)
  throw new GatewayError('UNAUTHENTICATED', `a token is needed to ${what}`)
}
