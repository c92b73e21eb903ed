import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { ConsoleMessage, Page } from 'playwright-core'
import { eventually } from '../../support/eventually.ts'
import { openReachable } from '../../support/gateway/gateway-in-process.ts'
import { startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { startPythonProcessor } from '../back-end/processors.ts'

let vhost: TestVhost
let browser: TestBrowser
const errors: string[] = []

beforeAll(async () => {
  vhost = await testVhost('page')
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await vhost?.close()
})

async function openPage(url: string): Promise<Page> {
  const page = await browser.context.newPage()
  page.on('console', (message: ConsoleMessage) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(url)
  return page
}

const list = (page: Page, name: 'Sent' | 'From others' | 'Processed') =>
  page.getByRole('region', { name }).getByRole('listitem')
const connected = (page: Page) => page.getByRole('status').getByText('connected', { exact: true }).waitFor()

/** Waits until the gateway has accepted a text that the page sent. */
const isAccepted = (page: Page, hasText: string) => page.locator('#sent li:not([data-waiting])', { hasText }).waitFor()

/** By keyboard only: the field has the focus. */
async function sendText(page: Page, text: string): Promise<void> {
  await page.bringToFront()
  await page.getByLabel('Text for all clients').focus()
  await page.keyboard.type(text)
  await page.keyboard.press('Enter')
}

test('a text sent on one page appears on the other, and on both as processed, with a processor in Python on RabbitMQ', async () => {
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_LEGACY_ACCESS: 'open' }
  await using gateway = await startGateway({ env })
  await using processor = await startPythonProcessor(vhost.url)
  const one = await openPage(`${gateway.url}/client`)
  const two = await openPage(`${gateway.url}/client`)
  await Promise.all([connected(one), connected(two)])

  await sendText(one, 'Hello, <b>everybody</b> 😀')
  await list(two, 'From others').getByText('Hello, <b>everybody</b> 😀', { exact: true }).waitFor()
  for (const page of [one, two]) await list(page, 'Processed').getByText('HELLO, <B>EVERYBODY</B> 😀 (py)').waitFor()
  await sendText(two, 'and hello back')
  await list(one, 'From others').getByText('and hello back').waitFor()
  expect(await list(one, 'Sent').locator('span').allTextContents()).toEqual(['Hello, <b>everybody</b> 😀'])
  expect(await list(one, 'From others').locator('time').first().textContent()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/)
  await isAccepted(one, 'Hello, <b>everybody</b> 😀')

  await one.emulateMedia({ colorScheme: 'dark' })
  await one.screenshot({ path: join(tmpdir(), 'warren-client-dark.png') })
  await two.setViewportSize({ width: 375, height: 667 })
  await two.screenshot({ path: join(tmpdir(), 'warren-client-phone.png'), fullPage: true })
  expect(await two.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)

  // While the gateway is down, the page queues the text, and sends it when the gateway is back.
  await gateway.stop()
  await one.getByRole('status').getByText('reconnecting').waitFor()
  await sendText(one, 'typed while away')
  expect(await list(one, 'Sent').last().getAttribute('data-waiting')).toBe('')
  await using again = await gateway.again()
  expect(again.port).toBe(gateway.port)
  await Promise.all([connected(one), connected(two)])
  await list(one, 'Processed').getByText('TYPED WHILE AWAY (py)').waitFor()
  await isAccepted(one, 'typed while away')

  // The last line may come after the answer, by another way.
  await eventually('three texts to be printed', () => processor.printed.length === 3)
  expect(processor.printed).toEqual(['Hello, <b>everybody</b> 😀', 'and hello back', 'typed while away'])
  expect(browser.outside()).toEqual([])
  // The browser itself logs each failed connection.
  expect(errors.filter((text) => !/WebSocket connection to .* failed/.test(text))).toEqual([])
})

test('with a required token the page asks for it, and an invalid one gives no access', async () => {
  await using gateway = await openReachable()
  const page = await openPage(`${gateway.url}/client`)
  await page.getByRole('status').getByText('a token is required').waitFor()
  const field = page.getByLabel('Enter a token')
  await field.fill('not.a.token')
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('this token is not accepted').waitFor()
  await field.fill(await testToken({ scope: 'room' }))
  await page.keyboard.press('Enter')
  await connected(page)
  const response = await page.request.get(`${gateway.url}/client`)
  expect(response.headers()['content-security-policy']).toMatch(/^default-src 'none'; script-src 'sha256-/)
  expect(browser.outside()).toEqual([])
})
