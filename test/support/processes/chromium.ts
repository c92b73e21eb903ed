import { type BrowserContext, chromium } from 'playwright-core'
import { patienceMs } from '../patience.ts'
import { debianPackages, locate } from './debian-package.ts'
import { newFolder, removeFolder } from './run-folder.ts'

export interface TestBrowser extends AsyncDisposable {
  /** Playwright's context on a new, empty profile: `context.newPage()`. */
  readonly context: BrowserContext
  /** URLs of all requests and WebSockets that a page has tried to open, in order. */
  readonly requests: readonly string[]
  /** The URLs among them with another host. A test expects none. */
  outside(): string[]
  close(): Promise<void>
}

/**
 * Chromium takes only the last list, so this one repeats what Playwright's has against requests of
 * its own and for stable pages.
 */
const disabledFeatures = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
  // Its popup under the address bar is a page, which takes a second of CPU in each browser.
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'WebUIOmniboxPopup',
]

const flags = (ownNames: readonly string[]) => [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Chromium calls its maker's servers in spite of these flags, so only the names of this machine
  // resolve. Newer Chromium asks the user before a page reaches this machine; the gateway is tested
  // against older ones.
  `--disable-features=${[...disabledFeatures, ...(ownNames.length > 0 ? ['LocalNetworkAccessChecks'] : [])].join(',')}`,
  `--host-resolver-rules=${ownNames.map((name) => `MAP ${name} 127.0.0.1, `).join('')}MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]`,
]

/**
 * Debian's Chromium (or the program in CHROMIUM_PATH), headless. `ownNames` are host names that
 * resolve to this machine.
 */
export async function launchChromium({ ownNames = [] }: { ownNames?: readonly string[] } = {}): Promise<TestBrowser> {
  const executablePath = locate(debianPackages.chromium)
  const requests: string[] = []
  const profile = newFolder()
  const context = await chromium
    .launchPersistentContext(profile, {
      executablePath,
      headless: true,
      // The sandbox of Chromium does not work for root.
      chromiumSandbox: process.getuid?.() !== 0,
      args: flags(ownNames),
    })
    .catch((error: unknown) => {
      removeFolder(profile)
      throw error
    })
  context.setDefaultTimeout(patienceMs)
  context.on('request', (request) => requests.push(request.url()))
  const note = (page: { on(event: 'websocket', listener: (socket: { url(): string }) => void): unknown }) =>
    page.on('websocket', (socket) => requests.push(socket.url()))
  context.pages().forEach(note)
  context.on('page', note)
  const close = async () => {
    await context.close()
    removeFolder(profile)
  }
  return { context, requests, outside: () => requests.filter(isOutside), close, [Symbol.asyncDispose]: close }
}

function isOutside(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return /^(https?|wss?|ftp):$/.test(protocol) && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
