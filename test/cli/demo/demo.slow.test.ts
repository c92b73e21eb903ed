import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { watchConsole } from '../../e2e/console/console-page.ts'
import { eventually } from '../../support/eventually.ts'
import { startGateway } from '../../support/gateway/gateway-process.ts'
import { openBrowser } from '../../support/processes/chromium.ts'

/** The figure of a counter. */
async function counter(page: Page, name: string): Promise<number> {
  return Number(await page.locator(`[data-counter="${name}"]`).textContent())
}

/** Waits until the page has received everything of this moment, and more. */
async function caughtUp(page: Page): Promise<void> {
  const published = await counter(page, 'Published')
  await eventually(
    'the page to catch up',
    async () =>
      (await counter(page, 'Received')) > published + 4 && (await page.getByText('is connected').count()) === 1,
    { withinMs: 120_000 },
  )
}

test('the page of the demo: killed gateways and a cut network lose nothing and double nothing', async () => {
  await using gateway = await startGateway({ env: { WARREN_DEMO: 'on' } })
  const [, url = ''] = await gateway.printed(/the shop +(http:\S+)/)
  await using browser = await openBrowser()
  const { page, problems, findings, shoot } = await watchConsole(browser)
  const kill = page.getByRole('button', { name: 'Kill the gateway' })
  const cut = page.getByRole('button', { name: 'Cut the network' })
  const log = page.getByRole('log')
  await page.goto(url)
  await caughtUp(page)
  expect(await findings()).toEqual([])

  const processes = new Set<string>()
  for (const nth of [1, 2, 3]) {
    const running = page.getByText(/^process \d+$/)
    processes.add((await running.textContent()) ?? '')
    await kill.click()
    await eventually('another process', async () => (await log.getByText('A new gateway runs').count()) === nth, {
      withinMs: 120_000,
    })
    await caughtUp(page)
  }
  expect(processes.size).toBe(3)
  await gateway.printed(/"signal":"SIGKILL"/)

  await cut.click()
  await page.getByText('is cut').waitFor()
  await page.getByText('connects again').waitFor()
  const published = await counter(page, 'Published')
  const received = await counter(page, 'Received')
  // The shop goes on while the page is away.
  await eventually('further changes', async () => (await counter(page, 'Published')) > published + 4)
  expect(await counter(page, 'Received')).toBe(received)
  expect(await findings()).toEqual([])
  await log.getByText('The network works again').waitFor()
  await caughtUp(page)
  await log
    .getByText(/Caught up: \d+ changes/)
    .first()
    .waitFor()

  expect(await counter(page, 'Lost')).toBe(0)
  expect(await counter(page, 'Doubled')).toBe(0)
  await shoot('demo')
  expect(browser.outside()).toEqual([])
  // The browser reports each connection that could not be opened.
  expect(problems.filter((problem) => !/WebSocket connection to .* failed/.test(problem))).toEqual([])
}, 600_000)

test('other pages can press no button and read no token', async () => {
  await using gateway = await startGateway({ env: { WARREN_DEMO: 'on' } })
  const [, url = ''] = await gateway.printed(/the shop +(http:\S+)/)
  const ask = async (path: string, headers: Record<string, string>, method = 'GET') =>
    (await fetch(new URL(path, url), { method, headers })).status
  expect(await ask('/kill', { origin: 'https://evil.example' }, 'POST')).toBe(403)
  expect(await ask('/session', { origin: 'https://evil.example' })).toBe(403)
  expect(await ask('/kill', { 'sec-fetch-site': 'cross-site' }, 'POST')).toBe(403)
  expect(await ask('/session', {})).toBe(200)
  expect(await ask('/other', {})).toBe(404)
})
