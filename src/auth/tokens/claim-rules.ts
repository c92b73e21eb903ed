import { JsonNumber } from '../../core/json/json-number.ts'
import { splitPointer } from '../../core/json/json-pointer.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import { type Scope, scopeOf } from '../../core/model/identity.ts'
import { TokenClaims } from '../../core/model/token-claims.ts'
import { GatewayError } from '../../errors.ts'
import { TokenRejection } from './token-verifier.ts'

/** Where the tokens of a provider have the client id and the scope, and what they grant. */
export interface ClaimMapping {
  /** The claim of the client id: a name, or a JSON pointer such as `/customer/id`. */
  readonly clientIdClaim: string
  /** Put before the value of the claim. */
  readonly clientIdPrefix: string
  /** Prefixes that no client id of this provider may have, with the option that reserves it. */
  readonly reserved: readonly { readonly prefix: string; readonly option: string }[]
  /** The claims with scopes, roles or groups: names or JSON pointers. Each that exists counts. */
  readonly scopeClaims: readonly string[]
  /** Warren's words for a word of the provider. */
  readonly scopeMap: ReadonlyMap<string, readonly string[]>
}

/** The claim `sub` without a prefix, the claim `scope` without a map. */
export const defaultMapping: ClaimMapping = {
  clientIdClaim: 'sub',
  clientIdPrefix: '',
  reserved: [],
  scopeClaims: ['scope'],
  scopeMap: new Map(),
}

/**
 * Claims of OAuth scopes (RFC 8693 §4.2, and as Entra ID spells it), which a provider issues for
 * this gateway. Their words grant what they grant in Warren. All other claims are roles or groups,
 * which were made for other programs and grant nothing without the map.
 */
const scopeClaimNames = ['scope', 'scp']

/** Never granted by a word of the provider, only by the map, which names the issuer. */
const mappedOnly = 'operator'

/** Reads the client id and the scope of a verified token. The function throws `TokenRejection`. */
export function claimReader(mapping: ClaimMapping): (payload: string) => {
  readonly clientId: string | undefined
  readonly scope: Scope
} {
  const clientIdPath = pathOf(mapping.clientIdClaim)
  const scopes = mapping.scopeClaims.map((claim) => ({ claim, path: pathOf(claim) }))
  return (payload) => {
    const claims = new TokenClaims(payload)
    const words = scopes.flatMap(({ claim, path }) => grantedWords(claim, claims.at(path), mapping.scopeMap))
    return { clientId: clientIdIn(claims.at(clientIdPath), mapping), scope: scopeOf([...new Set(words)]) }
  }
}

/** Only a text that begins with a slash is a JSON pointer. Names may contain slashes. */
function pathOf(claim: string): readonly string[] {
  return claim.startsWith('/') ? (splitPointer(claim) ?? []) : [claim]
}

function clientIdIn(value: unknown, { clientIdClaim, clientIdPrefix, reserved }: ClaimMapping): string | undefined {
  if (value === undefined || value === null) return undefined
  const text = integerText(value) ?? value
  const refuse = (what: string): never => {
    throw new TokenRejection('subject', `${clientIdClaim}: ${what}`)
  }
  if (typeof text !== 'string') return refuse('expected a string or a whole number')
  // Checked alone too: an empty claim would make the prefix a client id.
  if (text === '') return refuse('expected a non-empty string')
  const clientId = clientIdPrefix + text
  const option = reserved.find(({ prefix }) => clientId.startsWith(prefix))?.option
  if (option !== undefined) return refuse(`begins with a prefix that ${option} reserves for other ids`)
  try {
    return checkClientId(clientId, clientIdClaim)
  } catch (error) {
    throw new TokenRejection('subject', error instanceof GatewayError ? error.message : 'not a client id')
  }
}

/** With every digit; undefined for any other value. */
function integerText(value: unknown): string | undefined {
  if (value instanceof JsonNumber) return value.isInteger ? value.token : undefined
  return Number.isSafeInteger(value) ? String(value) : undefined
}

function grantedWords(claim: string, value: unknown, map: ClaimMapping['scopeMap']): readonly string[] {
  const isScope = scopeClaimNames.includes(claim)
  return wordsIn(claim, value, isScope).flatMap((word) => {
    const mapped = map.get(word)
    if (mapped) return mapped
    // A word with white space could be read as several words later.
    return isScope && word !== mappedOnly && !/\s/.test(word) ? [word] : []
  })
}

/**
 * A text of scopes has words; a text of roles is one role. In a list each text is one word, also if
 * it has blanks.
 */
function wordsIn(claim: string, value: unknown, isScope: boolean): readonly string[] {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return isScope ? value.split(' ').filter((word) => word !== '') : [value]
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value
  throw new TokenRejection('scope', `${claim}: expected a string, or a list of strings`)
}
