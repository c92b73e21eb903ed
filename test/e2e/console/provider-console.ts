import type { Page } from 'playwright-core'
import { type GatewayProcess, startGateway } from '../../support/gateway/gateway-process.ts'
import { identityProvider, type TestIdentityProvider } from '../../support/gateway/identity-provider.ts'
import { freePort } from '../../support/network/ports.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'

/** As the provider knows the console. */
export const client = { clientId: 'warren-console', clientSecret: 'a secret of the client' }

/** The options of a gateway with sign-in by the provider at `issuer`. */
export function optionsFor(issuer: string): Record<string, string> {
  return {
    WARREN_CONSOLE_OIDC_ISSUER: issuer,
    WARREN_CONSOLE_OIDC_CLIENT_ID: client.clientId,
    WARREN_CONSOLE_OIDC_CLIENT_SECRET: client.clientSecret,
    WARREN_CONSOLE_OIDC_OPERATOR: 'orders%20admin',
    WARREN_CONSOLE_OIDC_OBSERVE: 'support,sales',
  }
}

export interface ProviderConsole extends AsyncDisposable {
  readonly browser: TestBrowser
  readonly provider: TestIdentityProvider
  readonly gateway: GatewayProcess
  /** The address of the console. */
  readonly base: string
}

/** A gateway, a provider with the users nadia, omar and guest, and a browser. */
export async function openProviderConsole(): Promise<ProviderConsole> {
  const opsPort = await freePort()
  const base = `http://127.0.0.1:${opsPort}/console`
  const provider = await identityProvider({ ...client, redirectUri: `${base}/oidc/callback` })
  provider.roles.set('nadia', ['orders admin', 'support'])
  provider.roles.set('omar', ['support'])
  provider.roles.set('guest', ['orders', 'admin'])
  const gateway = await startGateway({ env: { ...optionsFor(provider.issuer), WARREN_OPS_PORT: String(opsPort) } })
  const browser = await openBrowser()
  return {
    browser,
    provider,
    gateway,
    base,
    async [Symbol.asyncDispose]() {
      await browser.close()
      await gateway.stop()
      await provider.stop()
    },
  }
}

/** From the page of the console to the page of the provider, and back. */
export async function signIn(page: Page, user: string): Promise<void> {
  await page.getByRole('link', { name: /Sign in with 127\.0\.0\.1/ }).click()
  await page.getByLabel('User').fill(user)
  await page.getByRole('button', { name: 'Continue' }).click()
}
