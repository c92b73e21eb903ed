/**
 * Who a caller is and what it was granted, read from a token. `clientId` is the claim `sub`; a token without one
 * belongs to no client. Nothing here is trusted further than the signature that was checked.
 */
export interface Identity {
  readonly clientId: string | undefined
  readonly scope: Scope
  /** When the token was issued (`iat`): a revocation bars those that were issued before it. Undefined: it doesn't say. */
  readonly issuedAt: Date | undefined
  /** When the token ends; undefined: never. */
  readonly expiresAt: Date | undefined
}

export interface Scope {
  readonly operator: boolean
  readonly publish: boolean
  /** Joins the common room of the plain WebSocket, hears everybody there and speaks to processors. */
  readonly room: boolean
  /** Patterns of channels, `*` for one word and `#` for any number of them. */
  readonly channels: readonly string[]
}

/** Reads a space-separated scope (RFC 8693 §4.2). Unknown words grant nothing. */
export function parseScope(text: string): Scope {
  const words = text.split(' ').filter((word) => word !== '')
  return {
    operator: words.includes('operator'),
    publish: words.includes('publish'),
    room: words.includes('room'),
    channels: words.filter((word) => word.startsWith('channel:')).map((word) => word.slice('channel:'.length)),
  }
}

export function printScope(scope: Scope): string[] {
  return [
    ...(scope.operator ? ['operator'] : []),
    ...(scope.publish ? ['publish'] : []),
    ...(scope.room ? ['room'] : []),
    ...scope.channels.map((pattern) => `channel:${pattern}`),
  ]
}

/** A caller without a token. */
export const anonymous: Identity = {
  clientId: undefined,
  scope: { operator: false, publish: false, room: false, channels: [] },
  issuedAt: undefined,
  expiresAt: undefined,
}

/** A caller without a token where the operator lets anyone listen, as the old systems did. */
export const anyListener: Identity = { ...anonymous, scope: { ...anonymous.scope, room: true, channels: ['#'] } }

/** Whether its bearer is anybody: has a name, or grants. A token without either is as good as none. */
export function isKnown({ clientId, scope }: Identity): boolean {
  return clientId !== undefined || scope.operator || scope.publish || scope.room || scope.channels.length > 0
}

/** Whether a token said who it is. A caller without one may hear channels where the operator allows it, and is nobody all the same. */
export function hasIdentity(identity: Identity): boolean {
  return identity !== anyListener && isKnown(identity)
}

export function isExpired({ expiresAt }: Identity, now = Date.now()): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= now
}
