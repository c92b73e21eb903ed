import { type BrowserContext, chromium } from 'playwright-core'
import { patienceMs } from '../patience.ts'
import { sharedChromium, startChromium } from './chromium-server.ts'

export interface TestBrowser extends AsyncDisposable {
  /** Playwright's context, new and empty: `context.newPage()`. */
  readonly context: BrowserContext
  /** URLs of all requests and WebSockets that a page has tried to open, in order. */
  readonly requests: readonly string[]
  /** The URLs among them with another host. A test expects none. */
  outside(): string[]
  close(): Promise<void>
}

/**
 * A context in the Chromium that all test files share. Host names that end in `.loopback.example`
 * resolve to this machine.
 */
export async function openBrowser(): Promise<TestBrowser> {
  return await openContext(await sharedChromium())
}

/** The same in a Chromium of its own, for a program that jest does not run. */
export async function launchBrowser(): Promise<TestBrowser> {
  const server = await startChromium()
  const browser = await openContext(server.url)
  const close = async () => {
    await browser.close()
    await server.close()
  }
  return { ...browser, close, [Symbol.asyncDispose]: close }
}

async function openContext(url: string): Promise<TestBrowser> {
  const browser = await chromium.connect(url)
  const requests: string[] = []
  const context = await browser.newContext()
  context.setDefaultTimeout(patienceMs)
  context.on('request', (request) => requests.push(request.url()))
  context.on('page', (page) => page.on('websocket', (socket) => requests.push(socket.url())))
  const close = async () => {
    await context.close()
    await browser.close()
  }
  return { context, requests, outside: () => requests.filter(isOutside), close, [Symbol.asyncDispose]: close }
}

function isOutside(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return /^(https?|wss?|ftp):$/.test(protocol) && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
