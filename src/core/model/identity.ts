import type { TokenClaims } from './token-claims.ts'

/**
 * The identity and the grants of a caller, read from a token. `clientId` is the claim `sub`; a
 * token without it belongs to no client. Callers may trust it no further than the signature of the
 * token.
 */
export interface Identity {
  readonly clientId: string | undefined
  readonly scope: Scope
  /**
   * When the token was issued (`iat`); undefined if it has no such claim. A revocation bars tokens
   * that were issued before it.
   */
  readonly issuedAt: Date | undefined
  /** When the token expires; undefined: never. */
  readonly expiresAt: Date | undefined
  /**
   * Whether an identity provider issued the token. False or undefined: it was signed with the
   * secret of the deployment.
   */
  readonly fromProvider?: boolean
  /**
   * Whether the channel of `clientId` was deleted after the token was issued. Then only the scope
   * grants anything.
   */
  readonly disowned?: boolean
  /** Undefined: the token has no claims but those of the other members. */
  readonly claims?: TokenClaims
}

/** Scopes of one word. Each is a member of `Scope`. */
const flags = ['operator', 'observe', 'publish', 'register', 'room'] as const
type Flag = (typeof flags)[number]

export interface Scope extends Readonly<Record<Flag, boolean>> {
  /** Patterns of channels: `*` matches one word, `#` any number of words. */
  readonly channels: readonly string[]
  /** Patterns of the names of typed fields, as for channels. */
  readonly events: readonly string[]
  /**
   * Every word of the scope as written in the token, known to Warren or not: typed fields name
   * words of the team's own (`@allow`).
   */
  readonly words: readonly string[]
  /** Exchanges, and routing keys on them, that the caller may publish to. */
  readonly publishTo: readonly PublishGrant[]
}

/**
 * The grant of one word `publish:<exchange pattern>[:<key pattern>]`. Both patterns consist of
 * topic words.
 */
export interface PublishGrant {
  readonly exchange: string
  /** Undefined: any routing key. */
  readonly routingKey: string | undefined
  /** The word as written in the token. */
  readonly word: string
}

export const noScope: Scope = {
  operator: false,
  observe: false,
  publish: false,
  register: false,
  room: false,
  channels: [],
  events: [],
  publishTo: [],
  words: [],
}

/**
 * Reads a space-separated scope (RFC 8693 §4.2). Words that Warren does not know grant nothing but
 * the typed fields that name them.
 */
export function parseScope(text: string): Scope {
  return scopeOf(text.match(/[^ ]+/g) ?? [])
}

/** The scope of words that contain no blanks. */
export function scopeOf(words: readonly string[]): Scope {
  const granted = Object.fromEntries(flags.map((flag) => [flag, words.includes(flag)])) as Record<Flag, boolean>
  return {
    ...granted,
    channels: patternsOf('channel:', words),
    events: patternsOf('event:', words),
    publishTo: words.flatMap(publishGrantOf),
    words,
  }
}

function patternsOf(prefix: string, words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith(prefix)).map((word) => word.slice(prefix.length))
}

/** Prints the words that Warren knows. */
export function printScope(scope: Scope): string[] {
  return [
    ...flags.filter((flag) => scope[flag]),
    ...scope.publishTo.map(({ word }) => word),
    ...scope.channels.map((pattern) => `channel:${pattern}`),
    ...scope.events.map((pattern) => `event:${pattern}`),
  ]
}

/** Prints the word that grants a pattern of keys on an exchange. */
export function publishWord(exchange: string, keyPattern: string): string {
  return `publish:${exchange.replaceAll(/[%: ]/g, encodeURIComponent)}:${keyPattern}`
}

/**
 * The exchange ends at the first `:` after `publish:`. In it, `:`, space and `%` are
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

/** A caller without a token, if the operator lets anyone subscribe, as the old systems did. */
export const anyListener: Identity = { ...anonymous, scope: { ...anonymous.scope, room: true, channels: ['#'] } }

/**
 * Whether the token names a client or grants something. A token that does neither counts as none,
 * except for typed fields, which can name words of the team's own.
 */
export function isKnown({ clientId, scope }: Identity): boolean {
  return clientId !== undefined || printScope(scope).length > 0
}

/**
 * Whether the caller presented a token with a client id or any word in its scope. False for
 * `anyListener`: the operator lets such a caller subscribe without one.
 */
export function hasToken(identity: Identity): boolean {
  return identity !== anyListener && (isKnown(identity) || identity.scope.words.length > 0)
}

export function isExpired({ expiresAt }: Identity, now = Date.now()): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= now
}
