import { expect, test } from '@jest/globals'
import { consoleSignInOf } from '../../src/config/checks/console-sign-in.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { load } from '../../src/config/load/load.ts'

const complete = {
  WARREN_CONSOLE_OIDC_ISSUER: 'https://id.example.com/realms/shop',
  WARREN_CONSOLE_OIDC_CLIENT_ID: 'warren-console',
  WARREN_CONSOLE_OIDC_OPERATOR: 'orders%20admin,ops',
}

const settingsOf = (env: Record<string, string>) => consoleSignInOf(load({ argv: [], env, readFile: () => '' }))
const problemOf = (env: Record<string, string>): string => {
  try {
    settingsOf(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'none'
}

test('three options are enough, and openid is always requested', () => {
  expect(settingsOf(complete)).toEqual({
    issuer: 'https://id.example.com/realms/shop',
    clientId: 'warren-console',
    clientSecret: undefined,
    scopes: 'openid profile email',
    roles: { claims: ['roles', 'groups'], operator: ['orders admin', 'ops'], observe: [] },
    name: 'id.example.com',
    origin: undefined,
    sessionMs: 28_800_000,
  })
  expect(settingsOf({ ...complete, WARREN_CONSOLE_OIDC_SCOPES: 'offline_access' })?.scopes).toBe(
    'openid offline_access',
  )
  expect(settingsOf({ ...complete, WARREN_CONSOLE: 'off' })).toBeUndefined()
  expect(settingsOf({})).toBeUndefined()
})

const { WARREN_CONSOLE_OIDC_OPERATOR: _roles, ...withoutRoles } = complete

test.each<[string, Record<string, string>, string]>([
  ['a client id without an issuer', { WARREN_CONSOLE_OIDC_CLIENT_ID: 'x' }, 'WARREN_CONSOLE_OIDC_CLIENT_ID: needs'],
  ['no client id', { ...complete, WARREN_CONSOLE_OIDC_CLIENT_ID: '' }, 'WARREN_CONSOLE_OIDC_CLIENT_ID: expected'],
  ['no roles', withoutRoles, 'WARREN_CONSOLE_OIDC_OPERATOR: expected roles'],
  ['everybody an operator', { ...complete, WARREN_CONSOLE_OIDC_OPERATOR: '*' }, 'let every user act'],
  ['plain HTTP', { ...complete, WARREN_CONSOLE_OIDC_ISSUER: 'http://id.example.com' }, 'http on another machine'],
  [
    'a path of the origin',
    { ...complete, WARREN_CONSOLE_OIDC_ORIGIN: 'https://a.example/x' },
    'WARREN_CONSOLE_OIDC_ORIGIN',
  ],
])('refuses %s', (_name, env, text) => {
  expect(problemOf(env)).toContain(text)
})
