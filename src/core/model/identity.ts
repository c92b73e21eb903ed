/**
 * Who a caller is and what it was granted, read from a token. `clientId` is the claim `sub`; a
 * token without one belongs to no client. Nothing here is trusted further than the signature that
 * was checked.
 */
export interface Identity {
  readonly clientId: string | undefined
  readonly scope: Scope
  /**
   * When the token was issued (`iat`): a revocation bars those that were issued before it.
   * Undefined: it doesn't say.
   */
  readonly issuedAt: Date | undefined
  /** When the token ends; undefined: never. */
  readonly expiresAt: Date | undefined
  /**
   * Whether an identity provider issued the token, and not somebody with the secret of the
   * deployment.
   */
  readonly fromProvider?: boolean
  /** Whether the channel of `clientId` was deleted since: only the scope grants anything then. */
  readonly disowned?: boolean
}

/** Scopes that are one word. Each is a member of `Scope`. */
const flags = ['operator', 'publish', 'register', 'room'] as const
type Flag = (typeof flags)[number]

export interface Scope extends Readonly<Record<Flag, boolean>> {
  /** Patterns of channels, `*` for one word and `#` for any number of them. */
  readonly channels: readonly string[]
  /** Exchanges, and keys on them, that may be published to. */
  readonly publishTo: readonly PublishGrant[]
}

/**
 * What one word `publish:<exchange pattern>[:<key pattern>]` grants. Both are patterns of topic
 * words.
 */
export interface PublishGrant {
  readonly exchange: string
  /** Undefined: every routing key. */
  readonly routingKey: string | undefined
  /** As it stands in the token. */
  readonly word: string
}

export const noScope: Scope = {
  operator: false,
  publish: false,
  register: false,
  room: false,
  channels: [],
  publishTo: [],
}

/** Reads a space-separated scope (RFC 8693 §4.2). Unknown words grant nothing. */
export function parseScope(text: string): Scope {
  const words = text.split(' ').filter((word) => word !== '')
  const granted = Object.fromEntries(flags.map((flag) => [flag, words.includes(flag)])) as Record<Flag, boolean>
  return {
    ...granted,
    channels: words.filter((word) => word.startsWith('channel:')).map((word) => word.slice('channel:'.length)),
    publishTo: words.flatMap(publishGrantOf),
  }
}

export function printScope(scope: Scope): string[] {
  return [
    ...flags.filter((flag) => scope[flag]),
    ...scope.publishTo.map(({ word }) => word),
    ...scope.channels.map((pattern) => `channel:${pattern}`),
  ]
}

/** The word for an exchange and a pattern of keys on it. */
export function publishWord(exchange: string, keyPattern: string): string {
  return `publish:${exchange.replaceAll(/[%: ]/g, encodeURIComponent)}:${keyPattern}`
}

/**
 * The first `:` behind `publish:` ends the exchange, in which `:`, space and `%` are
 * percent-encoded.
 */
function publishGrantOf(word: string): PublishGrant[] {
  const [, encoded = '', , routingKey] = /^publish:([^:]+)(:(.*))?$/s.exec(word) ?? []
  const exchange = decoded(encoded)
  return exchange === '' ? [] : [{ exchange, routingKey, word }]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** A caller without a token. */
export const anonymous: Identity = {
  clientId: undefined,
  scope: noScope,
  issuedAt: undefined,
  expiresAt: undefined,
}

/** A caller without a token where the operator lets anyone listen, as the old systems did. */
export const anyListener: Identity = { ...anonymous, scope: { ...anonymous.scope, room: true, channels: ['#'] } }

/**
 * Whether its bearer is anybody: has a name, or grants. A token without either is as good as none.
 */
export function isKnown({ clientId, scope }: Identity): boolean {
  return clientId !== undefined || printScope(scope).length > 0
}

/**
 * Whether a token said who it is. A caller without one may hear channels where the operator allows
 * it, and is nobody all the same.
 */
export function hasIdentity(identity: Identity): boolean {
  return identity !== anyListener && isKnown(identity)
}

export function isExpired({ expiresAt }: Identity, now = Date.now()): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= now
}
