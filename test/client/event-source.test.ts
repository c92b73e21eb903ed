import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { freePort } from '../support/network/ports.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { openBrowser, type TestBrowser } from '../support/processes/chromium.ts'
import { repetitions } from '../support/repetitions.ts'
import { chaos, numbers, position, publish, ReceivedNumbers } from './numbered-messages.ts'

const many = repetitions(600, 2_000)

let gateway: InProcessGateway
let proxy: TcpProxy
let browser: TestBrowser
let pages: { url: string; close(): Promise<void> }
beforeAll(async () => {
  gateway = await openGateway()
  proxy = await tcpProxy(Number(new URL(gateway.url).port))
  browser = await openBrowser()
  pages = await servePage()
})
afterAll(async () => {
  await browser?.close()
  await pages?.close()
  await proxy?.close()
  await gateway?.close()
})

test(`the example page receives each of ${many} messages once and in order, wherever its connection is cut`, async () => {
  const { received, page } = await open(
    'page',
    await gateway.clientToken('page'),
    await position('page', gateway.graphqlUrl),
  )
  const cut = () => proxy.cut()
  await chaos({
    seed: 7,
    count: many,
    cuts: 4,
    received,
    publish: (n) => publish(gateway, 'page', n),
    cut,
    connections: () => proxy.accepted,
  })
  expect(received.data).toEqual(numbers(many))
  expect(proxy.accepted).toBeGreaterThan(2)
  expect(browser.outside()).toEqual([])
  await page.close()
})

test('a refused token is requested again, and the client resumes after its cursor', async () => {
  const after = await position('renewing', gateway.graphqlUrl)
  await publish(gateway, 'renewing', 'before')
  const { received, page } = await open('renewing', 'expired', after)
  await page.getByText('the connection was lost').waitFor()
  await publish(gateway, 'renewing', 'meanwhile')
  const token = await gateway.clientToken('renewing')
  await page.goto(page.url().replace('token=expired', `token=${token}`))
  await received.until(2)
  expect(received.data).toEqual(['before', 'meanwhile'])
  await page.close()
})

async function open(
  clientId: string,
  token: string,
  after: string,
): Promise<{ page: Page; received: ReceivedNumbers }> {
  const received = new ReceivedNumbers()
  const page = await browser.context.newPage()
  await page.exposeFunction('received', (lines: string[]) => {
    for (const line of lines) received.add(JSON.parse(line))
  })
  // The test checks what the page displays.
  await page.addInitScript(() => {
    const scope = globalThis as unknown as BrowserScope
    new scope.MutationObserver((changes) => {
      const lines = changes.flatMap(({ target, addedNodes }) => (target.id === 'events' ? [...addedNodes] : []))
      if (lines.length > 0) scope.received(lines.map(({ textContent }) => textContent))
    }).observe(scope.document, { childList: true, subtree: true })
  })
  const given = new URLSearchParams({ url: `http://127.0.0.1:${proxy.port}/graphql`, clientId, token, after })
  await page.goto(`${pages.url}#${given.toString()}`)
  return { page, received }
}

/** The part of the browser API that the page uses; the types of the tests lack it. */
interface BrowserScope {
  readonly document: object
  readonly MutationObserver: new (
    onChange: (changes: { target: { id: string }; addedNodes: Iterable<{ textContent: string }> }[]) => void,
  ) => { observe(target: object, options: object): void }
  received(lines: string[]): void
}

async function servePage() {
  const html = await readFile('examples/resume/event-source.html')
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}/event-source.html`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
