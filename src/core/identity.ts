/**
 * Who a caller is and what it was granted, read from a token. `clientId` is the claim `sub`; a token without one
 * belongs to no client. Nothing here is trusted further than the signature that was checked.
 */
export interface Identity {
  readonly clientId: string | undefined
  readonly scope: Scope
  /** When the token ends; undefined: never. */
  readonly expiresAt: Date | undefined
}

export interface Scope {
  readonly operator: boolean
  readonly publish: boolean
  /** Patterns of channels, `*` for one word and `#` for any number of them. */
  readonly channels: readonly string[]
}

/** Reads a space-separated scope (RFC 8693 §4.2). Unknown words grant nothing. */
export function parseScope(text: string): Scope {
  const words = text.split(' ').filter((word) => word !== '')
  return {
    operator: words.includes('operator'),
    publish: words.includes('publish'),
    channels: words.filter((word) => word.startsWith('channel:')).map((word) => word.slice('channel:'.length)),
  }
}

export function printScope(scope: Scope): string[] {
  return [
    ...(scope.operator ? ['operator'] : []),
    ...(scope.publish ? ['publish'] : []),
    ...scope.channels.map((pattern) => `channel:${pattern}`),
  ]
}

/** A caller without a token. */
export const anonymous: Identity = {
  clientId: undefined,
  scope: { operator: false, publish: false, channels: [] },
  expiresAt: undefined,
}
