import type { ClaimMapping } from '../../auth/tokens/claim-rules.ts'
import { ConfigError } from '../config-error.ts'
import type { Config } from '../options/options.ts'

/** One identity provider, as its options describe it. */
export interface IdentityProvider {
  readonly url: string
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly mapping: ClaimMapping
}

export type ProviderOptions = Pick<
  Config,
  'jwksUrl' | 'jwtIssuer' | 'jwtAudience' | 'clientIdClaim' | 'scopeClaim' | 'scopeMap' | 'registrationPrefix'
>

/** Throws `ConfigError` if the options do not fit each other. Empty without WARREN_JWKS_URL. */
export function identityProvidersOf(config: ProviderOptions): readonly IdentityProvider[] {
  const { jwksUrl: urls = [], jwtIssuer: issuers = [], jwtAudience: audiences = [], scopeMap = [] } = config
  const idClaims = config.clientIdClaim
  if (urls.length === 0) {
    if (scopeMap.length > 0)
      throw new ConfigError(['WARREN_SCOPE_MAP: needs WARREN_JWKS_URL, because it maps tokens of an identity provider'])
    return []
  }
  if (urls.length > 1 && (issuers.length !== urls.length || new Set(issuers).size < issuers.length))
    throw new ConfigError([
      `WARREN_JWT_ISSUER: expected ${urls.length} different issuers, one for each URL of WARREN_JWKS_URL in the same order, got ${issuers.length}`,
    ])
  checkCount('WARREN_JWT_ISSUER', issuers, urls)
  checkCount('WARREN_JWT_AUDIENCE', audiences, urls)
  checkCount('WARREN_CLIENT_ID_CLAIM', idClaims, urls)
  checkPrefixes(config)
  for (const { issuer, word, grants } of scopeMap) {
    const entry = `WARREN_SCOPE_MAP: the entry for ${JSON.stringify(word)}`
    if (issuer !== undefined && !issuers.includes(issuer))
      throw new ConfigError([`${entry} names the issuer ${JSON.stringify(issuer)}, which is not in WARREN_JWT_ISSUER`])
    const namesIssuer = issuer !== undefined || (urls.length === 1 && issuers.length === 1)
    if (grants.includes('operator') && !namesIssuer)
      throw new ConfigError([
        `${entry} grants operator, which needs an issuer: ` +
          (urls.length > 1 ? 'write "<issuer> <word>=operator"' : 'set WARREN_JWT_ISSUER'),
      ])
  }
  return urls.map((url, place) => {
    const issuer = issuers[place]
    const { claim, prefix } = idClaims[idClaims.length > 1 ? place : 0] ?? { claim: 'sub', prefix: '' }
    return {
      url,
      issuer,
      audience: audiences[audiences.length > 1 ? place : 0],
      mapping: {
        clientIdClaim: claim,
        clientIdPrefix: prefix,
        reserved: reservedPrefixes(config, prefix),
        scopeClaims: config.scopeClaim,
        scopeMap: new Map(
          [...scopeMap]
            // An entry for the issuer comes last, and wins.
            .sort((a, b) => Number(a.issuer !== undefined) - Number(b.issuer !== undefined))
            .filter((entry) => entry.issuer === undefined || entry.issuer === issuer)
            .map(({ word, grants }) => [word, grants]),
        ),
      },
    }
  })
}

/** Whether a client id may be of either of two providers. */
export function sharesClientIds(providers: readonly IdentityProvider[]): boolean {
  return new Set(providers.map(({ mapping }) => mapping.clientIdPrefix)).size < providers.length
}

function checkCount(option: string, values: readonly unknown[], urls: readonly string[]): void {
  if (values.length > 1 && values.length !== urls.length)
    throw new ConfigError([
      `${option}: expected one value, or ${urls.length}, one for each URL of WARREN_JWKS_URL, got ${values.length}`,
    ])
}

/** An id that begins with two prefixes would belong to two issuers. */
function checkPrefixes({ registrationPrefix, clientIdClaim }: ProviderOptions): void {
  const own = new Set(clientIdClaim.map(({ prefix }) => prefix).filter((prefix) => prefix !== ''))
  for (const prefix of own) {
    const other = [...own, registrationPrefix].find(
      (one) => one !== undefined && prefix.startsWith(one) && (one !== prefix || one === registrationPrefix),
    )
    if (other !== undefined || registrationPrefix?.startsWith(prefix))
      throw new ConfigError([
        `WARREN_CLIENT_ID_CLAIM: the prefix ${JSON.stringify(prefix)} overlaps with ${JSON.stringify(other ?? registrationPrefix)}`,
      ])
  }
}

/** Ids of registered clients, and those of other providers. */
function reservedPrefixes(
  { registrationPrefix, clientIdClaim }: ProviderOptions,
  own: string,
): { prefix: string; option: string }[] {
  const others = clientIdClaim.map(({ prefix }) => prefix).filter((prefix) => prefix !== '' && prefix !== own)
  return [
    ...(registrationPrefix === undefined ? [] : [{ prefix: registrationPrefix, option: 'WARREN_REGISTRATION_PREFIX' }]),
    ...others.map((prefix) => ({ prefix, option: 'WARREN_CLIENT_ID_CLAIM' })),
  ]
}
