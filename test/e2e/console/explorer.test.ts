import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Locator, Page } from 'playwright-core'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { goByKeys, openConsole, subscribed } from './console-page.ts'

let gateway: ReachableGateway
let browser: TestBrowser
beforeAll(async () => {
  gateway = await openReachable()
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await gateway?.close()
})

test('the Explorer runs a query, and lists every event of a subscription with its time', async () => {
  const { page, problems, shoot, findings } = await openConsole(browser, gateway)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  // It is loaded when it is opened, and not before.
  expect(browser.requests.filter((url) => url.includes('/assets/explorer/'))).toEqual([])
  await goByKeys(page, 'e')
  await page.getByRole('heading', { name: 'Explorer' }).waitFor()
  const { editor, run, response } = await loadedExplorer(page)
  await run.click()
  await response.getByText('"subscriptions"').waitFor()
  expect(await findings()).toEqual([])
  await shoot('explorer')

  const token = await testToken({ scope: 'operator' })
  const publish = async (data: string): Promise<void> => {
    const query = `mutation ($data: JSON!) { publish(input: { clientId: "alice", data: $data }) { messageId } }`
    const answer = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: `{"query": ${JSON.stringify(query)}, "variables": {"data": ${data}}}`,
    })
    expect(await answer.json()).toMatchObject({ data: { publish: { messageId: expect.any(String) } } })
  }
  await page.getByRole('button', { name: 'Channel' }).click()
  await editor.getByText('publishedAt').waitFor()
  await run.click()
  const events = page.getByRole('region', { name: 'Events of the subscription' })
  await events.getByText('subscribed').waitFor()
  await events.getByText('Waiting for the first event.').waitFor()
  // The rates of the page, and this one.
  await subscribed(gateway, 2)
  await publish('{"order": 17}')
  await events.getByText('"order": 17').waitFor()
  await publish('{"order": 9007199254740993}')
  await events.getByText('9007199254740993').waitFor()
  await publish('{"order": 19}')
  await events.getByText('"order": 19').waitFor()
  // All are there, newest first, each with its time.
  expect(await events.locator('pre').allInnerTexts()).toEqual([
    expect.stringContaining('"order": 19'),
    expect.stringContaining('"order": 9007199254740993'),
    expect.stringContaining('"order": 17'),
  ])
  expect(await events.locator('time').allInnerTexts()).toEqual(
    Array.from({ length: 3 }, () => expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3}$/)),
  )
  expect(await findings()).toEqual([])
  await shoot('explorer-events')

  await events.getByRole('button', { name: 'Pause' }).click()
  await publish('{"order": 20}')
  await events.getByRole('button', { name: /1 newer event waits/ }).waitFor()
  expect(await events.getByText('"order": 20').count()).toBe(0)
  await events.getByRole('button', { name: 'Resume' }).click()
  await events.getByText('"order": 20').waitFor()
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await events.getByRole('button', { name: 'Copy all' }).click()
  await page.getByText('All events copied').waitFor()
  const copied = await page.evaluate('navigator.clipboard.readText()')
  expect((JSON.parse(String(copied)) as unknown[]).length).toBe(4)
  expect(copied).toContain('9007199254740993')
  await events.getByRole('button', { name: 'Clear' }).click()
  await events.getByText('Waiting for the first event.').waitFor()
  // The subscription ends with the view.
  await page.keyboard.press('Escape')
  await page.getByRole('link', { name: 'Overview' }).first().click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await subscribed(gateway, 1)
  await page.goBack()
  await page.getByRole('button', { name: 'Channel' }).click()
  await editor.getByText('publishedAt').waitFor()
  await response.getByRole('textbox', { includeHidden: true }).waitFor({ state: 'attached' })
  await run.click()
  await events.getByText('Waiting for the first event.').waitFor()
  await page.getByRole('button', { name: /Stop query/ }).click()
  await events.getByText('You stopped the subscription.').waitFor()

  // GraphiQL's own dialogs and completion work under the policy of the page.
  await page.getByRole('button', { name: 'Open short keys dialog' }).click()
  await page.getByRole('dialog').getByRole('heading', { name: 'Short Keys' }).waitFor()
  expect(await findings()).toEqual([])
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
  await page.getByText('Root Types').waitFor()
  expect(await findings()).toEqual([])
  await page.reload()
  await page.getByRole('button', { name: 'Channel' }).waitFor()
  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
  await page.close()
})

test('an observer may read and not change, and a refused subscription shows why', async () => {
  const { page, problems, open } = await openConsole(browser, gateway, { scope: 'observe' })
  // GraphiQL keeps its tabs there.
  await page.evaluate('localStorage.clear()')
  await open('explorer')
  await page.getByText('which may not change anything').waitFor()
  const { editor, run, response } = await loadedExplorer(page)
  const write = async (text: string): Promise<void> => {
    await editor.locator('.CodeMirror').click()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.insertText(text)
    await run.click()
  }
  await write('mutation { revoke(clientId: "alice") }')
  await response.getByText('FORBIDDEN').waitFor()
  await write('subscription { tail(maxPerSecond: 0) { seen } }')
  const events = page.getByRole('region', { name: 'Events of the subscription' })
  await events.getByText('BAD_USER_INPUT').waitFor()
  await events.getByText('ended', { exact: true }).waitFor()
  // The browser itself reports the refused request.
  expect(problems.filter((problem) => !problem.startsWith('Failed to load resource'))).toEqual([])
})

/**
 * The parts of GraphiQL once it can execute: it loads its editors after the page, and until both
 * are there a press of its button does nothing.
 */
async function loadedExplorer(page: Page): Promise<Record<'editor' | 'run' | 'response', Locator>> {
  const editor = page.getByRole('region', { name: 'Query Editor' })
  const response = page.getByRole('region', { name: 'Result Window' })
  await editor.getByText('subscriptions').waitFor()
  await response.getByRole('textbox', { includeHidden: true }).waitFor({ state: 'attached' })
  return { editor, run: page.getByRole('button', { name: /Execute query/ }), response }
}
