import { expect, test } from '@jest/globals'
import { identityProvidersOf, sharesClientIds } from '../../src/config/checks/identity-providers.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { load } from '../../src/config/load/load.ts'

const shop = { url: 'https://shop.example/keys', issuer: 'https://shop.example/' }
const partner = { url: 'https://partner.example/keys', issuer: 'https://partner.example/' }
const one = { WARREN_JWKS_URL: shop.url, WARREN_JWT_ISSUER: shop.issuer }
const both = {
  WARREN_JWKS_URL: `${shop.url}, ${partner.url}`,
  WARREN_JWT_ISSUER: `${shop.issuer},${partner.issuer}`,
}

const providersOf = (env: Record<string, string>) => identityProvidersOf(load({ argv: [], env, readFile: () => '' }))
const problemOf = (env: Record<string, string>): string => {
  try {
    providersOf(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'none'
}

test('each provider has its own issuer, audience, claim and map', () => {
  const providers = providersOf({
    ...both,
    WARREN_JWT_AUDIENCE: 'warren',
    WARREN_CLIENT_ID_CLAIM: 'sub,partner-=/customer/id',
    WARREN_SCOPE_CLAIM: 'scope,/realm_access/roles',
    WARREN_SCOPE_MAP: `staff=publish room,${partner.issuer} staff=room,${shop.issuer} Power%20User%2C%3D=operator`,
  })
  const shared = { audience: 'warren' }
  const scopeClaims = ['scope', '/realm_access/roles']
  expect(providers).toEqual([
    {
      ...shop,
      ...shared,
      mapping: {
        clientIdClaim: 'sub',
        clientIdPrefix: '',
        reserved: [{ prefix: 'partner-', option: 'WARREN_CLIENT_ID_CLAIM' }],
        scopeClaims,
        scopeMap: new Map([
          ['staff', ['publish', 'room']],
          ['Power User,=', ['operator']],
        ]),
      },
    },
    {
      ...partner,
      ...shared,
      mapping: {
        clientIdClaim: '/customer/id',
        clientIdPrefix: 'partner-',
        reserved: [],
        scopeClaims,
        scopeMap: new Map([['staff', ['room']]]),
      },
    },
  ])
})

test('two providers without a prefix have the same ids', () => {
  const shares = (claims: string) => sharesClientIds(providersOf({ ...both, WARREN_CLIENT_ID_CLAIM: claims }))
  expect(['sub', 'sub,oid', 'p-=sub', 'sub,p-=sub', 'q-=sub,p-=sub'].map(shares)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
  expect(sharesClientIds(providersOf(one))).toBe(false)
})

test('an entry for an issuer wins over one for all, in any order', () => {
  const [first] = providersOf({ ...both, WARREN_SCOPE_MAP: `${shop.issuer} staff=room,staff=publish` })
  expect(first?.mapping.scopeMap.get('staff')).toEqual(['room'])
})

test.each<[string, Record<string, string>, string | RegExp]>([
  ['operator for the only issuer', { ...one, WARREN_SCOPE_MAP: 'orders-admin=operator' }, 'none'],
  [
    'operator without an issuer',
    { WARREN_JWKS_URL: shop.url, WARREN_SCOPE_MAP: 'orders-admin=operator' },
    'WARREN_SCOPE_MAP: the entry for "orders-admin" grants operator, which needs an issuer: set WARREN_JWT_ISSUER',
  ],
  [
    'operator for one of several issuers',
    { ...both, WARREN_SCOPE_MAP: 'orders-admin=room operator' },
    'WARREN_SCOPE_MAP: the entry for "orders-admin" grants operator, which needs an issuer: write "<issuer> <word>=operator"',
  ],
  [
    'an unknown issuer',
    { ...one, WARREN_SCOPE_MAP: 'https://x.example a=room' },
    /names the issuer "https:\/\/x.example"/,
  ],
  ['several providers without issuers', { WARREN_JWKS_URL: both.WARREN_JWKS_URL }, /^WARREN_JWT_ISSUER: expected 2 /],
  [
    'an issuer twice',
    { ...both, WARREN_JWT_ISSUER: `${shop.issuer},${shop.issuer}` },
    /^WARREN_JWT_ISSUER: expected 2 /,
  ],
  ['two issuers for one provider', { ...both, WARREN_JWKS_URL: shop.url }, /^WARREN_JWT_ISSUER: expected one/],
  ['too many audiences', { ...both, WARREN_JWT_AUDIENCE: 'a,b,c' }, /^WARREN_JWT_AUDIENCE: expected one value, or 2/],
  ['too many claims', { ...one, WARREN_CLIENT_ID_CLAIM: 'sub,oid' }, /^WARREN_CLIENT_ID_CLAIM: expected one/],
  ['a map without a provider', { WARREN_SCOPE_MAP: 'a=room' }, /^WARREN_SCOPE_MAP: needs WARREN_JWKS_URL/],
  [
    'prefixes that overlap',
    { ...both, WARREN_CLIENT_ID_CLAIM: 'p-=sub,p-q-=sub' },
    'WARREN_CLIENT_ID_CLAIM: the prefix "p-q-" overlaps with "p-"',
  ],
  [
    'the prefix of registered ids',
    { ...one, WARREN_CLIENT_ID_CLAIM: 'p-=sub', WARREN_REGISTRATION_PREFIX: 'p-' },
    'WARREN_CLIENT_ID_CLAIM: the prefix "p-" overlaps with "p-"',
  ],
])('%s: %#', (_what, env, problem) => {
  if (typeof problem === 'string') expect(problemOf(env)).toBe(problem)
  else expect(problemOf(env)).toMatch(problem)
})

test.each([
  ['WARREN_SCOPE_MAP', 'orders-admin'],
  ['WARREN_SCOPE_MAP', 'a='],
  ['WARREN_SCOPE_MAP', '=room'],
  ['WARREN_SCOPE_MAP', 'a=room,,b=room'],
  ['WARREN_SCOPE_MAP', 'a=room,a=publish'],
  ['WARREN_SCOPE_MAP', '%zz=room'],
  ['WARREN_CLIENT_ID_CLAIM', '/a~2'],
  ['WARREN_CLIENT_ID_CLAIM', 'a b=sub'],
  ['WARREN_CLIENT_ID_CLAIM', 'sub,'],
  ['WARREN_SCOPE_CLAIM', '/~'],
  ['WARREN_JWKS_URL', 'https://a.example/keys,ldap://b'],
])('%s=%s is refused', (name, value) => {
  expect(() => load({ argv: [], env: { [name]: value }, readFile: () => '' })).toThrow(ConfigError)
})
