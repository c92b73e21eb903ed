import { build } from 'esbuild'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'
import type { TestBrowser } from '../../support/processes/chromium.ts'
import { type Connect, type ListeningSink, publishedClient, type Shown } from './client.ts'
import type { Rendering } from './use-subscription-page.ts'

declare global {
  /** Of the page in the browser. */
  var render: (rendering: Rendering) => void
  var unmount: (id: string) => void
}

/**
 * Apollo's hook `useSubscription`, rendered by React in Chromium. All subscriptions are on one page,
 * each with a root of its own. The page is one that the gateway would have served.
 */
export async function reactConnections(
  browser: TestBrowser,
  gateway: InProcessGateway,
): Promise<Record<3 | 4, Connect>> {
  const page = await browser.context.newPage()
  const sinks = new Map<string, ListeningSink>()
  page.on('pageerror', (error) => sinks.forEach((sink) => sink.error(error)))
  const address = new URL('/under-test', gateway.graphqlUrl).href
  await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
  await page.goto(address)
  await page.exposeFunction('shown', (id: string, state: Shown<unknown>) => sinks.get(id)?.next(state))
  await page.addScriptTag({ content: await bundled() })
  let count = 0
  const connect =
    (apollo: 3 | 4): Connect =>
    ({ graphqlSocketUrl: url }, token) => {
      const rendered = new Set<string>()
      return publishedClient({
        run: () => Promise.reject(new Error('the page only subscribes')),
        listen(text, variables, sink) {
          const id = `rendering-${(count += 1)}`
          rendered.add(id)
          sinks.set(id, sink)
          page
            .evaluate((rendering) => globalThis.render(rendering), { id, apollo, url, token, text, variables })
            .catch(sink.error)
          return () => undefined
        },
        close: async () => {
          for (const id of rendered) {
            sinks.delete(id)
            await page.evaluate((one) => globalThis.unmount(one), id)
          }
        },
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
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  })
  return outputFiles[0]?.text ?? ''
}
