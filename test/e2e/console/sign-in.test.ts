import { expect, test } from '@jest/globals'
import { watchConsole } from './console-page.ts'
import { openProviderConsole, signIn } from './provider-console.ts'

test('an operator signs in by the provider, comes back to the view, reloads it and signs out', async () => {
  await using deployment = await openProviderConsole()
  const { browser, gateway, base } = deployment
  const { page, problems, findings, shoot } = await watchConsole(browser)
  await page.goto(`${base}/clients?search=a`)
  await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor()
  await page.getByRole('link', { name: /Sign in with/ }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('sign-in')
  await signIn(page, 'nadia')
  await page.getByRole('heading', { name: 'Clients' }).waitFor()
  await page.waitForURL(`${base}/clients?search=a`)
  await page.getByText('operator', { exact: true }).waitFor()
  await page.getByText('Nadia', { exact: true }).waitFor()
  // No script can read the session, and no token is stored.
  expect(await page.evaluate('document.cookie + JSON.stringify(sessionStorage)')).toBe('{}')
  await page.reload()
  await page.getByText('Nadia', { exact: true }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByText('You are signed out of the console.').waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor()

  const [line = ''] = await gateway.printed(/.*audit: sign in.*/)
  expect(line).toContain('console:nadia')
  expect(line).toContain('as Nadia')
  await gateway.printed(/audit: sign out/)
  // The provider's redirect has the code in its address, and nothing prints it.
  expect(gateway.output()).not.toMatch(/code=|id_token|access_token/)
  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
})
