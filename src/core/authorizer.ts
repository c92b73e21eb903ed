import { GatewayError } from '../errors.ts'
import { type Identity, isKnown } from './identity.ts'
import { matchesTopic } from './topic-pattern.ts'

/**
 * Who may do what: the one place that decides it, for every transport, field and argument. An operator may do everything;
 * a publisher publishes; a client hears its own channel and those that its scope names.
 */
export function mayHear({ clientId, scope }: Identity, channel: string): boolean {
  return scope.operator || clientId === channel || scope.channels.some((pattern) => matchesTopic(pattern, channel))
}

export function mayPublish({ scope }: Identity): boolean {
  return scope.operator || scope.publish
}

/** What is said in the common room reaches every member and, over RabbitMQ, processors. */
export function mayJoinRoom({ scope }: Identity): boolean {
  return scope.operator || scope.room
}

export function mayOperate({ scope }: Identity): boolean {
  return scope.operator
}

/** Whether the identity is the client itself, or may act for it. */
export function mayActFor({ clientId, scope }: Identity, client: string): boolean {
  return scope.operator || clientId === client
}

/** `UNAUTHENTICATED` for a caller without a token, who may come back with one; `FORBIDDEN` for one whose grants do not reach. */
export function demand(allowed: boolean, identity: Identity, what: string): void {
  if (allowed) return
  if (isKnown(identity)) throw new GatewayError('FORBIDDEN', `this token does not allow to ${what}`)
  throw new GatewayError('UNAUTHENTICATED', `a token is needed to ${what}`)
}
