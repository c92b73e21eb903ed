import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { JWTPayload } from 'jose'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { type LocalIssuer, localIssuer } from '../../support/gateway/local-issuer.ts'
import { sectionsOf } from './guide-sections.ts'
import { ask, outcomeOf } from './registrant.ts'

const guide = sectionsOf('docs/guides/identity-providers.md')

/** The block of a section of the guide. */
function blockOf(section: string, language: string): string {
  const block = guide.get(section)?.find((one) => one.language === language)
  if (!block) throw new Error(`the guide has no ${language} under ${section}`)
  return block.text
}

/** The options that the guide shows, with the keys of local issuers. */
function optionsOf(section: string, ...issuers: LocalIssuer[]): Record<string, string> {
  const lines = blockOf(section, 'sh').trim().split('\n')
  const options = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  return { ...options, WARREN_JWKS_URL: issuers.map(({ keysUrl }) => keysUrl).join(',') }
}

const exampleOf = (section: string) => JSON.parse(blockOf(section, 'json')) as JWTPayload

/** What the token may do: which of some operations are answered. */
async function rightsOf(gateway: InProcessGateway, token: string, own: string): Promise<Record<string, string>> {
  const outcome = async (query: string) => String(outcomeOf(await ask(gateway.graphqlUrl, query, {}, { token })))
  return {
    own: await outcome(`{ history(clientId: ${JSON.stringify(own)}) { hasMore } }`),
    orders: await outcome('{ history(clientId: "orders.eu") { hasMore } }'),
    operator: await outcome('{ rabbitChannels { id } }'),
    publish: await outcome('mutation { publish(input: { clientId: "orders", data: 1 }) { messageId } }'),
  }
}

let issuer: LocalIssuer
let partner: LocalIssuer
beforeAll(async () => {
  issuer = await localIssuer()
  partner = await localIssuer()
})
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]()
  await partner?.[Symbol.asyncDispose]()
})

describe('the example of the guide for', () => {
  test.each([
    ['Keycloak', 'alice', { realm_access: { roles: ['offline_access'] } }, 'answered', 'FORBIDDEN'],
    ['Auth0', 'auth0|66f2a0c1d3', { 'https://shop.example.com/roles': [] }, 'answered', 'FORBIDDEN'],
    [
      'Entra ID',
      '3b9aca00-0000-4000-8000-0123456789ab',
      { roles: ['Orders.Reader', 'operator'] },
      'FORBIDDEN',
      'answered',
    ],
  ])(
    '%s grants its client id, its scopes and its roles, and no others',
    async (name, clientId, fewer, orders, publish) => {
      await using gateway = await openGateway(optionsOf(name, issuer))
      const claims = exampleOf(name)
      const rights = (more: JWTPayload) =>
        issuer.sign({ ...claims, ...more }).then((token) => rightsOf(gateway, token, clientId))
      expect(await rights({})).toEqual({
        own: 'answered',
        orders: 'answered',
        operator: 'answered',
        publish: expect.any(String),
      })
      expect(await rights(fewer)).toEqual({ own: 'answered', orders, operator: 'FORBIDDEN', publish })
      const unnamed = { own: 'answered', orders: 'FORBIDDEN', operator: 'FORBIDDEN' }
      const roles = {
        realm_access: { roles: ['operator', 'channel:#'] },
        roles: ['operator'],
        permissions: ['operator'],
      }
      const others = { resource_access: { other: { roles: ['dispatcher'] } }, groups: ['operator'], scp: 'operator' }
      expect(await rights({ ...fewer, ...roles, ...others, scope: 'operator' })).toMatchObject(unnamed)
      for (const wrong of [{ iss: `${claims.iss}x` }, { aud: 'account' }]) {
        expect(await rights(wrong)).toMatchObject({ own: 'UNAUTHENTICATED' })
      }
    },
  )
})

test('with several providers each has its own keys, map and ids', async () => {
  await using gateway = await openGateway(optionsOf('Several providers', issuer, partner))
  const shopClaims = { iss: 'https://id.example.com/realms/shop', aud: 'warren', sub: 'alice' }
  const partnerClaims = { ...shopClaims, iss: 'https://partner.eu.auth0.com/' }
  const admin = { realm_access: { roles: ['orders-admin'] } }
  const rights = async (token: string, own: string) => rightsOf(gateway, token, own)

  expect(await rights(await issuer.sign({ ...shopClaims, ...admin }), 'alice')).toMatchObject({
    own: 'answered',
    operator: 'answered',
  })
  const ofPartner = await partner.sign({ ...partnerClaims, ...admin })
  expect(await rights(ofPartner, 'partner-alice')).toMatchObject({ own: 'answered', operator: 'FORBIDDEN' })
  expect(await rights(ofPartner, 'alice')).toMatchObject({ own: 'FORBIDDEN' })

  const refused = [
    await partner.sign({ ...shopClaims, ...admin }),
    await issuer.sign(partnerClaims),
    await issuer.sign({ ...shopClaims, iss: 'https://evil.example' }),
    await issuer.sign({ aud: 'warren', sub: 'alice' }),
    await issuer.sign({ ...shopClaims, iss: [shopClaims.iss] as never }),
    await issuer.sign({ ...shopClaims, sub: 'partner-alice' }),
    'eyJhbGciOiJSUzI1NiJ9.W10.AA',
    'eyJhbGciOiJSUzI1NiJ9..',
  ]
  for (const token of refused) expect(await rights(token, 'alice')).toMatchObject({ own: 'UNAUTHENTICATED' })
})
