import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { ConsoleMessage, Page } from 'playwright-core'
import { eventually } from '../../support/eventually.ts'
import type { ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import type { TestBrowser } from '../../support/processes/chromium.ts'

/** Pictures for people to look at, with `TEST_PICTURES=1`. Git ignores the folder. */
const shots = '.cache/console'
const takesPictures = process.env['TEST_PICTURES'] === '1'

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
  /** Shows the light and the dark theme and the width of a phone, and saves a picture of each. */
  shoot: (name: string) => Promise<void>
  /** Serious and critical findings of axe, as text. */
  findings: () => Promise<string[]>
}

export interface ConsolePage extends WatchedPage {
  /** Opens a view, such as `clients?only=SLOW`. */
  open: (view: string) => Promise<void>
}

/**
 * Two keys one after another: a view of the console that `g` and a letter open. Both are sent at
 * once, because the letter counts only for a second after the `g`.
 */
export async function goByKeys(page: Page, letter: string): Promise<void> {
  await Promise.all([page.keyboard.press('g'), page.keyboard.press(letter)])
}

/**
 * Resolves when one GraphQL socket is open on the gateway, with so many subscriptions. A view that
 * shows what comes from now on shows no sign of its subscription before something comes.
 */
export async function subscribed(gateway: Pick<ReachableGateway, 'metrics'>, count: number): Promise<void> {
  const wanted = [`connections{transport="graphql-ws"} 1`, `subscriptions{transport="graphql-ws"} ${count}`]
  await eventually(`${count} subscriptions of one page`, async () => {
    const metrics = await gateway.metrics()
    return wanted.every((sample) => metrics.includes(`warren_${sample}\n`))
  })
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
      if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe)
      const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
    },
  }
}
