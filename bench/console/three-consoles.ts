/** Three pages of the console in Chromium that are opened and closed together. */
import type { Page } from 'playwright-core'
import { type ConsolePage, openConsole } from '../../test/e2e/console/console-page.ts'
import { launchBrowser, type TestBrowser } from '../../test/support/processes/chromium.ts'
import type { LoadedGateway } from './loaded-gateway.ts'

const views = ['', 'live', 'clients'] as const
/** One to the rates in each page, and one to the tail in Live. */
const subscriptions = views.length + 1
/** What follows the first answers after a page was opened, in milliseconds. */
const settleMs = 1_000

export class ThreeConsoles implements AsyncDisposable {
  readonly #loaded: LoadedGateway
  readonly #browser: TestBrowser
  readonly #shown: readonly ConsolePage[]

  private constructor(loaded: LoadedGateway, browser: TestBrowser, shown: readonly ConsolePage[]) {
    this.#loaded = loaded
    this.#browser = browser
    this.#shown = shown
  }

  /** The pages are signed in, and closed. */
  static async launch(loaded: LoadedGateway): Promise<ThreeConsoles> {
    const browser = await launchBrowser()
    const shown = await Promise.all(views.map(() => openConsole(browser, loaded.gateway)))
    const consoles = new ThreeConsoles(loaded, browser, shown)
    await consoles.close()
    return consoles
  }

  get pages(): readonly Page[] {
    return this.#shown.map(({ page }) => page)
  }

  /** How many requests and WebSockets the pages have opened so far. */
  get requests(): number {
    return this.#browser.requests.length
  }

  async open(): Promise<void> {
    for (const [index, { open }] of this.#shown.entries()) await open(views[index] ?? '')
    await this.#loaded.hasOtherSubscriptions(subscriptions)
    await new Promise((resolve) => setTimeout(resolve, settleMs))
  }

  async close(): Promise<void> {
    for (const page of this.pages) await page.goto('about:blank')
    await this.#loaded.hasOtherSubscriptions(0)
  }

  /** Hides the open pages. Resolves when their subscriptions have ended. */
  async hide(): Promise<void> {
    for (const page of this.pages) {
      // As a text, because the compiler of this program adds calls that the page does not have.
      await page.evaluate(`
        Object.defineProperty(document, 'hidden', { get: () => true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    }
    await this.#loaded.hasOtherSubscriptions(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
  }
}
