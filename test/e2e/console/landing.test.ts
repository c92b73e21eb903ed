import { expect, test } from '@jest/globals'
import { openReachable } from '../../support/gateway/gateway-in-process.ts'
import { launchChromium } from '../../support/processes/chromium.ts'
import { picture } from './console-page.ts'

test('the landing page leads to the console, GraphiQL and the room without a script', async () => {
  await using gateway = await openReachable()
  await using browser = await launchChromium()
  const page = await browser.context.newPage()
  const problems: string[] = []
  page.on('console', (message) => problems.push(message.text()))
  await page.goto(gateway.url)
  await page.getByRole('heading', { name: 'Every RabbitMQ message, to the client it is for.' }).waitFor()
  await page.getByText('Broker up').waitFor()
  const hrefs = await page
    .locator('a')
    .evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href))
  expect(hrefs.length).toBe(3)
  for (const href of [...hrefs, `${gateway.url}/favicon.svg`]) {
    const response = await fetch(href, { headers: { accept: 'text/html' } })
    await response.text()
    expect([href, response.status]).toEqual([href, 200])
  }
  expect(await page.locator('script').count()).toBe(0)
  await picture(page, 'landing-light')
  await page.getByRole('link', { name: /Console/ }).click()
  await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor()
  await page.getByLabel('Token, or the whole sign-in link').fill('no token')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('This is no token').waitFor()
  await picture(page, 'sign-in-light')
  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
})
