import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { ConsoleMessage, Page } from 'playwright-core'
import { eventually } from '../../support/eventually.ts'
import { startGateway } from '../../support/gateway/gateway-process.ts'
import { openBrowser } from '../../support/processes/chromium.ts'

/**
 * GraphiQL as a user operates it, by what the page shows. Texts are pasted, because the editor
 * completes typed ones.
 */
function graphiql(page: Page) {
  const press = async (editor: string, ...keys: string[]) => {
    await page.locator(`${editor} .monaco-editor:visible`).click()
    for (const key of keys) await page.keyboard.press(`ControlOrMeta+${key}`)
  }
  return {
    tab: (name: string) => page.getByRole('tab', { name }).getByRole('button', { name, exact: true }).click(),
    async headers(text: string) {
      await page.getByRole('button', { name: 'Headers', exact: true }).click()
      await page.evaluate((copied) => navigator.clipboard.writeText(copied), text)
      await press('.graphiql-editor-tool', 'A', 'V')
    },
    /** Executes the operation of this name when GraphiQL has loaded both editors. */
    async run(name: string) {
      await page.locator('.graphiql-query-editor .view-lines', { hasText: name }).waitFor()
      await page.locator('.graphiql-response .monaco-editor').waitFor({ state: 'attached' })
      await page.getByRole('button', { name: /^Execute query/ }).click()
    },
    isRunning: () => page.getByRole('button', { name: /^Stop query/ }).waitFor(),
    /** The response, when it contains the word. */
    async answer(word: string): Promise<unknown> {
      await page.locator('.graphiql-response .view-lines', { hasText: word }).waitFor()
      return eventually(`the answer with ${word} in the clipboard`, async () => {
        await press('.graphiql-response', 'A', 'C')
        const text = await page.evaluate(() => navigator.clipboard.readText())
        return text.includes(word) && (JSON.parse(text) as unknown)
      })
    },
  }
}

test('the tour of the README works in GraphiQL, from the first page on, and no request leaves the machine', async () => {
  // Without the preset secret, so that the page shows the generated token as to a new user.
  await using gateway = await startGateway({ env: { WARREN_JWT_SECRET: undefined as never } })
  const [, operatorHeaders = ''] = await gateway.printed(/^ *(\{"Authorization": "Bearer [^"]+"\})$/m)
  await using browser = await openBrowser()
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const errors: string[] = []
  const listenTo = (page: Page) => {
    page.on('console', (message: ConsoleMessage) => {
      if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
    })
    page.on('pageerror', (error) => errors.push(error.message))
    return page
  }

  const first = listenTo(await browser.context.newPage())
  await first.goto(gateway.url)
  await first.getByRole('link', { name: /^GraphiQL/ }).click()
  const listener = graphiql(first)
  await listener.run('CreateChannel')
  const created = (await listener.answer('token')) as { data: { createClientChannel: { token: string } } }

  await listener.tab('Listen')
  await listener.headers(`{"Authorization": "Bearer ${created.data.createClientChannel.token}"}`)
  await listener.run('Listen')
  await eventually('the subscription to be open', async () =>
    (await gateway.metrics()).includes('warren_subscriptions{transport="graphql-ws"} 1'),
  )
  await listener.isRunning()

  const second = listenTo(await browser.context.newPage())
  await second.goto(gateway.graphqlUrl)
  const publisher = graphiql(second)
  await publisher.tab('Publish')
  await publisher.headers(operatorHeaders)
  await publisher.run('Publish')
  expect(await publisher.answer('messageId')).toEqual({ data: { publish: { messageId: expect.any(String) } } })

  await first.bringToFront()
  expect(await listener.answer('greeting')).toMatchObject({
    data: { channel: { kind: 'MESSAGE', data: { hello: 'world' }, type: 'greeting', cursor: expect.any(String) } },
  })
  await first.screenshot({ path: join(tmpdir(), 'warren-graphiql.png') })

  // By now the URL contains the query, so a reload shows the page and not an answer.
  await first.reload()
  expect(await first.title()).toBe('Warren')
  expect(browser.outside()).toEqual([])
  expect(errors).toEqual([])
})
