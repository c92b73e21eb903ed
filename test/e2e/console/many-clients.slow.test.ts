import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import Database from 'libsql'
import { eventually } from '../../support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { callerOf } from '../back-end/graphql-caller.ts'
import { openConsole } from './console-page.ts'

const registered = 100_000
/** Git ignores it. Times depend on the machine, so they are printed there and not asserted. */
const figures = '.cache/console/many-clients.json'

let gateway: GatewayProcess
let browser: TestBrowser
beforeAll(async () => {
  gateway = await startGateway()
  // Registering one client costs a password hash, so the rows are written to the registry.
  const database = new Database(join(gateway.dataDir, 'warren.db'))
  database.exec(`
    pragma busy_timeout = 10000;
    with recursive n(i) as (select 0 union all select i + 1 from n where i < ${registered - 1})
    insert into warren_clients
      select printf('client-%06d', i), 'Client ' || i, 'c' || i || '@example.com', 'x', '2026-11-29T00:00:00.000Z' from n`)
  database.close()
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await gateway?.[Symbol.asyncDispose]()
})

/** Runs in the page: what blocked it for more than 50 ms, and the times between frames. */
const watchFrames = `
  window.longTasks = []
  new PerformanceObserver((list) => { for (const one of list.getEntries()) longTasks.push(Math.round(one.duration)) })
    .observe({ type: 'longtask' })
  window.frames = []
  let before = performance.now()
  const next = (now) => { frames.push(now - before); before = now; requestAnimationFrame(next) }
  requestAnimationFrame(next)`

test('100,000 clients are read in pages, searched on the gateway, and scrolled with few rows in the page', async () => {
  const times: Record<string, unknown> = {}
  const operator = callerOf(gateway.graphqlUrl, await testToken({ scope: 'operator' }))
  const pageOf = async (name: string, args: string) => {
    const since = performance.now()
    const { clients } = await operator<{ clients: { nodes: { clientId: string }[]; endCursor: string } }>(
      `{ clients(${args}) { nodes { clientId online } endCursor counts { registered } } }`,
    )
    times[name] = Math.round(performance.now() - since)
    return clients
  }
  expect((await pageOf('first page, ms', 'first: 100')).nodes).toHaveLength(100)
  const deep = await pageOf('page after 99,000, ms', 'first: 100, after: "client-098999"')
  expect(deep.nodes[0]?.clientId).toBe('client-099000')
  expect((await pageOf('search, ms', 'first: 100, search: "99999"')).nodes).toHaveLength(1)
  await expect(pageOf('', 'first: 501')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })

  const { page, problems, open, shoot, findings } = await openConsole(browser, gateway)
  let answers = 0
  page.on('response', (response) => (answers += response.url().endsWith('/console/graphql') ? 1 : 0))
  await open('clients')
  const rows = page.getByRole('table', { name: 'Clients' }).getByRole('row')
  await page.getByRole('row', { name: /client-000000/ }).waitFor()
  await page.evaluate(watchFrames)
  await page.locator('.vlist').hover()
  const wanted = 3_000
  const loaded = page.getByText(/[\d,]+ clients loaded, scroll for more/)
  await eventually(`${wanted} clients to be scrolled through`, async () => {
    await page.mouse.wheel(0, 2_000)
    return Number((await loaded.innerText()).replace(/ .*/, '').replaceAll(',', '')) >= wanted
  })
  // Only what is on the screen exists, and nothing was asked twice.
  expect(await rows.count()).toBeLessThan(80)
  expect(answers).toBeLessThan(2 * (wanted / 100))
  const seen = (await page.evaluate('({ frames, longTasks })')) as { frames: number[]; longTasks: number[] }
  times['frames while scrolling 3,000 clients'] = seen.frames.length
  times['frames of more than 50 ms'] = seen.frames.filter((ms) => ms > 50).length
  times['frames of more than 100 ms'] = seen.frames.filter((ms) => ms > 100).length
  times['tasks of more than 50 ms, ms'] = seen.longTasks

  const typed = Date.now()
  await page.keyboard.press('/')
  await page.keyboard.type('099999')
  await page.getByRole('row', { name: /client-099999/ }).waitFor()
  await page.getByText('1 client, by client id').waitFor()
  times['typing a search to its row, ms'] = Date.now() - typed
  expect(await findings()).toEqual([])
  await page.getByRole('searchbox').fill('')
  await page.getByRole('row', { name: /client-000000/ }).waitFor()
  await shoot('many-clients')
  mkdirSync('.cache/console', { recursive: true })
  writeFileSync(figures, `${JSON.stringify(times, null, 2)}\n`)
  expect(problems).toEqual([])
})

test('a hidden page has no subscription and asks nothing after its time, and continues when it is shown', async () => {
  const { page, open } = await openConsole(browser, gateway)
  await open('live')
  await page.getByText('Live, 1 replica').waitFor()
  const feeds = async () => /^warren_subscriptions\{transport="graphql-ws"\} (\d+)/m.exec(await gateway.metrics())?.[1]
  const show = (isHidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
      document.dispatchEvent(new Event('visibilitychange'))
    }, isHidden)
  // The page of the other test is hidden too, because a console that was left open counts as well.
  for (const other of browser.context.pages()) if (other !== page) await other.close()
  await eventually('the rates and the tail', async () => (await feeds()) === '2')
  await show(true)
  await eventually('both to end', async () => (await feeds()) === '0')
  await page.getByText('Paused', { exact: true }).waitFor()
  const asked = browser.requests.length
  // Twice the time in which the page asks for anything at all.
  await page.waitForTimeout(10_000)
  expect(browser.requests.slice(asked)).toEqual([])
  await show(false)
  await page.getByText('Live, 1 replica').waitFor()
  await eventually('the rates and the tail', async () => (await feeds()) === '2')
})
