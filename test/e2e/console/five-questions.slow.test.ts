import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { createRabbitChannel } from '../back-end/graphql-caller.ts'
import { type ConsolePage, openConsole } from './console-page.ts'
import { type Deployment, openDeployment, stalledClient } from './deployment.ts'

/**
 * What a new operator asks. Each test begins on the overview and takes the steps of
 * docs/guides/console.md, "Five questions".
 */
let deployment: Deployment
let slow: Awaited<ReturnType<typeof stalledClient>>
let shown: ConsolePage

/** More than the buffers of the system and of the gateway hold for a socket that does not read. */
const large = { pad: 'x'.repeat(256 * 1024) }

beforeAll(async () => {
  // A client that reads nothing answers no ping.
  deployment = await openDeployment('questions', { env: { WARREN_KEEP_ALIVE: '5m' } })
  const { operator, publish, replicas, client, browser } = deployment
  const orders = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'orders.{clientId}.#' }
  const chats = { exchange: 'chats', exchangeType: 'FANOUT', routingKey: '', clientId: { bodyPointer: '/to' } }
  for (const input of [orders, chats]) await operator(createRabbitChannel, { input })
  const bob = await client('bob')
  await publish('orders', 'orders.bob.created', { order: 16 }, { messageId: 'ord-16' })
  await bob.next()
  // Alice is not there, and the shop sets no message id.
  await publish('orders', 'orders.alice.created', { order: 17, total: 42.5 })
  await publish('chats', '', { to: ['bob'], text: 'hello' })
  await publish('chats', '', { to: [], text: 'anyone there?' })
  await publish('orders', 'orders.bob.created', '{"order": 18, "note": "tw', { appId: 'billing' })
  slow = await stalledClient(replicas[1], 'mira')
  for (let n = 0; n < 60; n += 1) await publish('orders', 'orders.mira.created', { order: 100 + n, ...large })
  shown = await openConsole(browser, replicas[0])
})
afterAll(async () => {
  await slow?.[Symbol.asyncDispose]()
  await deployment?.[Symbol.asyncDispose]()
})

async function beginOnOverview(): Promise<ConsolePage['page']> {
  await shown.open('')
  await shown.page.getByText('Live, 2 of 2 replicas').waitFor()
  return shown.page
}

test('why did order 17 not reach alice? Find its words, and read the sentence', async () => {
  const page = await beginOnOverview()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find' }).fill('order 17')
  await page.keyboard.press('Enter')
  const verdict = page.getByRole('status')
  await verdict.getByText('alice had no subscription on any of 2 replicas when it arrived.').waitFor()
  await page.getByText('alice is offline now').waitFor()
  await shown.shoot('question-order-17')
  expect(await shown.findings()).toEqual([])
  expect(shown.problems).toEqual([])
})

