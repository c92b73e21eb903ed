import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { ConsoleMessage, Page } from 'playwright-core'
import type { ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import type { TestBrowser } from '../../support/processes/chromium.ts'

/** Pictures for people to look at, unless `TEST_PICTURES=0`. Git ignores the folder. */
const shots = '.cache/console'
const takesPictures = process.env['TEST_PICTURES'] !== '0'

/** Saves a picture of what the page shows, or only waits until it shows it. */
export async function picture(page: Page, name: string): Promise<void> {
  if (takesPictures) await page.screenshot({ path: join(shots, `${name}.png`) })
  // A hidden page has no frames.
  else await page.evaluate('new Promise((shown) => (requestAnimationFrame(shown), setTimeout(shown, 200)))')
}
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export interface WatchedPage {
  readonly page: Page
  /** What the browser reported: errors, warnings, and breaches of the policy. */
  readonly problems: readonly string[]
  /** Saves a picture in the light and the dark theme and at the width of a phone. */
  shoot: (name: string) => Promise<void>
  /** Serious and critical findings of axe, as text. */
  findings: () => Promise<string[]>
}

export interface ConsolePage extends WatchedPage {
  /** Opens a view, such as `clients?only=SLOW`. */
  open: (view: string) => Promise<void>
}

/** A page of the console, signed in by a link with a token of this scope. */
export async function openConsole(
  browser: TestBrowser,
  gateway: Pick<ReachableGateway, 'address' | 'opsPort'>,
  { scope = 'operator', token }: { scope?: string; token?: string } = {},
): Promise<ConsolePage> {
  const watched = await watchConsole(browser)
  const { page } = watched
  const base = `http://${gateway.address}:${gateway.opsPort}/console`
  const given = token ?? (await testToken({ sub: 'nadia', scope }))
  await page.goto(`${base}#token=${given}`)
  return {
    ...watched,
    open: async (view) => {
      await page.goto(`${base}/${view}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
    },
  }
}

/** An empty page. */
export async function watchConsole(browser: TestBrowser): Promise<WatchedPage> {
  const page = await browser.context.newPage()
  const problems: string[] = []
  page.on('console', (message: ConsoleMessage) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  // Without transitions, so that no picture shows half of one.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.setViewportSize({ width: 1440, height: 900 })
  if (takesPictures) mkdirSync(shots, { recursive: true })
  return {
    page,
    problems,
    shoot: async (name) => {
      for (const theme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: theme })
        await picture(page, `${name}-${theme}`)
      }
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 390, height: 844 })
      await picture(page, `${name}-phone`)
      await page.setViewportSize({ width: 1440, height: 900 })
    },
    findings: async () => {
      await page.evaluate(axe)
      const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
    },
  }
}
