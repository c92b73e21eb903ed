import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { watchConsole } from './console-page.ts'

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

test('the landing page leads to the console, GraphiQL and the room, and keeps the chosen theme', async () => {
  const { page, problems, findings, shoot } = await watchConsole(browser)
  await page.goto(gateway.url)
  await page.getByRole('heading', { name: 'Every RabbitMQ message, to the client it is for.' }).waitFor()
  await page.getByText('Broker up').waitFor()
  await page.getByRole('img', { name: /One stream of messages/ }).waitFor()
  const hrefs = await page
    .locator('a')
    .evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href))
  expect(hrefs.length).toBe(5)
  for (const href of [...hrefs, `${gateway.url}/favicon.svg`]) {
    const response = await fetch(href, { headers: { accept: 'text/html' } })
    await response.text()
    expect([href, response.status]).toEqual([href, 200])
  }
  expect(await findings()).toEqual([])
  await shoot('landing')
  await page.getByRole('button', { name: 'Use the dark theme' }).click()
  expect(await findings()).toEqual([])
  await page.reload()
  await page.getByRole('button', { name: 'Use the light theme' }).waitFor()

  await page.goto(`${gateway.url}/client`)
  await page.getByText('This page is a client of the plain WebSocket').waitFor()
  expect(await findings()).toEqual([])
  await shoot('room')

  await page.goto(gateway.url)
  await page.getByRole('link', { name: 'Open the console' }).click()
  await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor()
  // Without a provider, a token is the only way in.
  expect(await page.getByRole('link', { name: /Sign in with/ }).count()).toBe(0)
  await page.getByLabel('Token, or the whole sign-in link').fill('no token')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('This is no token').waitFor()
  expect(await findings()).toEqual([])
  await shoot('sign-in-token')
  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
})

test('the landing page shows everything without a script', async () => {
  const page = await browser.context.newPage()
  const devtools = await browser.context.newCDPSession(page)
  await devtools.send('Emulation.setScriptExecutionDisabled', { value: true })
  await page.goto(gateway.url)
  await page.getByRole('link', { name: 'Open the console' }).waitFor()
  await page.getByRole('link', { name: /GraphiQL/ }).waitFor()
  expect(await page.locator('#theme').isVisible()).toBe(false)
})