test('who is slow right now? The overview names the number, and leads to the client', async () => {
  const page = await beginOnOverview()
  const [, two] = deployment.replicas
  await page.getByText(new RegExp(`1 session is slow on .*:${two.port}`)).waitFor()
  // What she has not read is in no column. The page states that beside the sums and in its first
  // line.
  await page.getByText(/matched so far is accounted for\. 1 subscription reads from the journal/).waitFor()
  const accounts = page.getByRole('region', { name: 'Accounts', exact: true })
  await accounts.getByText('add up so far').waitFor()
  await accounts.getByText('what it has not read yet is not counted here').getByRole('link', { name: 'mira' }).waitFor()
  await page.getByRole('link', { name: 'Show' }).click()
  const row = page.getByRole('table', { name: 'Clients' }).getByRole('row', { name: /mira/ })
  await row.waitFor()
  expect(await page.getByRole('row', { name: /bob/ }).count()).toBe(0)
  await row.click()
  const detail = page.getByRole('complementary', { name: 'Client mira' })
  await detail.getByText(/behind, at least [\d,]+ events wait/).waitFor()
  await detail.getByText(new RegExp(`on .*:${two.port}`)).waitFor()
  await detail.getByText(/[\d.]+ (KiB|MiB) queued/).waitFor()
  await shown.shoot('question-slow')
  expect(await shown.findings()).toEqual([])

  // A message that waits for her is traced as such, and as delivered when she reads on.
  await publishedFor('mira', 'ord-last')
  await shown.open('trace?id=ord-last')
  await page.getByText('1 subscription of mira is behind. It reads the journal at its own pace').first().waitFor()
  await page.getByText('mira is slow now').waitFor()
  await shown.shoot('question-waiting')
  // A row of a list shows the same.
  await shown.open('journal?client=mira')
  await page
    .getByRole('row', { name: /orders\.mira\.created.*waiting/ })
    .first()
    .waitFor()
  await shown.shoot('question-waiting-rows')
  await shown.open('trace?id=ord-last')
  slow.read()
  for (;;) {
    await page.reload()
    const verdict = page.locator('.verdict')
    await verdict.waitFor()
    if ((await verdict.innerText()).includes('It reached 1 of 1 subscription of mira.')) break
  }
  expect(shown.problems).toEqual([])
})

const publishedFor = (clientId: string, messageId: string) =>
  deployment.publish('orders', `orders.${clientId}.created`, { order: 999 }, { messageId })

test('which messages went to the quarantine today, and why? One click, and one sentence', async () => {
  const page = await beginOnOverview()
  await page.getByRole('link', { name: 'Read them' }).click()
  await page.getByText('1 message cannot be read: broken JSON. It came today.').waitFor()
  await page.getByRole('row', { name: /the JSON ends too early.*billing/ }).waitFor()
  await page.getByText('{"order": 18, "note": "tw').first().waitFor()
  await shown.shoot('question-quarantine')
  expect(shown.problems).toEqual([])
})

test('what does an exchange contain, and what would a source with this rule match?', async () => {
  const page = await beginOnOverview()
  await page.getByRole('link', { name: 'See why' }).click()
  await page.getByRole('heading', { name: 'chats: why messages found no client' }).waitFor()
  await page.getByText('"/to" is an empty list').first().waitFor()
  await page.getByRole('button', { name: 'New source' }).click()
  await page.getByLabel('Exchange', { exact: true }).fill('chats')
  await page.getByText('It is a fanout exchange, which ignores routing keys.').waitFor()
  await page.getByLabel('Which client is a message for?').selectOption('bodyPointer')
  await page.getByLabel('Where').fill('/text')
  await page.getByText('2 find a client, 2 different ones; 0 find none.').waitFor()
  await shown.shoot('question-source')
  await page.getByRole('link', { name: 'In the journal' }).click()
  await page.getByText('exchange:').waitFor()
  await page.getByRole('row', { name: /no client/ }).waitFor()
  // The head, and the two messages of the exchange.
  await eventually('three rows', async () => (await page.getByRole('row').count()) === 3)
  await page.getByRole('row', { name: /no client/ }).click()
  await page.getByRole('complementary', { name: 'The chosen message' }).getByText('"anyone there?"').waitFor()
  expect(shown.problems).toEqual([])
})

test('is everything delivered that was matched? The first line, and the sum that it is made of', async () => {
  const page = await beginOnOverview()
  await page.getByText('Every event that was matched is accounted for.').waitFor()
  const sum = page.getByRole('group', { name: /^Matched \d/ })
  const label = (await sum.getAttribute('aria-label')) ?? ''
  const [matched = 0, ...parts] = [...label.matchAll(/[\d,]+/g)].map(([text]) => Number(text.replaceAll(',', '')))
  expect(parts).toHaveLength(4)
  expect(parts.reduce((all, part) => all + part, 0)).toBe(matched)
  // Bob took two messages, and mira at least the first one.
  expect(matched).toBeGreaterThanOrEqual(3)
  expect(deployment.browser.outside()).toEqual([])
})
