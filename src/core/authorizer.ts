import { GatewayError } from '../errors.ts'
import { type Identity, isKnown } from './identity.ts'
import { matchesTopic } from './topic-pattern.ts'

/**
 * Who may do what: the one place that decides it, for every transport, field and argument. An operator may do everything;
 * a publisher publishes; a client hears its own channel and those that its scope names.
 */
export function mayHear(identity: Identity, channel: string): boolean {
  const { scope } = identity
  return scope.operator || owns(identity, channel) || scope.channels.some((pattern) => matchesTopic(pattern, channel))
}

/** Whether the channel is the identity's own by its client id. */
export function owns({ clientId, disowned }: Identity, channel: string): boolean {
  return clientId === channel && disowned !== true
}

export function mayPublish({ scope }: Identity): boolean {
  return scope.operator || scope.publish
}

export function mayOperate({ scope }: Identity): boolean {
  return scope.operator
}

export function mayRegister({ scope }: Identity): boolean {
  return scope.operator || scope.register === true
}

/** Whether the identity is the client itself, or may act for it. */
export function mayActFor(identity: Identity, client: string): boolean {
  return identity.scope.operator || owns(identity, client)
}

/** `UNAUTHENTICATED` for a caller without a token, who may come back with one; `FORBIDDEN` for one whose grants do not reach. */
export function demand(allowed: boolean, identity: Identity, what: string): void {
  if (allowed) return
  if (isKnown(identity)) throw new GatewayError('FORBIDDEN', `this token does not allow to ${what}`)
  throw new GatewayError('UNAUTHENTICATED', `a token is needed to ${what}`)
}
