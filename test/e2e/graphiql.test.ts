import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { ConsoleMessage, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway-process.ts'

/** What a user does in GraphiQL, by what a user sees. */
function graphiql(page: Page) {
  const textOf = async (selector: string) =>
    // Monaco draws spaces that don't break.
    (await page.locator(`${selector} .view-lines`).innerText()).replaceAll('\u00a0', ' ')
  return {
    tab: (name: string) =>
      page
        .getByRole('tab', { name })
        .or(page.locator('.graphiql-tab-button', { hasText: name }))
        .first()
        .click(),
    async headers(text: string) {
      await page.getByRole('button', { name: 'Headers', exact: true }).click()
      await page.locator('.graphiql-editor-tool .monaco-editor:visible').click()
      await page.keyboard.press('ControlOrMeta+A')
      await page.keyboard.insertText(text)
    },
    run: () => page.getByRole('button', { name: /^Execute query/ }).click(),
    isRunning: () => page.getByRole('button', { name: /^Stop query/ }).isVisible(),
    /** The first match in the response, as soon as it is there. */
    answer: (pattern: RegExp) =>
      eventually(
        `${String(pattern)} in the response`,
        async () => (await textOf('.graphiql-response')).match(pattern) ?? undefined,
      ),
  }
}

test('the tour of the README works in GraphiQL, from the first page on, and no request leaves the machine', async () => {
  // With the embedded default's own secret, so that the token is the one that a newcomer sees.
  await using gateway = await startGateway({ env: { WARREN_JWT_SECRET: undefined as never } })
  const [, operatorHeaders = ''] = await gateway.printed(/^ *(\{"Authorization": "Bearer [^"]+"\})$/m)
  await using browser = await launchChromium()
  const complaints: string[] = []
  const listenTo = (page: Page) => {
    page.on('console', (message: ConsoleMessage) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return page
  }

  const first = listenTo(await browser.context.newPage())
  await first.goto(gateway.url)
  await first.getByRole('link', { name: 'Open GraphiQL' }).click()
  const listener = graphiql(first)
  await listener.run()
  const [, token] = await listener.answer(/"token": "([^"]+)"/)

  await listener.tab('Listen')
  await listener.headers(`{"Authorization": "Bearer ${token}"}`)
  await listener.run()
  await eventually('the subscription to be there', async () =>
    (await gateway.metrics()).includes('warren_subscriptions{transport="graphql-ws"} 1'),
  )
  expect(await listener.isRunning()).toBe(true)

  const second = listenTo(await browser.context.newPage())
  await second.goto(gateway.graphqlUrl)
  const publisher = graphiql(second)
  await publisher.tab('Publish')
  await publisher.headers(operatorHeaders)
  await publisher.run()
  await publisher.answer(/"messageId": "[0-9a-f-]{36}"/)

  await first.bringToFront()
  const [event] = await listener.answer(/\{\s*"data": \{\s*"channel": \{[^]*\}\s*\}\s*\}/)
  expect(JSON.parse(event)).toMatchObject({
    data: { channel: { kind: 'MESSAGE', data: { hello: 'world' }, type: 'greeting', cursor: expect.any(String) } },
  })
  await first.screenshot({ path: join(tmpdir(), 'warren-graphiql.png') })

  // The query stands in the URL by now: the page comes back, not an answer.
  await first.reload()
  expect(await first.title()).toBe('Warren')
  expect(browser.outside()).toEqual([])
  expect(complaints).toEqual([])
}, 90_000)
