import { type BrowserContext, chromium } from 'playwright-core'
import { debianPackages, locate } from './debian-package.ts'
import { newFolder, removeFolder } from './run-folder.ts'

export interface TestBrowser extends AsyncDisposable {
  /** Playwright's context on a new, empty profile: `context.newPage()`. */
  readonly context: BrowserContext
  /** URLs of every request and WebSocket that a page has tried to make so far, in order. */
  readonly requests: readonly string[]
  /** Those of them that were meant for another machine. A test expects this to be empty. */
  outside(): string[]
  close(): Promise<void>
}

const flags = (ownNames: readonly string[]) => [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Chromium asks for its maker's servers in spite of all that. No name but this machine's is
  // looked up, whoever asks. Newer browsers ask before a page reaches this machine. A test of the
  // gateway is one of older ones.
  ...(ownNames.length > 0 ? ['--disable-features=LocalNetworkAccessChecks'] : []),
  `--host-resolver-rules=${ownNames.map((name) => `MAP ${name} 127.0.0.1, `).join('')}MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]`,
]

/**
 * Debian's Chromium (or the program that CHROMIUM_PATH names), headless. `ownNames`: host names
 * that lead to this machine.
 */
export async function launchChromium({ ownNames = [] }: { ownNames?: readonly string[] } = {}): Promise<TestBrowser> {
  const executablePath = locate(debianPackages.chromium)
  const requests: string[] = []
  const profile = newFolder()
  const context = await chromium
    .launchPersistentContext(profile, {
      executablePath,
      headless: true,
      // Chromium's sandbox can't be had by root.
      chromiumSandbox: process.getuid?.() !== 0,
      args: flags(ownNames),
    })
    .catch((error: unknown) => {
      removeFolder(profile)
      throw error
    })
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
