import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { identityProvider, type TestIdentityProvider } from '../../support/gateway/identity-provider.ts'
import { freePort } from '../../support/network/ports.ts'
import type { TestBrowser } from '../../support/processes/chromium.ts'
import { watchConsole } from './console-page.ts'
import { client, openProviderConsole, optionsFor, type ProviderConsole, signIn } from './provider-console.ts'

let deployment: ProviderConsole
let browser: TestBrowser
let provider: TestIdentityProvider
let gateway: GatewayProcess
let base: string

beforeAll(async () => {
  deployment = await openProviderConsole()
  ;({ browser, provider, gateway, base } = deployment)
})
beforeEach(async () => {
  // The pages of all tests share one session, so an earlier one would end or renew it too.
  for (const page of browser.context.pages()) await page.close()
  await browser.context.clearCookies()
})
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]()
})

test('a role of WARREN_CONSOLE_OIDC_OBSERVE reads and changes nothing', async () => {
  const { page } = await watchConsole(browser)
  await page.goto(`${base}/sources`)
  await signIn(page, 'omar')
  await page.getByRole('button', { name: 'New source' }).click()
  const button = page.getByRole('button', { name: 'Make the source', disabled: true })
  expect(await button.getAttribute('title')).toBe('Needs the scope operator')
  await page.getByText('observe', { exact: true }).waitFor()
})

test('revoke ends the session of a user, and a new sign-in begins another one', async () => {
  const { page } = await watchConsole(browser)
  await page.goto(`${base}/replicas`)
  await signIn(page, 'omar')
  await page.getByText('observe', { exact: true }).waitFor()
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await testToken({ scope: 'operator' })}` },
    body: JSON.stringify({ query: 'mutation { revoke(clientId: "console:omar") }' }),
  })
  expect(await response.json()).toEqual({ data: { revoke: true } })
  await page.getByRole('dialog').getByText('an operator revoked your access').waitFor()
  // Tokens have their time in seconds, and one of the same second is revoked too.
  const second = Math.floor(Date.now() / 1000)
  await eventually('the next second', () => Math.floor(Date.now() / 1000) > second)
  await page
    .getByRole('dialog')
    .getByRole('link', { name: /Sign in with/ })
    .click()
  await page.getByRole('heading', { name: 'Replicas' }).waitFor()
})

test.each([
  ['guest', 'Your account has no role in the console.'],
  ['refuse', 'The identity provider refused the sign-in'],
])('explains why %s may not sign in', async (user, text) => {
  const { page } = await watchConsole(browser)
  await page.goto(base)
  await signIn(page, user)
  await page.getByRole('alert').getByText(text).waitFor()
  await page.waitForURL(base)
  const answer = await browser.context.request.post(`${base}/session`)
  expect(await answer.json()).toEqual({ provider: new URL(provider.issuer).host })
})

/** The address of the provider's page, with the cookie of the pending sign-in in the browser. */
async function begun(view = '/console'): Promise<URL> {
  const url = `${base}/oidc/sign-in?${new URLSearchParams({ view })}`
  const response = await browser.context.request.get(url, { maxRedirects: 0 })
  expect(response.status()).toBe(303)
  return new URL(response.headers()['location'] ?? '')
}

test.each(['state', 'nonce', 'code_challenge'])('refuses an answer of the provider for another %s', async (name) => {
  const { page } = await watchConsole(browser)
  const url = await begun()
  expect(url.searchParams.get('code_challenge_method')).toBe('S256')
  url.searchParams.set(name, (url.searchParams.get(name) ?? '').split('').toReversed().join(''))
  await page.goto(url.href)
  await page.getByLabel('User').fill('nadia')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('alert').getByText('does not belong to this sign-in').waitFor()
})

test('refuses a callback without the cookie of the browser that began, and pages of other sites', async () => {
  const { page } = await watchConsole(browser)
  const url = await begun()
  await browser.context.clearCookies()
  await page.goto(url.href)
  await page.getByLabel('User').fill('nadia')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('alert').getByText('The sign-in has expired').waitFor()

  for (const path of ['session', 'sign-out'])
    expect(
      (await fetch(`${base}/${path}`, { method: 'POST', headers: { origin: 'https://evil.example' } })).status,
    ).toBe(403)
  expect((await fetch(`${base}/session`)).status).toBe(405)
})

test.each(['https://evil.example/console', '//evil.example', '/console\\@evil.example', '/graphql'])(
  'does not redirect to %s after the sign-in',
  async (view) => {
    const { page } = await watchConsole(browser)
    await page.goto((await begun(view)).href)
    await page.getByLabel('User').fill('nadia')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.waitForURL(base)
  },
)

test('a session is renewed at the provider, ends with the role, and a provider that is away is explained', async () => {
  const opsPort = await freePort()
  const own = `http://127.0.0.1:${opsPort}/console`
  await using issuer = await identityProvider(
    { ...client, redirectUri: `${own}/oidc/callback` },
    { rolesIn: 'id-token' },
  )
  issuer.roles.set('nadia', ['orders admin'])
  await using short = await startGateway({
    env: { ...optionsFor(issuer.issuer), WARREN_OPS_PORT: String(opsPort), WARREN_CONSOLE_OIDC_SESSION: '60s' },
  })
  const { page, problems, findings } = await watchConsole(browser)
  await page.goto(`${own}/live`)
  await signIn(page, 'nadia')
  await page.getByText('Live, 1 replica').waitFor()
  // A token lasts 15 s, so the session has outlived its first one.
  await eventually('two renewals', () => issuer.refreshes() >= 2)
  await page.getByText('Live, 1 replica').waitFor()
  expect(await page.getByRole('dialog').count()).toBe(0)
  // The socket got the new tokens, and was not opened again.
  expect(browser.requests.filter((url) => url.startsWith(`ws://127.0.0.1:${opsPort}/`)).length).toBe(1)
  expect(problems).toEqual([])

  issuer.roles.set('nadia', [])
  await page.getByRole('dialog').getByText('no role in the console').waitFor()
  expect(await findings()).toEqual([])
  issuer.roles.set('nadia', ['support'])
  await page
    .getByRole('dialog')
    .getByRole('link', { name: /Sign in with/ })
    .click()
  await page.getByText('observe', { exact: true }).waitFor()
  await page.waitForURL(`${own}/live`)

  await issuer.stop()
  // The page keeps trying until its last token ends.
  await page.getByRole('dialog').getByText('The identity provider does not answer').waitFor({ timeout: 60_000 })
  await short.printed(/"reason":"away"/)
  await short.stop()
  await using restarted = await short.again()
  await page.goto(own)
  await page.getByRole('link', { name: /Sign in with/ }).click()
  await page.getByRole('alert').getByText('The identity provider does not answer').waitFor()
  expect(restarted.output()).not.toMatch(/unexpected|unhandled/i)
})
