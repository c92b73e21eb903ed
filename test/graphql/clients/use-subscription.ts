import { build } from 'esbuild'
import type { TestBrowser } from '../../support/processes/chromium.ts'
import { type Connect, publishedClient, type Shown } from './client.ts'
import type { Rendering } from './use-subscription-page.ts'

declare global {
  /** Of the page in the browser. */
  var render: (rendering: Rendering) => void
}

/**
 * Apollo's hook `useSubscription`, rendered by React in Chromium. Each subscription has a page of its
 * own, which the gateway would have served.
 */
export async function reactConnections(browser: TestBrowser): Promise<Record<3 | 4, Connect>> {
  const script = await bundled()
  const connect =
    (apollo: 3 | 4): Connect =>
    ({ graphqlUrl, graphqlSocketUrl: url }, token) => {
      const pages = new Set<{ close(): Promise<void> }>()
      return publishedClient({
        run: () => Promise.reject(new Error('the page only subscribes')),
        listen(text, variables, sink) {
          const open = async () => {
            const page = await browser.context.newPage()
            pages.add(page)
            page.on('pageerror', sink.error)
            const address = new URL('/under-test', graphqlUrl).href
            await page.route(address, (route) =>
              route.fulfill({ contentType: 'text/html', body: '<!doctype html><div id="root"></div>' }),
            )
            await page.goto(address)
            await page.exposeFunction('shown', (state: Shown<unknown>) => sink.next(state))
            await page.addScriptTag({ content: script })
            await page.evaluate((rendering) => globalThis.render(rendering), { apollo, url, token, text, variables })
          }
          open().catch(sink.error)
          return () => undefined
        },
        close: () => Promise.all([...pages].map((page) => page.close())),
      })
    }
  return { 3: connect(3), 4: connect(4) }
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['test/graphql/clients/use-subscription-page.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  })
  return outputFiles[0]?.text ?? ''
}
