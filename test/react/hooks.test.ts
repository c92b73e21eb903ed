import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { renderToString } from 'react-dom/server'
import { checkpoint, resultOf } from '../client/fed-client.ts'
import { publish } from '../client/numbered-messages.ts'
import { eventually } from '../support/eventually.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { tcpProxy } from '../support/network/tcp-proxy.ts'
import { openBrowser, type TestBrowser } from '../support/processes/chromium.ts'
import type { channelControls as channelPageControls } from './channel-page.ts'
import type { controls as pageControls } from './hydrate-page.ts'
import { page as pageOf } from './orders-page.ts'

declare const controls: typeof pageControls
declare const channelControls: typeof channelPageControls

/** What a server renders: it has no client. */
const fromServer = renderToString(pageOf({ clients: null, customer: 'alice', isShown: true }))

let browser: TestBrowser
let page: Page
let address: string
let stop: () => Promise<void>
const complaints: string[] = []
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: ['test/react/hydrate-page.ts', 'test/react/channel-page.ts'],
    outdir: '.',
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // React warns in development only.
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  const html = (content: string, script: string) =>
    `<!doctype html><link rel="icon" href="data:,"><div id="root">${content}</div><script type="module" src="${script}"></script>`
  const pages: Record<string, string | undefined> = {
    '/': html(fromServer, '/page.js'),
    '/channel': html('', '/channel.js'),
    '/page.js': outputFiles[0]?.text,
    '/channel.js': outputFiles[1]?.text,
  }
  const server = createServer(({ url = '' }, response) => {
    const [path = ''] = url.split('?')
    response.setHeader('content-type', `text/${path.endsWith('.js') ? 'javascript' : 'html'}; charset=utf-8`)
    response.end(pages[path])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stop = () => new Promise((resolve) => server.close(() => resolve()))
  browser = await openBrowser()
  page = await browser.context.newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await page.goto(address)
})
afterAll(async () => {
  await browser.close()
  await stop()
})

const rows = () => page.getByRole('listitem').allTextContents()
const shows = (text: string) => page.getByText(text, { exact: true }).waitFor()
/**
 * Begins to watch for a text that the page shows only for a moment. The returned function resolves when
 * it was there.
 */
async function glimpse(text: string): Promise<() => Promise<unknown>> {
  await page.evaluate(`globalThis.glimpsed = new Promise((resolve) => {
    const look = () => document.body.textContent.includes(${JSON.stringify(text)}) && resolve(true)
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
  }); undefined`)
  return () => page.evaluate('glimpsed')
}
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

test('a channel, a handler and the connection follow a real gateway through a lost connection', async () => {
  await using gateway = await openGateway()
  await using proxy = await tcpProxy(Number(new URL(gateway.url).port))
  const url = `ws://127.0.0.1:${proxy.port}/graphql`
  const query = new URLSearchParams({ url, token: await gateway.clientToken('alice') })
  await page.goto(`${address}/channel?${query}`)
  const counted = () => page.evaluate(() => channelControls.subscriptions())
  const handled = () => page.evaluate(() => channelControls.handled())

  // The suspended component does not subscribe, and StrictMode adds no subscription.
  await shows('suspended')
  await shows('handler live')
  expect(await counted()).toBe(1)
  await page.evaluate(() => channelControls.reveal())
  await shows('inbox live:')
  await shows('connected')
  expect(await counted()).toBe(2)

  for (const number of [1, 2, 3]) await publish(gateway, 'alice', { number })
  await shows('inbox live: 2 3')
  // Until the client connects again.
  const showedDisconnected = await glimpse('disconnected')
  proxy.pause()
  proxy.cut()
  expect(await showedDisconnected()).toBe(true)
  await publish(gateway, 'alice', { number: 4 })
  // The function of the newest render is called.
  await page.evaluate(() => channelControls.render(100))
  proxy.resume()
  await shows('inbox live: 3 4')
  await shows('connected')
  await publish(gateway, 'alice', { number: 5 })
  await shows('inbox live: 4 5')
  await eventually('the handler', async () => (await handled()).length === 5)
  expect(await handled()).toEqual([1, 2, 3, 104, 105])

  await page.evaluate(() => channelControls.unmount())
  await eventually('no subscription', async () => (await counted()) === 0)
  expect(complaints.filter((text) => !text.includes('WebSocket'))).toEqual([])
})
