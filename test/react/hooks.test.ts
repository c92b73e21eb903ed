import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { renderToString } from 'react-dom/server'
import { checkpoint, resultOf } from '../client/fed-client.ts'
import { eventually } from '../support/eventually.ts'
import { launchChromium, type TestBrowser } from '../support/processes/chromium.ts'
import type { controls as pageControls } from './hydrate-page.ts'
import { page as pageOf } from './orders-page.ts'

declare const controls: typeof pageControls

/** What a server renders: it has no client. */
const fromServer = renderToString(pageOf({ clients: null, customer: 'alice', isShown: true }))

let browser: TestBrowser
let page: Page
let stop: () => Promise<void>
const complaints: string[] = []
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: ['test/react/hydrate-page.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // React warns in development only.
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  const html = `<!doctype html><link rel="icon" href="data:,"><div id="root">${fromServer}</div><script type="module" src="/page.js"></script>`
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8')
    response.end(isScript ? outputFiles[0]?.text : html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stop = () => new Promise((resolve) => server.close(() => resolve()))
  browser = await launchChromium()
  page = await browser.context.newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
afterAll(async () => {
  await browser.close()
  await stop()
})

const rows = () => page.getByRole('listitem').allTextContents()
const shows = (text: string) => page.getByText(text, { exact: true }).waitFor()
/** Open subscriptions, and those that were ever made. */
const subscriptions = () =>
  page.evaluate(() => [controls.keyed, controls.latest].map(({ open, operations }) => [open.length, operations.length]))
const feed = (to: 'keyed' | 'latest', ...results: ReturnType<typeof resultOf>[]) =>
  page.evaluate(([name, list]) => list.forEach((result) => controls[name].feed(result)), [to, results] as const)

test('the hooks take over a page from a server, and keep it current under StrictMode', async () => {
  expect(fromServer).toBe('<section><p>alice connecting incomplete</p><ul></ul></section><output>nothing yet</output>')
  // StrictMode mounts twice, and each hook still has one subscription.
  await eventually('the subscriptions', async () => (await subscriptions()).every(([open]) => open === 1))
  expect(await subscriptions()).toEqual([
    [1, 1],
    [1, 1],
  ])

  await feed(
    'keyed',
    resultOf({ id: 'one', total: 1 }, 's1', { state: 'SNAPSHOT', reset: true }),
    resultOf({ id: 'two', total: 2 }, 's2', { state: 'SNAPSHOT_END' }),
  )
  await shows('alice live complete')
  expect(await rows()).toEqual(['one: 1', 'two: 2'])
  const before = await page.evaluate(() => controls.rendered())
  await feed('keyed', resultOf({ id: 'two', total: 3 }, 'c1'), resultOf({ id: 'three', total: 4 }, 'c2'))
  await shows('three: 4')
  await feed('keyed', resultOf(null, 'c3', { removed: 'two' }))
  await page.getByText('two: 3').waitFor({ state: 'detached' })
  expect(await rows()).toEqual(['one: 1', 'three: 4'])
  // The row of an entry that did not change is not rendered again.
  expect((await page.evaluate(() => controls.rendered()))['one']).toBe(before['one'])

  await feed('latest', resultOf({ id: 'one', total: 1 }, 'c4'), resultOf({ id: 'nine', total: 9 }, 'c5'))
  await shows('nine: 9')
})

test('another variable is another subscription, and an unmounted component has none', async () => {
  await page.evaluate(() => controls.show('bob', true))
  await shows('bob connecting incomplete')
  await eventually('the end of the first subscription', async () => (await subscriptions())[0]?.[0] === 1)
  expect(await page.evaluate(() => controls.keyed.variables)).toEqual([{ customer: 'alice' }, { customer: 'bob' }])
  await feed('keyed', checkpoint('c0', { state: 'SNAPSHOT_END', reset: true }))
  await shows('bob live complete')
  expect(await rows()).toEqual([])
  await page.evaluate(() => controls.show('bob', false))
  await eventually('no subscription', async () => (await subscriptions())[0]?.[0] === 0)
  expect(complaints).toEqual([])
})
