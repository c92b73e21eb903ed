import { GatewayError } from '../../errors.ts'
import { type Identity, isKnown } from '../model/identity.ts'
import { matchesTopic } from '../model/topic-pattern.ts'

/**
 * Who may do what: the one place that decides it, for every transport, field and argument. An
 * operator may do everything; a publisher publishes to sources, and to the exchanges that its scope
 * names; a client hears its own channel and those that its scope names.
 */
export function maySubscribe(identity: Identity, channel: string): boolean {
  const { scope } = identity
  return scope.operator || owns(identity, channel) || scope.channels.some((pattern) => matchesTopic(pattern, channel))
}

/** Whether the channel is the identity's own by its client id. */
export function owns({ clientId, disowned }: Identity, channel: string): boolean {
  return clientId === channel && disowned !== true
}

/** Whether there is anything that it may publish to. */
export function mayPublish({ scope }: Identity): boolean {
  return scope.operator || scope.publish || scope.publishTo.length > 0
}

/** What is said in the common room reaches every member and, over RabbitMQ, processors. */
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

/** Whether it may publish to every client of the default source, whose exchange this is. */
export function mayPublishToClients({ scope }: Identity, defaultExchange: string): boolean {
  if (scope.operator || scope.publish) return true
  const everyClient = [undefined, '#', clientKeys]
  return scope.publishTo.some(
    ({ exchange, routingKey }) => matchesTopic(exchange, defaultExchange) && everyClient.includes(routingKey),
  )
}

/** The routing keys of all clients on the default source. */
export const clientKeys = 'client.#'

export function mayOperate({ scope }: Identity): boolean {
  return scope.operator
}

export function mayRegister({ scope }: Identity): boolean {
  return scope.operator || scope.register
}

/** Whether the identity is the client itself, or may act for it. */
export function mayActFor(identity: Identity, client: string): boolean {
  return identity.scope.operator || owns(identity, client)
}

/**
 * `UNAUTHENTICATED` for a caller without a token, who may come back with one; `FORBIDDEN` for one
 * whose grants do not reach.
 */
export function demand(allowed: boolean, identity: Identity, what: string): void {
  if (allowed) return
  if (isKnown(identity)) throw new GatewayError('FORBIDDEN', `this token does not allow to ${what}`)
  throw new GatewayError('UNAUTHENTICATED', `a token is needed to ${what}`)
}
